"""A unit whose roster has who may sign a release and who may open it, an eye that records, and the custodian's end."""

from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np

from stillroom.document_forms import now
from stillroom.documents import KINDS, Approver, BoxPeriod, Recipient
from stillroom.events import Audited
from stillroom.keys import KeyRing
from stillroom.link import Lease, RecordAsked
from stillroom.notes import add_signature, sign_note
from stillroom.release_papers import Release, ReleaseWithdrawal
from stillroom.release_rules import release_id
from stillroom.release_wire import Block, open_chunk, read_blocks, verify
from stillroom_release.eye import Recorder
from tests.commanded import Commanded
from tests.parties import ring

MANAGER, OTHER_MANAGER = ring("manager", "matron", 0, "test"), ring("manager", "director", 0, "test")
ADVOCATE = ring("advocate", "ann", 1, "test")
CUSTODIAN = ring("custodian", "archivist", 1, "test")
APPROVER = ring("approver", "dr-a", 0, "test")
STRANGER = ring("custodian", "stranger", 1, "test")
LEVEL = {"width_px": 192, "height_px": 144, "frames_per_s": 5}
CAMERA = 640, 480


class Recorded:
    """`release` tells the unit of one; `beat` lets time pass with an eye that records what it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.told = Commanded(folder)
        self.rig = self.told.rig
        self.number = 0
        self.eye: Recorder | None = None
        self.eye_works = True
        self.made: dict[bytes, Release] = {}
        """Papers by what blocks name them, as the eye has read them."""
        self._frame_ns = 0
        self._name_people()
        self.authorise()

    def _name_people(self) -> None:
        start = now(self.rig.clock) - timedelta(days=1)

        def named(of: KeyRing) -> Recipient:
            boxes = tuple(BoxPeriod(start, start + timedelta(days=365), box.public.raw) for box in of.boxes)
            return Recipient(of.name, of.role, of.signing.verify_key.raw, boxes)

        people = tuple(named(one) for one in (MANAGER, OTHER_MANAGER, ADVOCATE, CUSTODIAN))
        old = self.told.site.roster()
        approvers = (Approver(APPROVER.name, APPROVER.signing.verify_key.raw),)
        self.roster = msgspec.structs.replace(
            old, version=2, recipients=(*old.recipients, *people), approvers=approvers
        )
        (self.told.trust / "roster.note").write_bytes(self.told.sign(self.roster))
        self.rig.beat()

    def authorise(self, scopes: tuple[str, ...] = ("status", "release"), room: str = "r-1") -> None:
        start = now(self.rig.clock)
        terms = {"start": start, "until": start + timedelta(days=2), "review_by": start + timedelta(days=2)}
        paper = self.told.paper(f"a-{self.number}", scopes=scopes, room=room, by=None, **terms)
        self.command(add_signature(paper, APPROVER))
        self.rig.beat()

    def command(self, note: bytes) -> str:
        """Its outcome."""
        self.number += 1
        self.told.tell_all(self.number, note)
        return self.told.receipts()[-1][3]

    def paper(self, name: str = "r-1", **changes: object) -> Release:
        start = now(self.rig.clock)
        plain = {
            "start": start - timedelta(minutes=1),
            "until": start + timedelta(hours=1),
            "id": name,
            "site": "test",
            "unit": "u-1",
            "room": "r-1",
            "purpose": "seizure-study",
            "custodian": "archivist",
            "box": CUSTODIAN.boxes[0].public.raw,
            "max_mb": 20,
            "expires": start + timedelta(days=7),
        }
        made = Release(**(plain | LEVEL | changes))
        self.made[release_id(made)] = made
        return made

    def release(
        self, name: str = "r-1", by: tuple[KeyRing, ...] = (MANAGER, ADVOCATE), **changes: object
    ) -> str:
        """Its outcome."""
        self.last = self.paper(name, **changes)
        outcome = self.command(self.sign(self.last, by))
        self.rig.beat()
        return outcome

    def sign(self, paper: Release, by: tuple[KeyRing, ...]) -> bytes:
        return sign_note(KINDS[Release], paper, by)

    def withdraw(self, name: str = "r-1", by: KeyRing = ADVOCATE) -> str:
        paper = ReleaseWithdrawal(at=now(self.rig.clock), release=name, site="test", unit="u-1")
        return self.command(sign_note(KINDS[ReleaseWithdrawal], paper, [by]))

    def put(self, note: bytes, name: str = "r-1") -> None:
        """Into the trust folder, as a person might."""
        folder = self.told.trust / "releases"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.note").write_bytes(note)

    def beat(self, seconds: float = 0.2) -> None:
        """Lease by lease; at each of them the eye has two camera frames."""
        for _ in range(max(round(seconds / 0.2), 1)):
            self.rig.beat()
            for _ in range(2):
                self._frame_ns += 100_000_000
                self._look()

    def _look(self) -> None:
        asked = self.asked if self.eye_works and self.rig.may_start else None
        if self.eye is not None and (asked is None or asked.recording != self.eye.recording):
            self.eye.end()
            self.eye = None
        if asked is None:
            return
        self.eye = self.eye or Recorder(asked, self.made[asked.release], *CAMERA)
        orders = self.eye.orders(self._frame_ns)
        for order in orders:
            order.destination[:] = np.uint8(200)
        self.eye.took(("served",) * len(orders), self.rig.clock.mono_ns())
        self.eye.send(lambda piece: self.rig.unit.from_eye(piece) is None)

    def kill_eye(self) -> None:
        self.eye = None
        self.rig.unit.eye_gone()

    @property
    def asked(self) -> RecordAsked | None:
        lease = self.rig.eye.last(Lease)
        return lease.record if isinstance(lease, Lease) else None

    @property
    def recorder(self):
        """The package's part of the keeper."""
        return self.rig.unit._releases._recorder

    @property
    def light(self) -> str:
        return (self.rig.folder / "run" / "indicator").read_text()

    @property
    def folder(self) -> Path:
        return self.rig.folder / "state" / "releases"

    def files(self, name: str = "r-1") -> list[Path]:
        """Of a release, once all is on the card."""
        if self.recorder is not None:
            self.recorder.settle()
        return sorted((self.folder / name).glob("*.stlc"))

    def blocks(self, path: Path, paper: Release | None = None) -> list[Block]:
        """Verified, each after the one before. Raises WireError."""
        key, found, before = self.unit_key, [], bytes(32)
        with path.open("rb") as file:
            for block in read_blocks(file):
                verify(block, key, release_id(paper or self.last))
                assert block.before == before and block.number == len(found)
                before = block.link
                found.append(block)
        return found

    @property
    def unit_key(self):
        return self.rig.unit._delivery._sealer._keys.signing.verify_key

    def opened(self, path: Path) -> int:
        """How many frames the custodian sees in it."""
        chunks = [block for block in self.blocks(path) if block.what == 1]
        return sum(len(open_chunk(block, CUSTODIAN.boxes[0]).luma) for block in chunks)

    def links(self) -> list[dict[str, object]]:
        """All that the audit chain says of releases, in order."""
        said = [msgspec.json.decode(link.body) for link in self.told.events(Audited)]
        return [body for body in said if str(body["what"]).startswith("release")]

    def story(self) -> list[tuple[str, object]]:
        """Each with why, how, or nothing."""
        return [(str(link["what"]), link.get("how", link.get("why"))) for link in self.links()]
