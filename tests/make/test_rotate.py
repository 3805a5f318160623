"""New keys for a unit: the old one signs, the gateway goes on with the new one, and the chain is one chain."""

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from making import placed, refused, secrets_in, stillroom, write_card
from site_facility import Facility
from tests.keeper.test_unit import Rig
from tests.site.test_audit import deliver

from stillroom import config
from stillroom.errors import ConfigError, TrustError
from stillroom.keeper.rotated import BEFORE_FILE
from stillroom.keys import KeyRing, SigningKey, load_unit_keys
from stillroom.link import Network
from stillroom.overwrite import GONE
from stillroom_tools.make import certificate_request, identity, key_place
from stillroom_tools.make.key_place import NEXT_FILE
from stillroom_tools.make.rotate import ASKED, OWN, PAPERS, REQUEST, own_request
from stillroom_tools.site import admit, audit_file, retired
from stillroom_tools.site.layout import open_site


def key_of(folder: Path) -> bytes:
    return load_unit_keys(folder / "keys").signing.verify_key.raw


def rotate(rig: Rig, *more: object) -> int:
    rig.unit.close()
    return stillroom("make", "rotate", rig.folder, "--site", rig.site_folder, *more)


def test_the_chain_goes_on_and_both_labels_prove_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rig = Rig(tmp_path)
    rig.authorise()
    rig.beat(2)
    deliver(rig)
    old = load_unit_keys(rig.folder / "keys").signing.verify_key
    assert rotate(rig) == 0
    new = load_unit_keys(rig.folder / "keys").signing.verify_key
    assert new != old and open_site(rig.site_folder).enrolment("u-1").sign == new.raw
    rig.start()
    rig.beat(2)
    deliver(rig)
    out = tmp_path / "u-1.audit"
    assert stillroom("site", "audit", "export", "u-1", "--site", rig.site_folder, "--out", out) == 0
    for key in (old, new):
        assert stillroom("site", "audit", "verify", out, "--fingerprint", key.fingerprint) == 0
    capsys.readouterr()
    stillroom("site", "audit", "show", out, "--fingerprint", new.fingerprint)
    assert f"The unit was given new keys; their fingerprint is {new.fingerprint}" in capsys.readouterr().out
    head, links = audit_file.read(out)
    at = next(index for index, link in enumerate(links) if link.says_rotated)
    assert links[at + 1].is_start, "the old key's link comes before all that the new one signs"
    with pytest.raises(ConfigError, match="its words must stay"):
        audit_file.erase(out, links, [links[at].index])
    for forged in (links[:at] + links[at + 1 :], [*links[: at + 1]]):
        with pytest.raises(TrustError):
            audit_file.verify(out, head, forged, new.fingerprint)
    stranger = KeyRing.generate("test", "unit", "u-1").signing.verify_key
    assert "written by another unit" in refused(
        capsys, 6, "site", "audit", "verify", out, "--fingerprint", stranger.fingerprint
    )


