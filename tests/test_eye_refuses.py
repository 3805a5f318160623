"""A keeper that was taken over, over the real link to a real eye: it gets no open camera, and no frame of a look or a
recording, that nobody has signed for. It is told so in one line, and the eye goes on sensing; what people have signed
is sealed to them alone. One eye for all of these, in their order.
"""

import os
import selectors
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from stillroom import config
from stillroom.clock import SystemClock
from stillroom.config import CameraConfig, DetectorConfig
from stillroom.document_forms import now
from stillroom.documents import KINDS, BoxPeriod, Recipient, Roster, ViewLimits, ViewPolicy
from stillroom.errors import LinkError
from stillroom.keys import BoxKey, KeyRing, SigningKey
from stillroom.link import (
    EYE_SOCKET,
    EyeSays,
    Hello,
    Lease,
    Link,
    Listener,
    Note,
    Piece,
    RecordAsked,
    Unbelieved,
    ViewAsked,
    ViewFrame,
)
from stillroom.notes import sign_note
from stillroom.observation import Observation
from stillroom.orders import ViewRequest
from stillroom.release_rules import release_id
from stillroom.view_wire import open_frame, sign, view_id
from stillroom_tools.make.toml import to_toml
from stillroom_tools.site.layout import open_site
from tests.parties import authorisation, release, ring
from tests.rig import freshly_made

SCENARIO = Path(__file__).parents[1] / "config" / "scenarios" / "sleeper.toml"
VIEWER, MANAGER, OTHER = (
    ring("viewer", "carer", 0, "test"), ring("manager", "matron", 0, "test"), ring("manager", "director", 0, "test"),
)  # fmt: skip
CUSTODIAN = ring("custodian", "archivist", 1, "test")
UNIT = SigningKey.generate()
THIEF = KeyRing("test", "authority", "authority", UNIT)
OWN = BoxKey.generate()
"""Of whoever has taken the keeper over, as `UNIT` is."""


