"""`stillroom site renew`: no gap between the keys of two years, no secret lost, no unit left behind."""

from datetime import timedelta
from pathlib import Path

import pytest
from parties import HandClock, body, command

from stillroom.clock import SystemClock
from stillroom.config import load
from stillroom.document_forms import now
from stillroom.errors import ConfigError, TrustError
from stillroom.keeper.roster import keys_at, load_roster
from stillroom.keeper.seal import Sealer
from stillroom.keys import load_unit_keys
from stillroom.receiver import MemoryStore, Receiver
from stillroom_tools.make import commands as make_commands
from stillroom_tools.site import commands
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.renew import renewed


@pytest.fixture
def site(tmp_path: Path) -> Site:
    command(commands, "new", tmp_path / "site", "--site", "demo")
    return open_site(tmp_path / "site")


@pytest.fixture
def unit(site: Site, tmp_path: Path) -> Path:
    command(make_commands, "unit", tmp_path / "unit", "--site", site.folder, "--unit", "u-1")
    return tmp_path / "unit"


def test_a_running_unit_takes_it_and_the_gateway_opens(site: Site, unit: Path) -> None:
    clock = SystemClock()
    sealer = Sealer(load_unit_keys(unit / "keys"), load_roster(load(unit / "unit.toml"), clock), 1, clock)
    receiver = Receiver(site.enrolments(), site.keys("gateway").boxes, MemoryStore())
    assert receiver.open(sealer.seal(body())).epoch_index == 0
    assert command(commands, "renew", site.folder, unit) == 0
    sealer.replace_roster(load_roster(load(unit / "unit.toml"), clock, newest_version=2))
    assert receiver.open(sealer.seal(body())).epoch_index == 1


@pytest.mark.parametrize("days", [0, 1, 200, 371, 372, 500])
def test_there_is_a_key_for_every_moment_of_the_next_year(site: Site, days: int) -> None:
    moment = now(SystemClock()) + timedelta(days=days)
    roster = renewed(site, moment)
    assert roster.version == 2
    assert roster.until - moment > timedelta(days=340)
    held = {party: {b.public.raw for b in site.keys(party).boxes} for party in ("gateway", "board")}
    clock = HandClock(moment)
    while clock.utc_ms() < roster.until.timestamp() * 1000:
        keys, until_ms = keys_at(roster, clock.utc_ms())
        assert {name: key.raw in held[name] for name, key in keys.items()} == {"gateway": True, "board": True}
        clock.pass_time(timedelta(milliseconds=until_ms - clock.utc_ms()))


@pytest.mark.parametrize(("days", "left"), [(99, 2), (100, 3)])
def test_keys_stay_until_a_week_after_their_time(site: Site, days: int, left: int) -> None:
    """The third period ends after 93 days: its key opens what is on its way until day 100, and then is gone."""
    before = site.roster()
    after = renewed(site, before.start + timedelta(days=days))
    for old, new in zip(before.recipients, after.recipients, strict=True):
        assert new.boxes[: len(old.boxes) - left] == old.boxes[left:]
        assert (new.name, new.sign) == (old.name, old.sign)
    for new in after.recipients:
        assert {b.public.raw for b in site.keys(new.name).boxes} == {b.key for b in new.boxes}


def test_a_crash_before_the_roster_was_written_is_repaired(site: Site) -> None:
    moment = site.roster().start + timedelta(days=60)
    for _ in range(60):
        again = renewed(site, moment)
    assert site.roster().version == 1
    assert {b.public.raw for b in site.keys("board").boxes} == {b.key for b in again.recipients[1].boxes}


def test_twice_a_day_makes_no_more_keys(site: Site) -> None:
    for _ in range(3):
        command(commands, "renew", site.folder)
    assert open_site(site.folder).roster().version == 4
    assert len(site.keys("gateway").boxes) == 12


def test_without_the_authority_nothing_changes(site: Site, unit: Path, tmp_path: Path) -> None:
    (site.folder / "authority/authority.key").unlink()
    before = (unit / "trust/roster.note").read_bytes(), (site.folder / "gateway/gateway.key").read_bytes()
    with pytest.raises(TrustError, match=r"authority\.key"):
        command(commands, "renew", site.folder, unit)
    with pytest.raises(ConfigError, match="nowhere"):
        command(commands, "renew", site.folder, tmp_path / "nowhere")
    after = (unit / "trust/roster.note").read_bytes(), (site.folder / "gateway/gateway.key").read_bytes()
    assert before == after
