"""The conditions that stand, over a restart: a unit that was started anew has not helped anybody up from the floor."""

import msgspec

from stillroom.config_conditions import Level, Told
from stillroom.config_technical import TECHNICAL
from stillroom.events import ConditionChanged, Event
from stillroom.keeper.outbox import Outbox

_KEPT = "conditions"


class KeptConditions:
    """What was told last, before this start and since. One for each start of the keeper."""

    def __init__(self, outbox: Outbox) -> None:
        """Nothing stands where nothing was kept, or where what was kept cannot be read."""
        self._outbox = outbox
        try:
            kept = msgspec.json.decode(outbox.recall_bytes(_KEPT) or b"{}", type=dict[str, Told])
        except msgspec.MsgspecError:
            kept = {}
        # A code that this version does not know is nobody's to end.
        self._stands = {
            code: level for code, level in kept.items() if level != "technical" or code in TECHNICAL
        }

    @property
    def of_persons(self) -> dict[str, Level]:
        """Codes with their levels."""
        of = {code: level for code, level in self._stands.items() if code not in TECHNICAL}
        return {code: level for code, level in of.items() if level != "technical"}

    @property
    def of_the_unit(self) -> dict[str, Told]:
        """The same of technical conditions."""
        return {code: level for code, level in self._stands.items() if code in TECHNICAL}

    def tell(self, at_ms: int, event: Event) -> None:
        """Tell the outbox; what stands after it is on the card with the same commit."""
        self._outbox.add(at_ms, event)
        if isinstance(event, ConditionChanged):
            self._stands.pop(event.kind, None)
            if event.active:
                self._stands[event.kind] = event.level
            self._outbox.remember(_KEPT, msgspec.json.encode(self._stands))
