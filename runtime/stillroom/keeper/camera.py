"""What the keeper knows of the camera itself: settings it did not take, and a view that is covered, blurred or moved.

Each becomes a technical condition. A moved camera is more than that: the unit stops sensing, see `gate.py`.
"""

from collections.abc import Callable

from stillroom.clock import NS_PER_S
from stillroom.config_technical import TECHNICAL
from stillroom.keeper.faults import Faults
from stillroom.link import CameraSettings, Setting
from stillroom.observation import Health

SETTINGS = "camera-settings"
OF_HEALTH: dict[Health, str] = {
    health: f"camera-{health}" for health in ("covered", "dark", "blinded", "blurred", "frozen", "moved")
}

Tell = Callable[[str, bool, str], None]
"""Condition, whether it holds, why."""


class ModelWatch:
    """Notices an eye that goes on without the models that its configuration asks for."""

    def __init__(self, tell: Tell, asked: bool, within_s: float) -> None:
        """within_s: weights take some seconds to be read."""
        self._tell, self._asked, self._within_s = tell, asked, within_s
        self._without_ns: int | None = None

    def look(self, model: str, frame_ns: int) -> None:
        """model: as the eye names it; frame_ns: the camera's time."""
        if model != "none" or not self._asked:
            self._without_ns = None
            self._tell("model-missing", False, "")
            return
        if self._without_ns is None or frame_ns < self._without_ns:
            self._without_ns = frame_ns
        missing_s = (frame_ns - self._without_ns) / NS_PER_S
        if missing_s >= self._within_s:
            self._tell(
                "model-missing", True, f"no model has looked for {missing_s:.0f} s: `stillroom models`"
            )


class CameraWatch:
    """Turns what an eye says of its camera into conditions. What stands at an eye's end, the next must see over."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._seen = False
        """This eye has seen the room."""
        self._said: Health | None = None
        """Its latest word of which conditions were made: nobody else tells these, so the same word changes nothing."""
        self.settings: tuple[Setting, ...] = ()

    def take_settings(self, message: CameraSettings) -> None:
        """What was asked of the camera, and what it made of it."""
        self.settings = message.settings
        self._faults.say(SETTINGS, bool(message.differ), f"not as asked: {', '.join(message.differ)}")

    def take_health(self, health: Health) -> None:
        """The latest word; `unsure` leaves everything as it is."""
        if health == "unsure":
            return
        covered = OF_HEALTH["covered"]
        if health == "dark" and not self._seen and self._faults.stands(covered):
            return  # behind a cover that was there before it, an eye cannot tell it from the dark
        self._seen = self._seen or health not in {"covered", "dark"}
        if health == self._said:
            return
        self._said = health
        for each, code in OF_HEALTH.items():
            if each != "moved":
                self._faults.say(code, each == health, TECHNICAL[code])

    def gone(self) -> None:
        """The eye has ended: what it said last stands, and what the next one says of the dark is not known better."""
        self._seen, self._said = False, None

    def moved(self, is_so: bool) -> None:
        """The gate's word: it ends when somebody has accepted the view, not when the eye is content."""
        self._faults.say(OF_HEALTH["moved"], is_so, TECHNICAL[OF_HEALTH["moved"]])
