"""What one sender seals to one set of recipients in one boot: fresh epoch keys, a sequence that never repeats.

Used by the keeper upwards and by the gateway, one stream a unit, downwards.
"""

from collections.abc import Sequence

from stillroom.clock import NS_PER_S, Clock
from stillroom.keys import SigningKey
from stillroom.public_keys import RecipientKey
from stillroom.wire import Epoch, Lane, new_boot, new_epoch, seal, with_heads

EPOCH_NS = 3600 * NS_PER_S


class Stream:
    """Seals one lane. The sequence counts through all epochs of a boot, so one window guards the whole boot."""

    def __init__(
        self, lane: Lane, signer: SigningKey, boot: int, clock: Clock, recipients: Sequence[RecipientKey]
    ) -> None:
        """`boot`: larger than at any earlier start of this sender, counted on the disk. Raises TrustError."""
        self._lane, self._signer, self._clock = lane, signer, clock
        self._boot = new_boot(boot)
        self._sequence = 0
        self.boot_id = self._boot.id
        """Random, one for each boot: what tells two senders with one key apart."""
        self._epoch = new_epoch(recipients, self._boot, 0)
        self._recipients = tuple(recipients)
        self._began_ns = clock.mono_ns()

    def renew(self, recipients: Sequence[RecipientKey]) -> None:
        """A new epoch at once, for these recipients. Raises TrustError; the epoch before then stays."""
        self._epoch = new_epoch(recipients, self._boot, self._epoch.index + 1)
        self._recipients = tuple(recipients)
        self._began_ns = self._clock.mono_ns()

    def seal(self, body: bytes, head: bytes = b"", advocates: Sequence[RecipientKey] = ()) -> bytes:
        """One record, which tells each of `advocates` a head (32 bytes) and nothing else. Raises SealError: too large.

        What they are told is sealed anew in every record, so that it never shows when there is another head.
        """
        if self._clock.mono_ns() - self._began_ns >= EPOCH_NS:
            self.renew(self._recipients)
        sequence = self._sequence
        self._sequence += 1  # before sealing: a number is burnt even where sealing fails
        epoch: Epoch = with_heads(self._epoch, advocates, head) if advocates else self._epoch
        return seal(self._lane, self._signer, epoch, sequence, body)
