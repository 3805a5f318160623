"""Which MQTT to speak to a broker: 5, else 3.1.1. Some brokers say that they do not know 5; some hang, or hang up."""

SILENT_IN_A_ROW = 2
"""One connection that ends without an answer may be of a broker that was just ending."""


class Version:
    """Told of each connection what became of it; `v5` is what the next one should speak."""

    def __init__(self) -> None:
        self.v5 = True
        self._silences = 0
        self._guessed = False

    def unknown(self) -> None:
        """The broker said that it does not know MQTT 5. That is not asked again."""
        self.v5 = False

    def ended(self, *, accepted: bool, silent: bool) -> None:
        """`silent`: the connection stood, and the broker ended it, or let the time run out, without any answer."""
        self._silences = self._silences + 1 if silent else 0
        if accepted and self._guessed:
            self._guessed, self.v5 = False, True
        elif self._silences >= SILENT_IN_A_ROW:
            self._silences, self._guessed = 0, self.v5
            self.v5 = not self.v5