class TakenOver:
    """The keeper's end of the link to one eye, and the papers of a site."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(freshly_made(), folder, dirs_exist_ok=True)
        self.authority = open_site(folder / "site").authority_keys()
        self.roster = open_site(folder / "site").roster()
        self.path = folder / "unit" / "unit.toml"
        camera = CameraConfig("simulated", str(SCENARIO), 320, 240, 10.0)
        unit = msgspec.structs.replace(config.load(self.path), camera=camera, detector=DetectorConfig(""))
        self.path.write_text(to_toml(unit))
        (folder / "unit" / "run").mkdir(exist_ok=True)
        self._listener = Listener(folder / "unit" / "run" / EYE_SOCKET, EyeSays, os.getuid())
        opener = "stillroom_tools.lab.simulated:open_camera"
        command = [sys.executable, "-m", "stillroom", "eye", "--config", str(self.path), "--camera", opener]
        self.log = (folder / "eye.log").open("w+")
        self.eye = subprocess.Popen(command, stderr=self.log, env=os.environ | {"OPENBLAS_NUM_THREADS": "1"})
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            assert selector.select(60), "the eye never came"
        link = self._listener.accept()
        assert link is not None
        self.link: Link = link
        self._selector = selectors.DefaultSelector()
        self._selector.register(link, selectors.EVENT_READ)

    def end(self) -> None:
        self.eye.kill()
        self.eye.wait()
        self._selector.close()
        self.link.close()
        self._listener.close()
        self.log.close()

    def signed(self, document: msgspec.Struct, *by: KeyRing) -> bytes:
        return sign_note(KINDS[type(document)], document, by)

    def papers(self) -> dict[str, bytes]:
        """As people sign them for this unit now."""
        at = now(SystemClock())
        day, hour = timedelta(days=1), timedelta(hours=1)
        boxes = (BoxPeriod(at - day, at + 9 * day, CUSTODIAN.boxes[0].public.raw),)
        people = [
            Recipient(r.name, r.role, r.signing.verify_key.raw, boxes if r is CUSTODIAN else ())
            for r in (VIEWER, MANAGER, OTHER, CUSTODIAN)
        ]
        roster = msgspec.structs.replace(self.roster, recipients=(*self.roster.recipients, *people))
        scopes = ("status", "view-picture", "release")
        terms = {
            "start": at - hour,
            "until": at + day,
            "site": "test",
            "scopes": scopes,
            "view": ViewLimits(9, 9),
        }
        policy = ViewPolicy(at - hour, at + day, "test", None, 1, ("picture",), 16, 9, 9, 1_000)
        self.release = release(
            CUSTODIAN.boxes[0].public.raw, start=at - hour, until=at + hour, site="test", expires=at + day
        )
        return {
            "roster": self.signed(roster, self.authority),
            "authorisation": self.signed(authorisation(**terms), self.authority),
            "view-policy": self.signed(policy, MANAGER),
            "view-request": self.request(BoxKey.generate()),
            "release": self.signed(self.release, MANAGER, OTHER),
        }

    def request(self, session: BoxKey, by: KeyRing = VIEWER, **changes: object) -> bytes:
        plain = {
            "at": now(SystemClock()), "id": "v-1", "site": "test", "unit": "u-1", "level": "picture", "seconds": 5,
            "reason": "check", "block": 16, "session": session.public.raw,
        }  # fmt: skip
        return self.signed(ViewRequest(**(plain | changes)), by)

    def show(self, notes: dict[str, bytes]) -> None:
        for kind, note in notes.items():
            assert self.link.send(Note(kind, note))

    def ask(self, session: BoxKey | None, id_: bytes | None = None) -> Iterator[object]:
        """What the eye says while leases ask, each for the next frame."""
        for number in range(100):
            view = session and ViewAsked(
                view_id(session.public.raw), UNIT.verify_key.id, number, 5_000, "shown"
            )
            record = id_ and RecordAsked(UNIT.verify_key.id, id_, b"r" * 16, 0, 0)
            self.link.send(Lease(900, True, True, room_empty=False, view=view, record=record))
            while self._selector.select(0.1) and (message := self.link.receive()) is not None:
                yield message
        raise AssertionError(f"the eye said nothing of it; its log: {self.said()}")

    def frames(self, session: BoxKey, count: int) -> list[ViewFrame]:
        """So many that come while a look is asked for from its first frame on."""
        return list(islice((each for each in self.ask(session) if isinstance(each, ViewFrame)), count))

    def refuses(self, why: str, session: BoxKey | None = None, id_: bytes | None = None) -> bool:
        """Nothing is done of it, with this code. What was asked for before may be refused by it first."""
        of = "look" if session else "release" if id_ else "camera"
        never = {"look": ViewFrame, "release": Piece, "camera": Hello | Observation}[of]
        for message in self.ask(session, id_):
            assert not isinstance(message, never)
            if isinstance(message, Unbelieved):
                assert message.text and "\n" not in message.text
                if (message.what, message.why) == (of, why):
                    return of == "camera" or self.senses()
        raise AssertionError

    def senses(self) -> bool:
        """Its readings go on."""
        return any(isinstance(message, Observation) for message in self.ask(None))

    def said(self) -> str:
        self.log.flush()
        return Path(self.log.name).read_text()


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TakenOver]:
    made = TakenOver(tmp_path_factory.mktemp("taken"))
    yield made
    made.end()


@pytest.mark.timeout(120)
def test_without_papers_that_the_authority_signed_its_camera_stays_closed(keeper: TakenOver):
    assert keeper.refuses("missing")
    honest = keeper.papers()
    keeper.show(
        {"roster": honest["roster"], "authorisation": keeper.signed(authorisation(site="test"), THIEF)}
    )
    assert keeper.refuses("signer")
    assert keeper.said().count("eye: the camera stays closed: ") == 2
    keeper.show({"authorisation": honest["authorisation"]})
    seen = next(m for m in keeper.ask(None) if isinstance(m, Observation))
    assert seen.breathing.withheld == seen.pulse.withheld == "unsupported", (
        "leases ask for what nobody signed"
    )


@pytest.mark.timeout(120)
def test_a_keeper_that_was_taken_over_gets_no_frame_that_nobody_signed_for(keeper: TakenOver):
    keeper.show({kind: keeper.papers()[kind] for kind in ("roster", "authorisation")})
    assert keeper.refuses("missing", OWN), "as any keeper could before the eye asked for papers"
    honest, viewer = keeper.papers(), BoxKey.generate()
    keeper.show(honest | {"view-request": keeper.request(viewer)})
    assert keeper.refuses("session", OWN), "the viewer's request, and a key of its own"
    forger = KeyRing("test", "viewer", "carer", UNIT)
    for reason, by, changes in (
        ("signer", forger, {}),
        ("block", VIEWER, {"block": 1}),
        ("seconds", VIEWER, {"seconds": 10}),
        ("time", VIEWER, {"at": now(SystemClock()) - timedelta(seconds=90)}),
    ):
        session = BoxKey.generate()
        keeper.show(honest | {"view-request": keeper.request(session, by, **changes)})
        assert keeper.refuses(reason, session)
    keeper.show(honest | {"view-request": keeper.request(viewer)})
    frame = next(m for m in keeper.ask(viewer) if isinstance(m, ViewFrame))
    view = view_id(viewer.public.raw)
    _, shown = open_frame(sign(frame.sealed, UNIT), UNIT.verify_key, view, viewer)
    assert (shown.level, shown.block) == ("picture", 16), "as signed, and to whom signed"
    frames = [frame, *keeper.frames(viewer, 2), *keeper.frames(viewer, 3)]
    numbers = [each.number for each in frames]
    assert numbers == sorted(set(numbers)), "asked from the first number on once more: none is sealed twice"
    said = keeper.said().splitlines()
    assert sum(line.startswith("eye: no frame of a look is sealed: ") for line in said) >= 6


@pytest.mark.timeout(120)
def test_nor_a_recording(keeper: TakenOver):
    honest, of = keeper.papers(), keeper.release
    keeper.show({kind: honest[kind] for kind in ("roster", "authorisation")})
    to_itself = msgspec.structs.replace(of, box=OWN.public.raw)
    for reason, paper, by in (
        ("release", of, (MANAGER, OTHER)),
        ("signer", to_itself, (MANAGER,)),
        ("custodian", to_itself, (MANAGER, OTHER)),
    ):
        keeper.show(honest | {"release": keeper.signed(paper, *by)})
        asked = release_id(to_itself if reason != "custodian" else paper)
        assert keeper.refuses(reason, None, asked)
    keeper.show(honest)
    assert any(isinstance(message, Piece) for message in keeper.ask(None, release_id(of)))


def own_roster(keeper: TakenOver) -> Roster:
    """With a viewer of its own."""
    more = Recipient("carer", "viewer", UNIT.verify_key.raw, ())
    return msgspec.structs.replace(keeper.roster, recipients=(*keeper.roster.recipients, more))


@pytest.mark.timeout(120)
def test_an_open_camera_closes_when_what_is_shown_does_not_allow_it(keeper: TakenOver):
    """The last one: the eye ends."""
    keeper.show({kind: keeper.papers()[kind] for kind in ("roster", "authorisation")})
    assert keeper.senses()
    keeper.show({"roster": keeper.signed(own_roster(keeper), THIEF)})
    with pytest.raises(LinkError):
        for _ in keeper.ask(None):
            pass
    assert keeper.eye.wait(20) == 0 and "eye: the camera stays closed" in keeper.said()
