"""The light on the unit: steady while the camera may be open, other patterns for a view and for a fault.

It is lit before the camera may open, and stays until an eye that was ended cannot live any more. One that cannot be
lit is a technical condition, and closes the gate. Patterns are steps of a fifth of a second: the keeper's own beat.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from stillroom.clock import NS_PER_MS
from stillroom.config import PanelConfig

Pattern = Literal["off", "steady", "view", "record", "view-and-record", "fault"]
STEP_NS = 200 * NS_PER_MS
PATTERNS: dict[Pattern, tuple[bool, ...]] = {
    "off": (False,),
    "steady": (True,),
    "view": (True, True, False, False),
    "record": (True, True, True, True, False),
    "view-and-record": (True, False, True, False, True, True, True, True, False, False),
    "fault": (True, *(False,) * 9),
}
"""`view`: somebody looks into the room, `record`: it is recorded; or will be, in a moment."""
FILE = "indicator"


class Panel(Protocol):
    """What a light and a button are fixed to."""

    def show(self, pattern: str, lit: bool) -> None:
        """Raises OSError where the light does not work."""
        ...

    def pressed(self) -> bool: ...

    def close(self) -> None: ...


class FilePanel:
    """A laptop's light: a file that holds the pattern's name. Its button is a signal to the keeper."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def show(self, pattern: str, lit: bool) -> None:
        try:
            if self._path.read_text(encoding="ascii") == pattern:
                return
        except FileNotFoundError:
            pass
        new = self._path.with_suffix(".new")
        new.write_text(pattern, encoding="ascii")
        new.replace(self._path)

    def pressed(self) -> bool:
        return False

    def close(self) -> None:
        """There is nothing to let go."""


class Indicator:
    """`say(code, active, why)` is told when the light is dead, and when it works again."""

    def __init__(self, make: Callable[[], Panel], say: Callable[[str, bool, str], None]) -> None:
        self._make, self._say = make, say
        self._panel: Panel | None = None
        self.dead = False
        """As it was found when something was last to be shown."""

    def show(self, pattern: Pattern, now_ns: int) -> bool:
        """Whether it shows this step of the pattern. Where it does not, the panel is opened anew the next time."""
        steps = PATTERNS[pattern]
        try:
            if self._panel is None:
                self._panel = self._make()
            self._panel.show(pattern, steps[now_ns // STEP_NS % len(steps)])
        except OSError as error:
            self.close()
            self.dead = True
            self._say("indicator-dead", True, f"the light does not work: {error.strerror or error}")
        else:
            self.dead = False
            self._say("indicator-dead", False, "")
        return not self.dead

    def pressed(self) -> bool:
        """Whether the button was pressed since the last look."""
        try:
            return self._panel is not None and self._panel.pressed()
        except OSError:
            self.close()
            return False

    def close(self) -> None:
        if self._panel is not None:
            self._panel.close()
        self._panel = None


def opener(wanted: PanelConfig, run: Path) -> Callable[[], Panel]:
    """What opens the panel that the configuration asks for."""
    if wanted.kind == "file":
        return lambda: FilePanel(run / FILE)

    def open_pins() -> Panel:
        from stillroom.keeper.gpio import GpioPanel

        return GpioPanel(wanted)

    return open_pins
