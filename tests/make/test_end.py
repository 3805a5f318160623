"""Revoked and decommissioned units: out of the site, refused by gateway and broker, and never in again."""

import os
import re
import stat
from pathlib import Path

import pytest
from making import contents, placed, refused, stillroom
from site_facility import Facility
from tests.patience import WITHIN_S
from tests.rig import Rig

from stillroom.keys import load_unit_keys
from stillroom_tools.lab.broker import LocalBroker, find_program
from stillroom_tools.make import decommission
from stillroom_tools.site import retired, shut_out
from stillroom_tools.site.audit_kept import head_of
from stillroom_tools.site.broker import SHUT_OUT, emqx_acl, mosquitto_acl
from stillroom_tools.site.gateway.notices import Notice
from stillroom_tools.site.layout import open_site
from stillroom_tools.site.subscriber import Subscriber


@pytest.fixture
def site(tmp_path: Path) -> Path:
    stillroom("site", "new", tmp_path / "site", "--site", "demo")
    for unit in ("u-1", "u-2"):
        stillroom("make", "unit", tmp_path / unit, "--site", tmp_path / "site", "--unit", unit)
    return tmp_path / "site"


def test_a_revoked_unit_is_out_and_the_others_stay(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sign = open_site(site).enrolment("u-1").sign
    assert stillroom("make", "revoke", "u-1", "--site", site, "--reason", "stolen") == 0
    place = open_site(site)
    assert [one.unit for one in place.enrolments()] == ["u-2"]
    (gone,) = retired.all_of(place)
    assert (gone.paper.unit, gone.paper.sign, gone.paper.why, gone.paper.reason) == (
        *("u-1", sign, "revoked", "stolen"),
    )
    assert (site / "broker/acl").read_text() == (
        f"{mosquitto_acl('demo')}\n{SHUT_OUT}\n\nuser u-1\ntopic deny stillroom/1/demo/#\n"
    )
    assert '{deny, {username, "u-1"}, all, ["#"]}.' in emqx_acl("demo", shut_out.units(place))
    assert head_of(place, "u-1", []).key == sign.hex(), "what it said before can still be exported"
    before = contents(site)
    capsys.readouterr()
    assert stillroom("make", "revoke", "u-1", "--site", site, "--reason", "stolen") == 0
    said = capsys.readouterr().err
    assert "again" in said and "not noted" not in said and contents(site) == before
    assert stillroom("make", "revoke", "u-1", "--site", site, "--reason", "lost") == 0
    assert "noted is revoked, stolen, and stays so for good: 'lost' was not noted" in capsys.readouterr().err
    assert contents(site) == before
    said = refused(capsys, 6, "make", "unit", tmp_path / "u-1", "--site", site)
    assert "was retired (revoked, stolen): make it new keys" in said
    assert "not enrolled" in refused(capsys, 6, "make", "revoke", "u-9", "--site", site)
    assert "a code of" in refused(capsys, 3, "make", "revoke", "u-2", "--site", site, "--reason", "He ran!")
    # With new keys the same place on the wall may have the same name.
    stillroom("make", "unit", tmp_path / "anew", "--site", site, "--unit", "u-1")
    stillroom("make", "revoke", "u-2", "--site", site)
    assert shut_out.units(open_site(site)) == ["u-2"]
    assert "u-1" not in (site / "broker/acl").read_text().partition(SHUT_OUT)[2]


def test_lines_of_the_facilitys_own_stay_in_its_access_list(site: Path) -> None:
    acl = site / "broker/acl"
    acl.write_text(acl.read_text() + "\nuser monitor\ntopic read $SYS/#\n")
    acl.chmod(0o640)
    stillroom("make", "revoke", "u-1", "--site", site)
    stillroom("make", "revoke", "u-2", "--site", site)
    assert stat.S_IMODE(acl.stat().st_mode) == 0o640, "whoever could read it still can"
    assert "topic read $SYS/#\n" in acl.read_text().partition(SHUT_OUT)[0]
    assert (
        acl.read_text().count(SHUT_OUT) == 1 and acl.read_text().count("topic deny stillroom/1/demo/#") == 2
    )


def test_another_authority_revokes_nothing(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stillroom("site", "new", tmp_path / "twin", "--site", "demo")
    (site / "authority/authority.key").write_bytes((tmp_path / "twin/authority/authority.key").read_bytes())
    before = contents(site)
    assert "not the authority of this site" in refused(capsys, 6, "make", "revoke", "u-1", "--site", site)
    assert contents(site) == before


def test_the_broker_itself_shuts_it_out(site: Path, tmp_path: Path) -> None:
    """mosquitto with the list as it is written: a revoked unit may log in, and says and hears nothing."""
    if find_program("mosquitto") is None:
        pytest.skip("mosquitto is not installed")
    stillroom("make", "revoke", "u-1", "--site", site)
    with LocalBroker("mosquitto", site=site) as running:
        text = (site / "site.toml").read_text().replace("port = 8883", f"port = {running.port}")
        (site / "site.toml").write_text(text)
        place = open_site(site)
        gateway = Subscriber(
            place.broker("gateway"),
            site,
            "g",
            ["stillroom/1/demo/+/up"],
            persistent=False,
            tell=lambda _: None,
        )
        with gateway:
            senders = []
            for unit in ("u-1", "u-2"):
                broker = _broker(tmp_path / unit, running.port)
                senders.append(
                    Subscriber(broker, tmp_path / unit, unit, [], persistent=False, tell=lambda _: None)
                )
            for unit, sender in zip(("u-1", "u-2"), senders, strict=True):
                sender.start()
                _until(lambda one=sender: one.connected)
                sender.publish(f"stillroom/1/demo/{unit}/up", unit.encode())
            _until(lambda: gateway.connected)
            heard = gateway.take(2, 5.0) + gateway.take(2, 0.5)
            for sender in senders:
                sender.stop()
    assert [message.payload for message in heard] == [b"u-2"]


def _broker(unit: Path, port: int):
    import msgspec

    from stillroom import config

    return msgspec.structs.replace(config.load(unit / "unit.toml").broker, port=port)


def _until(done) -> None:
    import time

    end_s = time.monotonic() + WITHIN_S
    while not done():
        assert time.monotonic() < end_s
        time.sleep(0.02)


def test_the_gateway_names_a_revoked_unit_that_speaks(tmp_path: Path) -> None:
    facility = Facility(tmp_path)
    gateway = facility.gateway
    facility.hear(facility.record())
    gateway._look_round()
    told: list[Notice] = []
    gateway._said.notice = told.append
    stillroom("make", "revoke", "u-1", "--site", facility.rig.site_folder)
    gateway._look_round()
    assert [(one.notice, one.unit, one.what) for one in told] == [("presence", "u-1", "revoked")]
    assert "what it says is refused from now on" in told[0].text
    assert not gateway._enrolled.units
    record = facility.record()
    facility.hear(record, record[:-1] + bytes([record[-1] ^ 1]))
    refusals = gateway._enrolled.refusals
    assert refusals["u-1", "key-revoked"] == 1, "and a forged one is nobody's"
    assert gateway._enrolled.alarms.of("u-1") == {"key-revoked": 1}
    assert not gateway._rooms.units()
    gateway._look_round()
    assert [one.what for one in told if one.notice == "alarm"] == ["key-revoked"]
    facility.close()


def test_the_gateway_marks_a_unit_gone(tmp_path: Path) -> None:
    facility, receipt = Facility(tmp_path), tmp_path / "receipt.note"
    told: list[Notice] = []
    gateway, site = facility.gateway, facility.rig.site_folder
    gateway._said.notice = told.append
    gateway._look_round()
    facility.rig.unit.close()
    arguments = ("make", "decommission", "erase", facility.rig.folder, "--unit", "u-1", "--out", receipt)
    assert stillroom(*arguments, "--lose-waiting") == 0
    assert stillroom("make", "decommission", "take", receipt, "--site", site) == 0
    gateway._look_round()
    assert [(one.unit, one.what) for one in told] == [("u-1", "gone")]
    assert not gateway._rooms.units()
    gateway._look_round()
    assert len(told) == 1, "once"
    facility.close()


# decommissioning


def erase(unit: Path, out: Path, *more: object) -> int:
    return stillroom("make", "decommission", "erase", unit, "--unit", unit.name, "--out", out, *more)


def test_a_unit_erases_itself_and_the_site_marks_it_gone(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ring, receipt = load_unit_keys(tmp_path / "u-1/keys"), tmp_path / "out/receipt.note"
    assert erase(tmp_path / "u-1", receipt) == 0
    assert contents(tmp_path / "u-1") == {}, "nothing is left"
    said = decommission.read_receipt(receipt)
    assert (said.unit, said.sign, said.waiting) == ("u-1", ring.signing.verify_key.raw, 0)
    assert said.files >= 5
    capsys.readouterr()
    assert erase(tmp_path / "u-1", receipt) == 0
    assert "again: it is gone" in capsys.readouterr().err
    for how in ("done: gone", "again: it counted no longer"):
        assert stillroom("make", "decommission", "take", receipt, "--site", site) == 0
        assert how in capsys.readouterr().err
    place = open_site(site)
    assert [one.unit for one in place.enrolments()] == ["u-2"]
    assert retired.all_of(place)[0].paper.why == "gone"
    assert len(list((site / "retired").glob("*.receipt.note"))) == 1


def cut_off_at_each(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Interrupted where a file would be destroyed, once at each; these files, as they come."""
    real, seen = decommission.destroy, []

    def cut_off(path: Path) -> int:
        if path not in seen:
            seen.append(path)
            raise KeyboardInterrupt
        return real(path)

    monkeypatch.setattr(decommission, "destroy", cut_off)
    return seen


def test_interrupted_at_each_file_it_is_finished_by_the_next_run(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = tmp_path / "receipt.note"
    unit = tmp_path / "u-1"
    kept = {"unit.toml", "keys/unit.key"}
    data = {name for name in contents(unit) if name not in kept} | {"state/keeper.lock"}
    seen = cut_off_at_each(monkeypatch)
    runs = 0
    while erase(tmp_path / "u-1", receipt) == 130:
        runs += 1
        key_is_there = (tmp_path / "u-1/keys/unit.key").exists()
        assert key_is_there or decommission.read_receipt(receipt).unit == "u-1"
    assert runs == len(seen) >= 7 and contents(tmp_path / "u-1") == {}
    assert decommission.read_receipt(receipt).files == len(data), "of all runs together"
    assert stillroom("make", "decommission", "take", receipt, "--site", site) == 0


def test_what_decommission_refuses(site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unit, receipt = tmp_path / "u-1", tmp_path / "receipt.note"
    before = contents(unit)
    assert "nothing was erased" in refused(
        capsys, 3, "make", "decommission", "erase", unit, "--unit", "u-2", "--out", receipt
    )
    assert "lies in the unit" in refused(
        capsys, 3, "make", "decommission", "erase", unit, "--unit", "u-1", "--out", unit / "r"
    )
    receipt.write_text("another's")
    nowhere = tmp_path / "no/folder/r.note"
    for code, out, text in (
        (8, Path("/proc/r.note"), "cannot be written"),
        (8, nowhere, "cannot be made"),
        (6, Path("/dev/full"), "not a plain file"),
        (6, receipt, str(receipt)),
    ):
        said = refused(capsys, code, "make", "decommission", "erase", unit, "--unit", "u-1", "--out", out)
        assert text in said and (code == 6 or f"--out {out}: nothing was erased" in said)
        (unit / "state/keeper.lock").unlink(missing_ok=True)
        assert contents(unit) == before, "what cannot be vouched for is not done"
    receipt.unlink()
    assert erase(unit, receipt) == 0
    stillroom("site", "new", tmp_path / "other", "--site", "other")
    assert "of site 'demo'" in refused(
        capsys, 6, "make", "decommission", "take", receipt, "--site", tmp_path / "other"
    )
    forged = tmp_path / "forged.note"
    forged.write_bytes(receipt.read_bytes().replace(b'"waiting": 0', b'"waiting": 3'))
    assert "altered" in refused(capsys, 6, "make", "decommission", "take", forged, "--site", site)
    stillroom("make", "unit", tmp_path / "u-3", "--site", site, "--unit", "u-3")
    stillroom("make", "revoke", "u-3", "--site", site)
    erase(tmp_path / "u-3", tmp_path / "r3.note")
    assert stillroom("make", "decommission", "take", tmp_path / "r3.note", "--site", site) == 0


def test_a_unit_that_runs_or_has_something_to_say_is_not_erased(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rig, receipt = Rig(tmp_path), tmp_path / "receipt.note"
    rig.unit.slot()
    arguments = ("make", "decommission", "erase", rig.folder, "--unit", "u-1", "--out", receipt)
    assert "another keeper is using it" in refused(capsys, 8, *arguments)
    rig.unit.close()
    told = re.search(r"(\d+) entries wait", refused(capsys, 3, *arguments))
    assert (rig.folder / "state/outbox.db").stat().st_size and not receipt.exists()
    assert stillroom(*arguments, "--lose-waiting") == 0
    assert told and decommission.read_receipt(receipt).waiting == int(told[1]) > 0
    assert contents(rig.folder) == {}


def test_where_keys_are_encrypted_they_go_too(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At each file once interrupted, as everywhere; credentials of others stay."""
    if os.geteuid() != 0:
        pytest.skip("only root opens the keys of services")
    ring, receipt = load_unit_keys(tmp_path / "u-1/keys"), tmp_path / "receipt.note"
    home, store = placed(tmp_path, monkeypatch, "u-1")
    (store / "wifi").write_text("somebody else's")
    asked = ("make", "decommission", "erase", home, "--unit", "u-1", "--out", receipt)
    came_from = refused(capsys, 3, *asked[:3], tmp_path / "u-1", *asked[4:])
    assert f"runs from {home}" in came_from and (tmp_path / "u-1/unit.toml").exists()
    before, key = contents(home), store / "stillroom-unit.key"
    held = key.read_bytes()
    key.write_bytes(b"of another machine")
    assert "cannot be decrypted on this machine" in refused(capsys, 8, *asked)
    assert contents(home) == before, "what cannot be vouched for is not done"
    key.write_bytes(held)
    seen = cut_off_at_each(monkeypatch)
    while stillroom(*asked) == 130:
        assert key.exists() or decommission.read_receipt(receipt).unit == "u-1"
    assert {key, store / "stillroom-unit-key.pem"} < set(seen)
    assert contents(home) == {} and contents(store) == {"wifi": b"somebody else's"}
    assert decommission.read_receipt(receipt).sign == ring.signing.verify_key.raw
    capsys.readouterr()
    assert stillroom(*asked) == 0 and "again: it is gone" in capsys.readouterr().err
    assert stillroom("make", "decommission", "take", receipt, "--site", site) == 0
