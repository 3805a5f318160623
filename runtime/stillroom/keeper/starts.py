"""How often keeper and eye failed in a row, over restarts and reboots; after ten a unit senses nothing for a minute.

    failures < 10        senses as it is allowed to
    the tenth            safe: no eye is started, no command obeyed, and a part of the keeper that fails is passed over
    a minute of safe     one more trial; a failure, and it is safe again
    a minute of trial    good: the failures are forgotten

While ten failures stand, so does the technical condition `crash-loop`, told in the ordinary slots. The counts have a
file of their own beside the database, which may be what fails; one that cannot be read or written counts from nothing.
"""

import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from stillroom.clock import NS_PER_S
from stillroom.errors import StillroomError
from stillroom.files import read_bounded, replace_file

FILE = "starts"
MOST = 10
GOOD_AFTER_NS = 60 * NS_PER_S
COMES_WITHIN_NS = 30 * NS_PER_S
"""An eye that has not come by then has failed before it could say so; it is waited for anew."""

Who = Literal["keeper", "eye"]
Count = Annotated[int, Meta(ge=0, le=2**31)]


class Starts:
    """The counts. One writer: the keeper."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self.failures: dict[Who, int] = {"keeper": 0, "eye": 0}
        with suppress(StillroomError, msgspec.MsgspecError):
            self.failures |= msgspec.json.decode(read_bounded(self._path), type=dict[Who, Count])

    @property
    def trouble(self) -> str:
        """Who has failed too often, in words; empty: nobody has."""
        often = [f"the {who} {count}" for who, count in self.failures.items() if count >= MOST]
        return f"failed in a row: {', '.join(often)} times" if often else ""

    def set(self, who: Who, count: int) -> None:
        if count == self.failures[who]:
            return
        self.failures[who] = count
        try:
            replace_file(self._path, msgspec.json.encode(self.failures), 0o600)
        except StillroomError as error:
            print(f"keeper: {error}", file=sys.stderr, flush=True)


class SafeMode:
    """One for each start of the keeper, which has failed until it has run for a minute, or has ended in order."""

    def __init__(self, starts: Starts, now_ns: int) -> None:
        self._starts = starts
        self.on = bool(starts.trouble)
        self._since_ns = now_ns
        """Of what is now: safe, or not."""
        self._before = starts.failures["keeper"]
        self._asked_ns: int | None = None
        """Since when an eye is wanted that has not come."""
        self._seeing_ns: int | None = None
        self._lost = False

    def begin(self) -> None:
        """Before anything that may fail: this start counts as a failure until it has shown otherwise."""
        self._starts.set("keeper", self._before + 1)

    @property
    def trouble(self) -> str:
        return self._starts.trouble

    def sees(self, now_ns: int) -> None:
        """The eye has said what it saw."""
        self._asked_ns = None
        if self._seeing_ns is None:
            self._seeing_ns = now_ns

    def lost_eye(self) -> None:
        """Its link has ended. Whether it should have lived is known when the next lease is due."""
        self._lost, self._seeing_ns = True, None

    def lend(self, now_ns: int) -> None:
        """An eye may live now. Counts one that was lost although it might, and one that never came."""
        if self._asked_ns is None and self._seeing_ns is None and not self._lost:
            self._asked_ns = now_ns
        late = self._asked_ns is not None and now_ns - self._asked_ns >= COMES_WITHIN_NS
        if self._lost or late:
            self._lost, self._asked_ns = False, None
            self._starts.set("eye", self._starts.failures["eye"] + 1)
            if self._starts.trouble and not self.on:
                self.on, self._since_ns = True, now_ns

    def withhold(self) -> None:
        """No eye may live now: whatever has ended had to."""
        self._lost, self._asked_ns, self._seeing_ns = False, None, None

    def pass_time(self, now_ns: int) -> None:
        """Twice a second."""
        good = now_ns - self._since_ns >= GOOD_AFTER_NS
        if self.on and good:
            self.on, self._since_ns = False, now_ns
        elif good:
            self._starts.set("keeper", 0)
            self._before = 0
        if self._seeing_ns is not None and now_ns - self._seeing_ns >= GOOD_AFTER_NS:
            self._starts.set("eye", 0)

    def end(self) -> None:
        """In order, or for what a person was told to put right: this start was no failure."""
        self._starts.set("keeper", self._before)
