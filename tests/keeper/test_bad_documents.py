"""Documents that must not be believed: each is refused with a code, in the audit chain, and changes nothing."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.parties import authorisation
from tests.rig import Rig

from stillroom.document_forms import from_ms
from stillroom.documents import KINDS, Authorisation, Withdrawal
from stillroom.events import Audited, Body, Entry
from stillroom.keeper import authorisation as module
from stillroom.keeper.authorisation import MAX_FILES
from stillroom.keeper.watch import MAX_REFUSED_TOLD
from stillroom.keys import KeyRing, SigningKey
from stillroom.note_reading import encode
from stillroom.notes import sign_note
from stillroom_tools.site.layout import open_site

DAY = timedelta(days=1)


class Ward(Rig):
    """A unit that senses under an authorisation, and a hand that puts things into its trust folder."""

    def __init__(self, folder: Path) -> None:
        self.told: list[Entry] = []
        super().__init__(folder)
        self.site = open_site(self.site_folder)
        self.papers = self.folder / "trust" / "authorisations"

    def paper(self, name: str = "a-9", by: KeyRing | None = None, **changes: object) -> bytes:
        start = from_ms(self.clock.utc_ms())
        plain = {"start": start, "until": start + DAY, "site": "test", "room": "r-9"}
        document = authorisation(name, **(plain | changes))
        return sign_note(KINDS[Authorisation], document, [by or self.site.authority_keys()])

    def resigned(self, change: Callable[[str], str]) -> bytes:
        """A right signature over a text that this software would not write."""
        plain = self.paper()
        text = change(plain.rpartition(b"\n\n")[0].decode() + "\n")
        from tests.test_notes import signed

        return signed(text.encode(), self.site.authority_keys())

    def put(self, note: bytes, name: str = "a-9") -> None:
        (self.papers / f"{name}.note").write_bytes(note)

    def slot(self) -> Body:
        body = super().slot()
        self.told += body.entries
        return body

    def said(self) -> list[dict[str, object]]:
        """All links of the chain so far."""
        self.entries()
        links = {e.event.index: e.event for e in self.told if isinstance(e.event, Audited)}
        return [msgspec.json.decode(links[index].body) for index in sorted(links)]

    def refusals(self) -> list[tuple[object, object]]:
        return [(one["file"], one["reason"]) for one in self.said() if one["what"] == "document-refused"]


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    return Ward(tmp_path)


FORGED = KeyRing("test", "authority", "authority", SigningKey(bytes(32)))
CASES: dict[str, tuple[str, Callable[[Ward], bytes]]] = {
    "forged by another key": ("signer", lambda w: w.paper(by=FORGED)),
    "signed by the gateway": ("signer", lambda w: w.paper(by=w.site.keys("gateway"))),
    "altered": ("signature", lambda w: w.paper().replace(b"r-9", b"r-8")),
    "expired": ("expired", lambda w: w.paper(start=from_ms(0), until=from_ms(0) + DAY)),
    "for another unit": ("unit", lambda w: w.paper(unit="u-2")),
    "for another site": ("unit", lambda w: w.paper(site="other")),
    "with a scope that there is not": (
        "content",
        lambda w: w.resigned(lambda t: t.replace('"status"', '"video"')),
    ),
    "without scope status": ("content", lambda w: w.resigned(lambda t: t.replace('"status"', '"pulse"'))),
    "for 29 days": ("content", lambda w: w.resigned(lambda t: t.replace('"from": "20', '"from": "19'))),
    "with an unknown field": (
        "content",
        lambda w: w.resigned(lambda t: t.replace('"id"', '"note": "x",\n  "id"')),
    ),
    "of another kind": ("kind", lambda w: w.resigned(lambda t: t.replace("authorisation", "withdrawal", 1))),
    "in another form": ("canonical", lambda w: w.resigned(lambda t: t.replace('": "', '":"'))),
    "cut short": ("form", lambda w: w.paper()[:-10]),
    "cut to nothing": ("form", lambda w: b""),
    "without a signature": ("form", lambda w: w.paper().rpartition(b"\n\n")[0] + b"\n"),
    "binary": ("form", lambda w: os.urandom(500)),
    "deeply nested": ("form", lambda w: b"[" * 16_000),
    "larger than a document": ("file", lambda w: w.paper() + b"x" * 17_000),
    "enormous": ("file", lambda w: b"x" * 50_000_000),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_with_its_code_and_nothing_is_changed(ward, name):
    code, make = CASES[name]
    ward.beat()
    ward.put(make(ward))
    ward.beat(2)
    assert not ward.may_start
    assert ward.slot().snapshot.gate == ("expired" if code == "expired" else "no-authorisation")
    assert ward.refusals() == [("a-9", code)], "once, however often it was looked at"


@pytest.mark.parametrize("name", CASES)
def test_beside_one_that_stands_it_ends_nothing(ward, name):
    ward.authorise(days=2)
    ward.beat()
    assert ward.may_start
    standing = ward.unit._gate.decision
    ward.put(CASES[name][1](ward))
    ward.beat(2)
    assert ward.may_start and ward.unit._gate.decision == standing


def test_one_of_the_future_waits_for_its_time(ward):
    start = from_ms(ward.clock.utc_ms()) + timedelta(hours=1)
    ward.put(ward.paper(start=start, until=start + DAY))
    ward.beat()
    assert not ward.may_start and ward.slot().snapshot.gate == "not-yet-valid"
    ward.clock.pass_time(timedelta(hours=1, seconds=2))
    ward.beat()
    assert ward.may_start


def test_one_put_there_again_under_other_names_is_one(ward):
    note = ward.paper()
    for name in ("a-9", "copy", "another"):
        ward.put(note, name)
    ward.beat()
    end = Withdrawal(authorisation="a-9", site="test", unit="u-1", at=from_ms(ward.clock.utc_ms()))
    ended = sign_note(KINDS[Withdrawal], end, [ward.site.authority_keys()])
    (ward.folder / "trust/withdrawals/w.note").write_bytes(ended)
    ward.beat()
    assert ward.slot().snapshot.gate == "withdrawn"
    for path in (*ward.papers.iterdir(), ward.folder / "trust/withdrawals/w.note"):
        path.unlink()
    ward.put(note, "once-more")
    ward.beat(1)
    assert not ward.may_start and ward.slot().snapshot.gate == "withdrawn"
    assert [one["what"] for one in ward.said()].count("authorisation-seen") == 1


def test_what_was_seen_is_told_once_in_a_units_life(ward):
    ward.authorise()
    ward.beat()
    ward.unit.close()
    ward.start()
    ward.beat()
    assert [one["what"] for one in ward.said()].count("authorisation-seen") == 1


def test_a_files_name_takes_no_words_into_the_chain_and_breaks_no_record(ward):
    for name in ("Mrs Smith", "ü" * 100, "-", "x" * 200):
        ward.put(b"junk", name)
    ward.beat()
    assert ward.refusals() == [("unnamed", "form")] * 4
    assert all(len(e.event.body) <= 240 for e in ward.told if isinstance(e.event, Audited))


def test_a_full_folder_costs_bounded_work_and_a_few_links(ward, monkeypatch):
    for number in range(100):
        ward.put(b"junk", f"j-{number}")
    ward.beat()
    said = ward.said()
    assert [one["what"] for one in said].count("document-refused") == MAX_REFUSED_TOLD
    assert [one["more"] for one in said if one["what"] == "documents-refused"] == [100 - MAX_REFUSED_TOLD]
    for number in range(MAX_FILES + 1):
        ward.put(b"junk", f"j-{number}")
    ward.put(ward.paper())
    read: list[Path] = []
    monkeypatch.setattr(module, "read_bounded", lambda path, *_: read.append(path))
    ward.beat(3)
    assert not ward.may_start and read == [], "refused whole, unread"


def test_a_text_that_was_never_signed_is_none(ward):
    ward.put(encode(KINDS[Authorisation], authorisation("a-9", site="test")))
    ward.beat()
    assert not ward.may_start and ward.refusals() == [("a-9", "form")]
