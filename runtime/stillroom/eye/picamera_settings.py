"""What is asked of a Pi's camera, and what it then did. Pure: no camera is needed to read or test this.

A rhythm of a tenth of a per cent survives only where the camera does nothing of its own accord: no noise reduction
that averages in time, no focus that hunts, no contrast that follows the picture, an exposure that holds whole
periods of the lamps, and frames at one pace. Each is asked for where the camera offers it, and what came of it is
said: a camera that lacks one is used all the same, and its unit says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from stillroom.link import CameraSettings, Setting

ProfileName = Literal["day", "night"]
Controls = dict[str, Any]

NIGHT_FRAMES_PER_S = 15.0
"""Twice the light of 30 in each frame."""
FORMATS = ("YUV420", "NV12")
"""Luma first, chroma after it: what distil reads without a copy. Every other format is refused."""
LENS_DIOPTRES = 0.4
"""2.5 m, where a bed is; a lens without focus has no such control."""
_NOISE_REDUCTION_OFF = 0
_MANUAL = 1
_FOCUS_MANUAL = 0
_PACE_OFF = 0.05
"""Of the frame's duration: as much may differ before it is said."""

NIGHT_ABOVE, DAY_BELOW = 0.75, 0.4
"""Of the light that the day's exposure and the highest gain still make good."""
NIGHT_AFTER_S, DAY_AFTER_S = 10.0, 30.0


@dataclass(frozen=True)
class Profile:
    """One way to run the camera."""

    name: ProfileName
    frames_per_s: float

    @property
    def frame_us(self) -> int:
        """Duration of a frame."""
        return round(1e6 / self.frames_per_s)


def profiles(frames_per_s: float) -> dict[ProfileName, Profile]:
    """Day as configured; night not faster than NIGHT_FRAMES_PER_S."""
    night = min(frames_per_s, NIGHT_FRAMES_PER_S)
    return {"day": Profile("day", frames_per_s), "night": Profile("night", night)}


def wanted(profile: Profile, mains_hz: int) -> Controls:
    """All that is wished for, by libcamera's names. Lamps flicker at twice the mains."""
    return {
        "FrameDurationLimits": (profile.frame_us, profile.frame_us),
        "NoiseReductionMode": _NOISE_REDUCTION_OFF,
        "AeFlickerMode": _MANUAL,
        "AeFlickerPeriod": round(1e6 / (2 * mains_hz)),
        "AfMode": _FOCUS_MANUAL,
        "LensPosition": LENS_DIOPTRES,
    }


def possible(wishes: Controls, offered: Mapping[str, tuple[Any, Any, Any]]) -> Controls:
    """Those of the wishes that this camera offers, within what it offers. offered: name -> (least, most, default)."""
    return {name: _within(value, offered[name]) for name, value in wishes.items() if name in offered}


def _within(value: Any, limits: tuple[Any, Any, Any]) -> Any:
    least, most, _ = limits
    if isinstance(value, tuple):
        return tuple(_within(each, limits) for each in value)
    if not isinstance(least, int | float) or not isinstance(most, int | float):
        return value
    return min(max(value, least), most)


def told(
    wishes: Controls, given: Controls, configured: Mapping[str, tuple[Any, Any]], seen: Mapping[str, Any]
) -> tuple[Setting, ...]:
    """Each wish beside what became of it.

    given: what the camera was set to. configured: name -> (asked, read back) of what is no control. seen: metadata of
    a frame.
    """
    rows = [Setting(name, _text(wish), _became(name, given, seen)) for name, wish in wishes.items()]
    rows += [Setting(name, _text(asked), _text(got)) for name, (asked, got) in configured.items()]
    return tuple(rows)


_SEEN_AS = {"FrameDurationLimits": "FrameDuration", "LensPosition": "LensPosition", "AfMode": "AfMode"}
"""What frames themselves say of a control. The others have no echo: `given` is all that is known."""


def _became(name: str, given: Controls, seen: Mapping[str, Any]) -> str:
    if name not in given:
        return "not offered"
    return _text(seen.get(_SEEN_AS.get(name, ""), given[name]))


def differing(settings: tuple[Setting, ...]) -> tuple[str, ...]:
    """Names of those that are not as asked."""
    return tuple(each.name for each in settings if not _same(each))


def _same(setting: Setting) -> bool:
    if setting.asked == setting.got:
        return True
    try:
        asked, got = float(setting.asked), float(setting.got)
    except ValueError:
        return False
    return abs(asked - got) <= _PACE_OFF * abs(asked)


def _text(value: Any) -> str:
    parts = value if isinstance(value, tuple | list) else (value,)
    if len(parts) == 2 and parts[0] == parts[1] and isinstance(parts[0], int):
        parts = parts[:1]  # the two ends of one pace
    return " ".join(f"{p:.6g}" if isinstance(p, float) else str(p) for p in parts)[:40] or "-"


class Daylight:
    """Says when to change from day to night and back, from what each frame says of its exposure."""

    def __init__(self, day: Profile, most_gain: float | None) -> None:
        """most_gain: the camera's own; None: unknown, and it stays day."""
        self._whole_us = day.frame_us * most_gain if most_gain else None
        self.now: ProfileName = "day"
        self._since_ns: int | None = None

    def feed(self, seen: Mapping[str, Any], frame_ns: int) -> bool:
        """True when `now` has just changed."""
        if self._whole_us is None or "ExposureTime" not in seen or "AnalogueGain" not in seen:
            return False
        needed = float(seen["ExposureTime"]) * float(seen["AnalogueGain"]) / self._whole_us
        other = needed >= NIGHT_ABOVE if self.now == "day" else needed <= DAY_BELOW
        if not other or self._since_ns is None:
            self._since_ns = frame_ns if other else None
            return False
        after_s = NIGHT_AFTER_S if self.now == "day" else DAY_AFTER_S
        if frame_ns - self._since_ns < after_s * 1e9:
            return False
        self.now, self._since_ns = ("night" if self.now == "day" else "day"), None
        return True


def report(profile: Profile, opened: int, settings: tuple[Setting, ...]) -> CameraSettings:
    """For the keeper."""
    return CameraSettings(profile.name, opened, settings[:24], differing(settings)[:24])
