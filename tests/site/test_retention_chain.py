"""Retention takes the words out of a real unit's audit chain: gateway, export, evidence and advocate find it whole."""

from pathlib import Path

import pytest
from site_facility import Facility

from stillroom.cli import main
from stillroom.clock import SystemClock
from stillroom.errors import TrustError
from stillroom.public_keys import VerifyKey
from stillroom_tools.site import audit_file
from stillroom_tools.site.gateway.retention import DAY_MS, FOR_GOOD, Retention
from stillroom_tools.site.gateway.settings import RetentionConfig

AGE_MS = 1100 * DAY_MS


@pytest.fixture
def facility(tmp_path: Path):
    one = Facility(tmp_path)
    one.live(3)
    one.settle()
    yield one
    one.close()


def forget(facility: Facility) -> dict[str, int]:
    """As the gateway does once its days are over."""
    store = facility.gateway._store
    one, said = Retention(store, RetentionConfig()), []
    for _ in range(20):
        said += one.step(SystemClock().utc_ms() + AGE_MS)
    return {notice.what: notice.count for notice in said[:7]}


def test_a_chain_without_words_leads_to_the_units_head_and_goes_on(facility: Facility) -> None:
    assert forget(facility)["words"] > 3
    facility.hear(facility.record())
    assert facility.alarms == {}, "as it was followed before"
    facility.close()
    facility.open()
    facility.hear(facility.record())
    assert facility.alarms == {}, "followed anew, by leaves"
    facility.live()
    facility.settle()
    assert facility.alarms == {}, "and the next links follow"


def test_a_leaf_that_was_changed_is_an_alarm(facility: Facility) -> None:
    forget(facility)
    cut = (
        "UPDATE entries SET event = replace(CAST(event AS TEXT), substr(CAST(event AS TEXT), "
        "instr(CAST(event AS TEXT), '\"leaf\":\"') + 8, 4), 'AAAA') WHERE number = (SELECT number FROM entries "
        f"WHERE kind = 'audit' AND retention = '{FOR_GOOD}' AND CAST(event AS TEXT) LIKE '%erased%' LIMIT 1)"
    )
    facility.change(cut)
    facility.hear(facility.record())
    assert facility.alarms == {"broken-chain": 1}


def test_export_verifies_and_has_no_words_but_the_starts(facility: Facility, tmp_path: Path, capsys) -> None:
    forget(facility)
    site, out = facility.rig.site_folder, tmp_path / "u-1.audit"
    assert main(["site", "audit", "export", "u-1", "--site", str(site), "--out", str(out)]) == 0
    fingerprint = VerifyKey(facility.site.enrolment("u-1").sign).fingerprint
    assert main(["site", "audit", "verify", str(out), "--fingerprint", fingerprint]) == 0
    assert main(["site", "audit", "show", str(out), "--fingerprint", fingerprint]) == 0
    _, links = audit_file.read(out)
    assert links and all(link.erased or link.is_start for link in links)
    assert any(link.is_start for link in links)
    assert main(["site", "audit", "verify", str(out), "--fingerprint", "a" * 32]) == TrustError.exit_code


def test_evidence_says_that_words_are_gone_not_that_nothing_was(facility: Facility, tmp_path: Path) -> None:
    forget(facility)
    words = ["--from", "2020-01-01", "--to", "2030-01-01", "--out", str(tmp_path / "e")]
    assert main(["site", "evidence", "--site", str(facility.rig.site_folder), *words]) == 0
    page = (tmp_path / "e.html").read_text()
    assert "erased" in page
