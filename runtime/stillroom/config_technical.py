"""The conditions of the unit itself: what each means, from when it counts, and at which level it is told.

They are told in the same rows as those of a person, and one thing is otherwise: none can be switched off. Where no row
covers the time of day, a condition has the level `technical`, and the site says what that is worth (`alerts.technical`
in site.toml). A row can only make it more or less urgent, or let it wait; the room's snapshot names it at once.
"""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from stillroom.config_conditions import ROWS, Row

TECHNICAL = {
    "camera-covered": "nothing of the room is to be seen, and less light than before",
    "camera-dark": "too dark to see anybody",
    "camera-blinded": "most of the picture is flooded with light",
    "camera-blurred": "the picture has lost its detail",
    "camera-frozen": "the camera gives the same picture again and again",
    "camera-moved": "the camera looks at something else than before; it is off until somebody accepts the view",
    "camera-silent": "no picture for two seconds, where there should be one",
    "camera-failed": "the camera cannot be opened, or broke off",
    "camera-settings": "the camera did not take what was asked of it",
    "recording-ended": "the recording that stands for a camera is over",
    "model-missing": "nobody looks for people, though the configuration asks for models",
    "crash-loop": "keeper or eye failed ten times in a row: it senses nothing for a minute, then tries again",
    "hot": "the board is too hot",
    "indicator-dead": "the light does not work",
    "clock-unsure": "the gateway has not told the time since the machine was started",
    "clock-differs": "the system clock and the gateway's differ by more than ten seconds",
    "storage-nearly-full": "less is free on the card than its reserve",
    "storage-full": "the card takes nothing more",
    "storage-failing": "the card fails",
    "storage-damaged": "the database was damaged, or is older than the unit",
    "events-forgotten": "the card took nothing for so long that events had to be let go",
    "courier-silent": "the process that has the network is not there, or does nothing",
    "gateway-silent": "the gateway has not answered",
    "cannot-seal": "the roster's time is over, or it names nobody to seal to",
    "cursor-beyond": "the gateway has entries that this unit never wrote",
    "another-with-this-key": "the gateway hears another unit with this one's key",
    "trust-unreadable": "the documents of the site cannot be read",
    "roster-refused": "a new roster was not accepted; the one before is in force",
    "configuration-refused": "a configuration from afar was not accepted; the one before is in force",
    "software-old": "nobody has put newer software on this unit for a long time",
    "view-policy-refused": "a policy for views was not accepted: nobody looks",
    "eye-refuses": "the eye does not believe the papers of its camera, a look or a recording",
}
"""Each code that a unit may tell of itself, and what it means."""


SLOTS_TO_ANSWER = 3
"""In fewer nobody can be called silent: an answer to one record comes after the next."""


class TechnicalRow(Row, frozen=True, forbid_unknown_fields=True):
    """At which level, and after how long. It stands in the room's snapshot from the first moment."""

    after_s: Annotated[float, Meta(ge=0.0, le=86_400.0)] = 0.0


Rows = Annotated[tuple[TechnicalRow, ...], ROWS]


class TechnicalConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[technical]`: limits first, then rows for each of `TECHNICAL`. Times of day are of `conditions.time_zone`."""

    hot_sensors: str = "/sys/class/thermal"
    """The folder with the board's sensors, as Linux shows them; empty: none, and nothing is said of heat."""
    hot_c: Annotated[float, Meta(ge=30.0, le=110.0)] = 75.0
    """The hottest sensor, from which on it is too hot. A Raspberry Pi slows down at 80 to 85."""
    hot_ends_c: Annotated[float, Meta(ge=20.0, le=109.0)] = 70.0
    """Below which it is over."""
    model_missing_s: Annotated[float, Meta(ge=5.0, le=3600.0)] = 30.0
    courier_silent_s: Annotated[float, Meta(ge=10.0, le=3600.0)] = 60.0
    gateway_silent_s: Annotated[float, Meta(ge=30.0, le=86_400.0)] = 300.0
    software_old_days: Annotated[float, Meta(ge=1.0, le=3650.0)] = 180.0
    """Since the newest of its files was put on the unit."""
    camera_covered: Rows = ()
    camera_dark: Rows = ()
    camera_blinded: Rows = ()
    camera_blurred: Rows = ()
    camera_frozen: Rows = ()
    camera_moved: Rows = ()
    camera_silent: Rows = ()
    camera_failed: Rows = ()
    camera_settings: Rows = ()
    recording_ended: Rows = ()
    model_missing: Rows = ()
    crash_loop: Rows = ()
    hot: Rows = ()
    indicator_dead: Rows = ()
    clock_unsure: Rows = ()
    clock_differs: Rows = ()
    storage_nearly_full: Rows = ()
    storage_full: Rows = ()
    storage_failing: Rows = ()
    storage_damaged: Rows = ()
    events_forgotten: Rows = ()
    courier_silent: Rows = ()
    gateway_silent: Rows = ()
    cannot_seal: Rows = ()
    cursor_beyond: Rows = ()
    another_with_this_key: Rows = ()
    trust_unreadable: Rows = ()
    roster_refused: Rows = ()
    configuration_refused: Rows = ()
    software_old: Rows = ()
    view_policy_refused: Rows = ()
    eye_refuses: Rows = ()

    def rows(self, code: str) -> tuple[TechnicalRow, ...]:
        """Of one of `TECHNICAL`."""
        found: tuple[TechnicalRow, ...] = getattr(self, code.replace("-", "_"))
        return found


def limit_faults(config: TechnicalConfig, slot_s: float) -> Iterator[tuple[str, str]]:
    """Key and what is wrong with it: limits that contradict one another. slot_s: from one record to the next."""
    for key in ("courier_silent_s", "gateway_silent_s"):
        if getattr(config, key) < SLOTS_TO_ANSWER * slot_s:
            least = f"{SLOTS_TO_ANSWER} slots of 'slots.period_s', {SLOTS_TO_ANSWER * slot_s:g} s"
            yield key, f"= {getattr(config, key):g}: must be at least {least}"
    if config.hot_ends_c >= config.hot_c:
        yield "hot_ends_c", f"= {config.hot_ends_c:g}: must be lower than 'hot_c', {config.hot_c:g}"
