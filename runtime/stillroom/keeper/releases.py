"""Recordings under a signed release: where the package that makes them is installed. Where it is not, none is made.

This file judges nothing and writes nothing: it looks whether there is anything to do, finds the package by its entry
point, and hands over. Without it each release is refused, once, and that is written down.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from stillroom.documents import Authorisation, Roster
from stillroom.keeper.audit import AuditChain
from stillroom.keeper.authorisation import MAX_FILES, told_name
from stillroom.keeper.eye_life import Notes
from stillroom.keeper.known import KnownTime
from stillroom.keeper.outbox import Outbox
from stillroom.keys import SigningKey
from stillroom.link import Piece, RecordAsked
from stillroom.note_reading import Signer
from stillroom.release_forms import PAPERS, RECORDINGS, part


@dataclass(frozen=True)
class Means:
    """What a recorder needs of its keeper."""

    outbox: Outbox
    audit: AuditChain
    clock: KnownTime
    key: SigningKey
    trust: Path
    state: Path
    unit: str
    authority: Signer
    reserve_bytes: int
    """To be left free on the card."""


class Recorder(Protocol):
    """What the package's entry point `keeper` makes of `Means`."""

    @property
    def announced(self) -> bool: ...

    def read(self, roster: Roster) -> None: ...

    def judge(self, allowed: Authorisation | None, light_works: bool) -> None: ...

    def asked(self) -> RecordAsked | None: ...

    @property
    def notes(self) -> Notes: ...

    def took(self, piece: Piece) -> None: ...

    def eye_gone(self) -> None: ...

    def stop(self, why: str) -> None: ...

    def close(self) -> None: ...


class Releases:
    """One for each unit. Nothing is loaded before there is a release, or something that was recorded before."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._recorder: Recorder | None = None
        self._make: Callable[[Means], Recorder] | None = None
        self._looked = False
        self._refused: set[str] = set()
        self._stranded = False

    @property
    def announced(self) -> bool:
        """The room is recorded, or will be in a moment: its light says so."""
        return self._recorder is not None and self._recorder.announced

    def read(self, roster: Roster) -> None:
        """Twice a second: documents that lie in the trust folder, and recordings whose time is over."""
        if self._recorder is None and not self._load():
            return
        if self._recorder is not None:
            self._recorder.read(roster)

    def judge(self, allowed: Authorisation | None, light_works: bool) -> None:
        """At each lease. allowed: what the gate stands open by; None: it is closed."""
        if self._recorder is not None:
            self._recorder.judge(allowed, light_works)

    def asked(self) -> RecordAsked | None:
        """What the eye is to record at this lease; None: nothing."""
        return None if self._recorder is None else self._recorder.asked()

    @property
    def notes(self) -> Notes:
        """What the eye must have seen before it seals a frame, beside roster and authorisation."""
        return () if self._recorder is None else self._recorder.notes

    def took(self, piece: Piece) -> None:
        """What the eye has sealed; dropped where nothing is recorded."""
        if self._recorder is not None:
            self._recorder.took(piece)

    def eye_gone(self) -> None:
        if self._recorder is not None:
            self._recorder.eye_gone()

    def stop(self, why: str) -> None:
        """The gate has closed."""
        if self._recorder is not None:
            self._recorder.stop(why)

    def close(self) -> None:
        """The unit stops: what was recorded is written to its end."""
        if self._recorder is not None:
            self._recorder.close()

    def _load(self) -> bool:
        """Whether there is anything for a recorder to do, and one is here for it."""
        means = self._means
        papers = _names(means.trust / PAPERS)
        if not papers and not (means.state / RECORDINGS).exists():
            return False
        if not self._looked:
            self._looked, self._make = True, part("keeper")
        if self._make is None:
            self._refuse(papers)
            self._say_stranded()
            return False
        self._recorder = self._make(means)
        return True

    def _refuse(self, papers: list[str]) -> None:
        for name in [one for one in papers if one not in self._refused][:MAX_FILES]:
            self._refused.add(name)
            text = f"keeper: release {name}: refused: the package stillroom-release is not installed here"
            print(text, file=sys.stderr, flush=True)
            utc_ms = self._means.clock.utc_ms()
            self._means.audit.append(utc_ms, "release-refused", release=told_name(name), why="not-installed")

    def _say_stranded(self) -> None:
        """The package was taken away before the time of what it recorded was over."""
        folder = self._means.state / RECORDINGS
        if not self._stranded and folder.exists():
            self._stranded = True
            text = f"keeper: {folder}: recordings that nobody deletes here: install stillroom-release, or remove them"
            print(text, file=sys.stderr, flush=True)
            self._means.audit.append(self._means.clock.utc_ms(), "releases-stranded")


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.stem for path in folder.iterdir() if path.suffix == ".note")
    except OSError:
        return []
