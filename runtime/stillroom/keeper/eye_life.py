"""The life that the keeper lends an eye: a signal to start, lease after lease, the light over all of it, the end."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from stillroom.clock import NS_PER_MS, Clock
from stillroom.keeper.gate import Decision
from stillroom.keeper.indicator import Indicator, Pattern
from stillroom.link import EYE_END, EYE_START, Halt, Lease, Note, NoteKind, RecordAsked, ViewAsked

LEASE_TTL_MS = 900
"""Less than the second within which the camera must be dead; four and a half lease periods."""
FAULTS = ("clock-unsure", "indicator-fault", "camera-refused", "camera-moved", "safe-mode")
"""Reasons of the gate that somebody should look after; the light says so."""
IN_USE: dict[tuple[bool, bool], Pattern] = {
    (False, False): "steady",
    (True, False): "view",
    (False, True): "record",
    (True, True): "view-and-record",
}
"""Of a camera that may be open: whether somebody looks, and whether it is recorded."""


Notes = Iterable[tuple[NoteKind, bytes]]
"""Signed papers, for the eye."""


class Peer(Protocol):
    """One of the keeper's doors."""

    @property
    def occupied(self) -> bool: ...

    def send(self, message: Struct) -> bool: ...

    def put_out(self) -> None: ...


class EyeLife:
    """An eye starts while its start signal is there, and lives from lease to lease.

    It arms its own timer: one that somebody has taken over is killed from outside, by `stillroom run` once its
    start signal is gone, by systemd once its end signal is there.
    """

    def __init__(self, run: Path, clock: Clock, light: Indicator) -> None:
        self._start, self._end = run / EYE_START, run / EYE_END
        self._clock = clock
        self._light = light
        self._lit_until_ns = 0
        self._shown: dict[NoteKind, bytes] = {}
        self._start.unlink(missing_ok=True)

    def connect(self, eye: Peer) -> None:
        """The door through which the eye is spoken to."""
        self._eye = eye

    def show(self, decision: Decision, camera_failed: bool, *, viewed: bool, recorded: bool) -> bool:
        """The light: before a camera opens, until no eye can live any more. viewed, recorded: somebody does, or will.

        False: it does not work.
        """
        now_ns = self._clock.mono_ns()
        if decision.open or now_ns < self._lit_until_ns:
            pattern: Pattern = IN_USE[viewed, recorded]
        else:
            pattern = "fault" if decision.reason in FAULTS or camera_failed else "off"
        return self._light.show(pattern, now_ns)

    def show_papers(self, notes: Notes) -> None:
        """Each once in an eye's life, before the lease that asks for what they allow, and again where it is another.

        The eye verifies them by itself (`eye/papers.py`): these are bytes as people signed them. What it had no room
        for is shown at the next lease.
        """
        for kind, note in notes:
            if self._shown.get(kind) != note and self._eye.send(Note(kind, note)):
                self._shown[kind] = note

    def gone(self) -> None:
        """The eye's link has ended: the next one has seen nothing."""
        self._shown.clear()

    def lend(
        self,
        scopes: tuple[str, ...],
        room_empty: bool,
        everybody_left: bool,
        view: ViewAsked | None,
        record: RecordAsked | None,
    ) -> None:
        """One lease more; an eye that is not there yet may start."""
        if not self._start.exists():
            self._end.unlink(missing_ok=True)
            self._start.touch(mode=0o600)
        self._lit_until_ns = self._clock.mono_ns() + LEASE_TTL_MS * NS_PER_MS
        self._eye.send(
            Lease(
                LEASE_TTL_MS,
                "breathing" in scopes,
                "pulse" in scopes,
                room_empty=room_empty,
                everybody_left=everybody_left,
                view=view,
                record=record,
            )
        )

    def end(self) -> None:
        """No eye from now on: the one that lives is told, and its door is shut."""
        self._start.unlink(missing_ok=True)
        if self._eye.occupied:
            self._eye.send(Halt())
            self._eye.put_out()
        if self._clock.mono_ns() >= self._lit_until_ns and not self._end.exists():
            self._end.touch(mode=0o600)
