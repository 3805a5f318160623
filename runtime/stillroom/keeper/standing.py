"""The conditions that stand, over a restart: a unit that was started anew has not helped anybody up from the floor."""

from collections.abc import Callable

import msgspec

from stillroom.config_conditions import Level
from stillroom.events import ConditionChanged, Event
from stillroom.keeper.conditions import Standing
from stillroom.keeper.outbox import Outbox

_KEPT = "conditions"


def standing(outbox: Outbox) -> Standing:
    """As it was told last; nothing where nothing was kept, or where what was kept cannot be read."""
    try:
        return msgspec.json.decode(outbox.recall_bytes(_KEPT) or b"{}", type=dict[str, Level])
    except msgspec.MsgspecError:
        return {}


def keeping(outbox: Outbox) -> Callable[[int, Event], None]:
    """Tells the outbox of a room's events; what stands after each is on the card with the same commit."""
    stands = dict(standing(outbox))

    def tell(at_ms: int, event: Event) -> None:
        outbox.add(at_ms, event)
        if isinstance(event, ConditionChanged) and event.level != "technical":
            stands.pop(event.kind, None)
            if event.active:
                stands[event.kind] = event.level
            outbox.remember(_KEPT, msgspec.json.encode(stands))

    return tell
