"""A document that came downwards in parts: kept in memory until all are here, judged only whole.

One document at a time, of at most eleven parts: what another number brings takes its place. A restart begins anew,
since the gateway says every part again until it has the receipt.
"""

from stillroom.events import Command


class Parts:
    """Feed with the commands of accepted records; `take` answers with a document once it is whole."""

    def __init__(self) -> None:
        self._of: tuple[int, int] = (0, 0)
        self._held: dict[int, bytes] = {}

    def take(self, command: Command) -> bytes | None:
        """The whole document, or None where parts of it are still to come."""
        if (command.number, command.parts) != self._of:
            self._of, self._held = (command.number, command.parts), {}
        self._held[command.part] = command.note
        if len(self._held) < command.parts:
            return None
        return b"".join(self._held[part] for part in range(1, command.parts + 1))