def test_the_keys_before_are_destroyed_once_the_chain_has_told(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    state, old = rig.folder / "state", (rig.folder / "keys/unit.key").read_bytes()
    rotate(rig)
    assert (state / BEFORE_FILE).read_bytes() == old, "they have yet to sign"
    rig.start()
    rig.unit.close()
    assert not [path for path in rig.folder.rglob("*") if path.is_file() and path.read_bytes() == old]
    for left in (BEFORE_FILE, BEFORE_FILE + GONE):  # the power was cut between the word and the end of them
        (state / left).write_bytes(old)
        (state / left).chmod(0o600)
    rig.start()
    assert not list(state.glob(f"{BEFORE_FILE}*"))
    shutil.copy(
        rig.folder / "keys/unit.key", state / BEFORE_FILE
    )  # a power cut before the next key is in its place
    assert rotate(rig) == 0 and (state / BEFORE_FILE).exists(), "and other keys come after"


def test_before_its_next_start_the_chain_is_the_old_keys(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.beat(1)
    deliver(rig)
    old = load_unit_keys(rig.folder / "keys").signing.verify_key
    rotate(rig)
    out = tmp_path / "u-1.audit"
    stillroom("site", "audit", "export", "u-1", "--site", rig.site_folder, "--out", out)
    assert stillroom("site", "audit", "verify", out, "--fingerprint", old.fingerprint) == 0


def test_the_gateway_takes_the_new_key_and_names_who_uses_the_old_one(tmp_path: Path) -> None:
    facility = Facility(tmp_path)
    rig, enrolled = facility.rig, facility.gateway._enrolled
    facility.hear(facility.record())
    late = facility.record()
    assert enrolled.retired_now() == []
    assert rotate(rig) == 0
    facility.gateway._look_round()
    facility.hear(late)
    assert enrolled.refusals["u-1", "key-rotated"] == 1 and enrolled.alarms.of("u-1") == {"key-rotated": 1}
    rig.start()
    rig.unit.from_courier(Network(True, "connected"))
    rig.clock.pass_time(timedelta(seconds=2))
    before = facility.gateway._store.heard("u-1")
    facility.hear(facility.record())
    assert facility.gateway._store.heard("u-1") != before
    assert "broken-chain" not in enrolled.alarms.of("u-1")
    facility.close()


def test_by_card_in_three_steps_each_of_which_can_be_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stillroom("site", "new", tmp_path / "site", "--site", "demo")
    stillroom("make", "unit", tmp_path / "unit", "--site", tmp_path / "site", "--unit", "u-1")
    unit, site, card = tmp_path / "unit", tmp_path / "site", tmp_path / "card"
    old = key_of(unit)
    for _ in range(2):
        assert stillroom("make", "rotate", unit, "--card", card) == 0
        assert key_of(unit) == old and (unit / "keys" / NEXT_FILE).exists()
    for _ in range(2):
        assert stillroom("make", "rotate", card, "--sign", "--site", site) == 0
    new = open_site(site).enrolment("u-1").sign
    assert new != old and [one.paper.sign for one in retired.all_of(open_site(site))] == [old]
    assert stillroom("make", "rotate", unit, "--card", card) == 0
    assert key_of(unit) == new and not (unit / "keys" / NEXT_FILE).exists()
    assert "again" in capsys.readouterr().err
    assert (unit / "state" / BEFORE_FILE).exists()
    assert stillroom("make", "rotate", unit, "--card", card) == 0
    assert key_of(unit) == new, "not another time before the chain has named these"
    shutil.rmtree(card / PAPERS)
    assert "start it once" in refused(capsys, 3, "make", "rotate", unit, "--card", card)


def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stillroom("site", "new", tmp_path / "site", "--site", "demo")
    for unit in ("u-1", "u-2"):
        stillroom("make", "unit", tmp_path / unit, "--site", tmp_path / "site", "--unit", unit)
        stillroom("make", "rotate", tmp_path / unit, "--card", tmp_path / f"card-{unit}")
    site, place = tmp_path / "site", tmp_path / "card-u-1" / REQUEST
    fresh = KeyRing.generate("demo", "unit", "u-1")
    place.write_bytes(identity.request(fresh))
    (place.parent / OWN).write_bytes(own_request(fresh, (place.parent / ASKED).read_bytes()))
    said = refused(capsys, 6, "make", "rotate", place.parent, "--sign", "--site", site)
    assert "not signed by demo/u-1" in said, "only the new key has signed"
    thief = load_unit_keys(tmp_path / "u-2/keys")
    place.write_bytes(identity.request(fresh, thief))
    assert "not signed by demo/u-1" in refused(
        capsys, 6, "make", "rotate", place.parent, "--sign", "--site", site
    )
    assert admit.read_request(place.read_bytes()).sign == fresh.signing.verify_key.raw
    stillroom("make", "rotate", tmp_path / "card-u-2", "--sign", "--site", site)
    place.unlink()
    (tmp_path / "card-u-2" / PAPERS).rename(tmp_path / "card-u-1" / PAPERS)
    by_card = ("make", "rotate", tmp_path / "u-1", "--card", tmp_path / "card-u-1")
    assert "the card of unit 'u-2'" in refused(capsys, 6, *by_card), (
        "another unit's papers are none of its own"
    )
    assert (tmp_path / "u-1/keys" / NEXT_FILE).exists()
    write_card(tmp_path / "card")
    assert "one of them" in refused(capsys, 3, "make", "rotate", tmp_path / "u-1")


def test_a_certificate_goes_to_the_units_own_key_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever gets at the card has the unit's public enrolment, and a request of his own with its name."""
    unit, site, card, his = (tmp_path / name for name in ("unit", "site", "card", "his"))
    stillroom("site", "new", site, "--site", "demo")
    stillroom("make", "unit", unit, "--site", site, "--unit", "u-1")
    stillroom("make", "rotate", unit, "--card", card)
    old, sign = key_of(unit), ("make", "rotate", card, "--sign", "--site", site)
    foreign = certificate_request.request_pem(SigningKey.generate(), "u-1")
    thief = KeyRing.generate("demo", "unit", "u-1")
    his.mkdir()
    (his / REQUEST).write_bytes((site / "units/u-1.note").read_bytes())
    (his / ASKED).write_bytes(foreign)
    of_his = ("make", "rotate", his, "--sign", "--site", site)
    assert f"{his / OWN}: cannot be read" in refused(capsys, 6, *of_his)
    for own in (own_request(thief, foreign), (card / OWN).read_bytes()):
        (his / OWN).write_bytes(own)
        assert "not signed by demo/u-1" in refused(capsys, 6, *of_his), "not by the key that is enrolled"
    (card / ASKED).write_bytes(foreign)
    assert f"{card / ASKED}: not the unit's own" in refused(capsys, 6, *sign)
    assert open_site(site).enrolment("u-1").sign == old and not (card / PAPERS).exists()
    assert not (his / PAPERS).exists()
    stillroom("make", "rotate", unit, "--card", card)
    assert stillroom(*sign) == 0, "the unit has put its own there again"
    shutil.rmtree(card / PAPERS)
    (card / ASKED).write_bytes(foreign)
    assert f"{card / ASKED}: not the unit's own" in refused(capsys, 6, *sign), "nor once it is enrolled"
    assert not (card / PAPERS).exists()


def test_another_site_is_refused_before_there_are_new_keys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, site in (("site", "demo"), ("twin", "demo"), ("other", "other")):
        stillroom("site", "new", tmp_path / name, "--site", site)
    for unit, site in (("u-1", "site"), ("u-1-of-twin", "twin")):
        stillroom("make", "unit", tmp_path / unit, "--site", tmp_path / site, "--unit", "u-1")
    unit, enrolled = tmp_path / "u-1", "units/u-1.note"
    for wrong, code, text in (
        ("none", 3, "no site here"),
        ("other", 3, "is 'other', and the unit is of 'demo'"),
        ("twin", 6, "name the site where this unit is enrolled"),
    ):
        assert text in refused(capsys, code, "make", "rotate", unit, "--site", tmp_path / wrong)
        assert not (unit / "keys" / NEXT_FILE).exists()
    (tmp_path / "twin" / enrolled).unlink()
    assert "not enrolled" in refused(capsys, 6, "make", "rotate", unit, "--site", tmp_path / "twin")
    stillroom("make", "unit", unit, "--site", tmp_path / "twin")
    assert "another authority" in refused(capsys, 6, "make", "rotate", unit, "--site", tmp_path / "twin")
    (tmp_path / "site/authority/authority.key").unlink()
    refused(capsys, 6, "make", "rotate", unit, "--site", tmp_path / "site")
    assert not (unit / "keys" / NEXT_FILE).exists(), "who cannot sign is asked before too"


def test_a_card_that_is_not_its_own_is_refused_before_there_are_new_keys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stillroom("site", "new", tmp_path / "site", "--site", "demo")
    for unit in ("u-1", "u-2"):
        stillroom("make", "unit", tmp_path / unit, "--site", tmp_path / "site", "--unit", unit)
    unit, old = tmp_path / "u-1", key_of(tmp_path / "u-1")
    (tmp_path / "file").touch()
    write_card(tmp_path / "ticket", unit="u-2", site="demo")
    write_card(tmp_path / "elsewhere", unit="u-1", site="ward-8")
    stillroom("make", "rotate", tmp_path / "u-2", "--card", tmp_path / "asked")
    for wrong, code, text in (
        ("file", 4, "not a folder"),
        ("no/where", 8, "cannot be made"),
        ("ticket", 6, "the card of unit 'u-2' of site 'demo', and this is 'u-1' of 'demo'"),
        ("elsewhere", 6, "the card of unit 'u-1' of site 'ward-8'"),
        ("asked", 6, "the card of unit 'u-2'"),
    ):
        assert text in refused(capsys, code, "make", "rotate", unit, "--card", tmp_path / wrong)
        assert not (unit / "keys" / NEXT_FILE).exists() and key_of(unit) == old
    write_card(tmp_path / "own", unit="u-1", site="demo")
    (tmp_path / "own" / REQUEST).write_bytes(b"damaged: it is written again")
    assert stillroom("make", "rotate", unit, "--card", tmp_path / "own") == 0


def test_where_keys_are_encrypted_they_stay_so_at_every_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root rotates the keys of services")
    site, card = tmp_path / "site", tmp_path / "card"
    stillroom("site", "new", site, "--site", "demo")
    stillroom("make", "unit", tmp_path / "unit", "--site", site, "--unit", "u-1")
    old = key_of(tmp_path / "unit")
    assert len(secrets_in(tmp_path / "unit")) == 2, "the search can find them"
    home, store = placed(tmp_path, monkeypatch)
    said = refused(capsys, 3, "make", "rotate", tmp_path / "unit", "--card", card)
    assert "runs from" in said and str(home) in said and not card.exists(), "its state is not the unit's"
    for _ in range(2):
        assert stillroom("make", "rotate", home, "--card", card) == 0
        assert (store / "stillroom-next.key").exists() and not secrets_in(home, store)
    waiting = (store / "stillroom-next.key").read_bytes()
    assert stillroom("make", "rotate", card, "--sign", "--site", site) == 0
    capsys.readouterr()
    assert stillroom("make", "rotate", home, "--card", card) == 0
    assert "systemctl start stillroom-keeper" in capsys.readouterr().err
    assert secrets_in(home, store) == [home / "state" / BEFORE_FILE]
    ring = key_place.Encrypted(config.load(home / "unit.toml")).own()
    assert ring.signing.verify_key.raw == open_site(site).enrolment("u-1").sign != old
    assert (home / "unit.toml").stat().st_mode & 0o777 == 0o640
    assert not (store / "stillroom-next.key").exists()
    (store / "stillroom-unit.key").write_bytes(waiting)  # as if under another name, or of another machine
    assert "cannot be decrypted on this machine: not of" in refused(
        capsys, 8, "make", "rotate", home, "--card", card
    )


def test_retention_leaves_the_words_of_a_link_that_names_a_key() -> None:
    import msgspec

    from stillroom.chain import KEYS_ROTATED
    from stillroom.events import Audited
    from stillroom_tools.site.gateway.erased import Told
    from stillroom_tools.site.gateway.proof import proof_alone

    def link(what: str) -> bytes:
        body = msgspec.json.encode({"what": what, "before": "00", "key": "11"})
        event: Told = Audited(1, 1, body, bytes(16), bytes(32), bytes(64))
        return msgspec.json.encode(event)

    assert proof_alone(link(KEYS_ROTATED)) == link(KEYS_ROTATED)
    assert b"camera-opened" not in proof_alone(link("camera-opened"))
