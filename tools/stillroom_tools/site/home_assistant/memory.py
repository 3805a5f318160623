"""`site/home-assistant.json`: of which devices and alerts Home Assistant was told, so that they can be taken back.

A unit that is taken out of the site while nothing runs here is taken out of Home Assistant at the next start; an alert
that changed meanwhile is told once, and one that did not is not told again. It is noted before it is said: a kill in
between loses that one change, and automations run no second time.
"""

from pathlib import Path

import msgspec

from stillroom.errors import ConfigError, StorageError
from stillroom.files import replace_file
from stillroom_tools.site.gateway.alert_forms import Alert

FILE = "home-assistant.json"


class Kept(msgspec.Struct):
    """What the file holds. Devices are named by their discovery topics, which say the prefix too."""

    devices: list[str] = []
    alerts: dict[str, tuple[str, str, str, int]] = {}
    """`unit kind` to (state, priority, room, count) as told last."""


class Memory:
    """Read once; written whole at each change."""

    def __init__(self, folder: Path) -> None:
        """Raises ConfigError where the file is none of ours."""
        self._path = folder / FILE
        try:
            self._kept = msgspec.json.decode(self._path.read_bytes(), type=Kept)
        except FileNotFoundError:
            self._kept = Kept()
        except (OSError, msgspec.MsgspecError) as error:
            why = getattr(error, "strerror", None) or "it is damaged"
            advice = "remove it, and what Home Assistant should forget by hand"
            raise ConfigError(f"{self._path}: cannot be read: {why}: {advice}") from None

    @property
    def devices(self) -> tuple[str, ...]:
        return tuple(self._kept.devices)

    def announce(self, topic: str) -> None:
        """Before it is said. Raises StorageError."""
        if topic not in self._kept.devices:
            self._kept.devices.append(topic)
            self._write()

    def forget(self, topic: str) -> None:
        """Once the broker has it that this device is no more. Raises StorageError."""
        if topic in self._kept.devices:
            self._kept.devices.remove(topic)
            self._write()

    def changes(self, standing: tuple[Alert, ...]) -> list[Alert]:
        """The alerts that are otherwise than told last, those that stand no longer as `cleared`; now they are told.

        Raises StorageError.
        """
        now = {f"{a.unit} {a.kind}": a for a in standing}
        changed = [a for key, a in now.items() if self._kept.alerts.get(key) != _mark(a)]
        for key, (_, priority, room, count) in self._kept.alerts.items():
            if key not in now:
                unit, _, kind = key.partition(" ")
                told = msgspec.convert(
                    {"unit": unit, "room": room, "kind": kind, "priority": priority, "state": "cleared"}
                    | {"present": False, "number": 0, "count": count},
                    Alert,
                )
                changed.append(told)
        if changed:
            self._kept.alerts = {key: _mark(a) for key, a in now.items()}
            self._write()
        return changed

    def _write(self) -> None:
        try:
            replace_file(self._path, msgspec.json.encode(self._kept), 0o600)
        except OSError as error:
            raise StorageError(f"{self._path}: cannot be written: {error.strerror}") from None


def _mark(alert: Alert) -> tuple[str, str, str, int]:
    return alert.state, alert.priority, alert.room, alert.count
