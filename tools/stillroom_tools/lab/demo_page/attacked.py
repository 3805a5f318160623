"""The five attacks of the demo, one after another in a thread of their own, and how far they are."""

import threading
from typing import Any

from stillroom_tools.lab import demo_site
from stillroom_tools.lab.attacks import Attack, at_broker, inside
from stillroom_tools.lab.demo_page.tap import Tap
from stillroom_tools.lab.demo_ward import Ward


class Attacked:
    """`begin` from the demo's loop; `rows` from any thread."""

    def __init__(self, ward: Ward) -> None:
        self._ward = ward
        self._rows: list[Attack] = []
        self._said = ""
        self._thread: threading.Thread | None = None

    def begin(self, tap: Tap, unit: str) -> None:
        """Start them, unless they run already. The attacker has a unit made for him, enrolled nowhere."""
        if self._thread is not None and self._thread.is_alive():
            return
        victim = self._ward.folder / "attacked" / "unit"
        if not victim.exists():
            demo_site.make_victim(victim.parent)
        self._rows, self._said = [], "trying ..."
        self._thread = threading.Thread(target=self._run, args=(tap, unit), name="attacks", daemon=True)
        self._thread.start()

    def rows(self) -> dict[str, Any]:
        return {"said": self._said, "rows": list(self._rows)}

    def _run(self, tap: Tap, unit: str) -> None:
        self._rows += inside(self._ward.folder / "attacked" / "unit")
        latest = tap.latest(unit)
        if latest is None:
            self._said = "no record of this unit has been seen at the broker yet"
            return
        self._rows += at_broker(latest.topic, latest.record, tap.publish, self._ward.gateway.refusals)
        refused = sum(row.outcome == "refused" for row in self._rows)
        self._said = f"{refused} of {len(self._rows)} refused"
