"""What the keeper knows of the camera itself: settings it did not take, and a view that is covered, blurred or moved.

Each becomes a technical condition. A moved camera is more than that: the unit stops sensing, see `gate.py`.
"""

from collections.abc import Callable

from stillroom.clock import NS_PER_S
from stillroom.link import CameraSettings, Setting
from stillroom.observation import Health

SETTINGS = "camera-settings"
MODELS_WITHIN_S = 30.0
OF_HEALTH: dict[Health, tuple[str, str]] = {
    "covered": ("camera-covered", "nothing of the room is to be seen, and less light than before"),
    "dark": ("camera-dark", "too dark to see anybody"),
    "blinded": ("camera-blinded", "most of the picture is flooded with light"),
    "blurred": ("camera-blurred", "the picture has lost its detail"),
    "frozen": ("camera-frozen", "the camera gives the same picture again and again"),
    "moved": ("camera-moved", "the camera looks at something else than before"),
}

_MOVED = OF_HEALTH["moved"]

Tell = Callable[[str, bool, str], None]
"""Condition, whether it holds, why."""


class ModelWatch:
    """Notices an eye that goes on without the models that its configuration asks for."""

    def __init__(self, tell: Tell, asked: bool) -> None:
        self._tell, self._asked = tell, asked
        self._without_ns: int | None = None

    def look(self, model: str, frame_ns: int) -> None:
        """model: as the eye names it; frame_ns: the camera's time. Weights take some seconds to be read."""
        if model != "none" or not self._asked:
            self._without_ns = None
            self._tell("model-missing", False, "")
            return
        if self._without_ns is None or frame_ns < self._without_ns:
            self._without_ns = frame_ns
        missing_s = (frame_ns - self._without_ns) / NS_PER_S
        if missing_s >= MODELS_WITHIN_S:
            self._tell(
                "model-missing", True, f"no model has looked for {missing_s:.0f} s: `stillroom models`"
            )


class CameraWatch:
    """Turns what an eye says of its camera into conditions; each is told once when it begins and when it ends."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self.settings: tuple[Setting, ...] = ()

    def take_settings(self, message: CameraSettings) -> None:
        """What was asked of the camera, and what it made of it."""
        self.settings = message.settings
        self._tell(SETTINGS, bool(message.differ), f"not as asked: {', '.join(message.differ)}")

    def take_health(self, health: Health) -> None:
        """The latest word; `unsure` leaves everything as it is."""
        if health == "unsure":
            return
        for each, (code, why) in OF_HEALTH.items():
            if each != "moved":
                self._tell(code, each == health, why)

    def gone(self) -> None:
        """The eye has ended: nothing is known of the view any more."""
        self.take_health("good")

    def moved(self, is_so: bool) -> None:
        """The gate's word: it ends when somebody has accepted the view, not when the eye is content."""
        self._tell(_MOVED[0], is_so, _MOVED[1])
