"""`stillroom site new`: a whole site or nothing, secrets private, and never a key destroyed."""

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from parties import HandClock, command

from stillroom.clock import SystemClock
from stillroom.config import BrokerConfig
from stillroom.document_forms import from_ms
from stillroom.errors import ConfigError, StillroomError, StorageError, TrustError
from stillroom.keeper.roster import keys_at
from stillroom.keys import load_keys
from stillroom_tools.site import commands, new
from stillroom_tools.site.layout import SiteBroker, SiteConfig, open_site

SECRETS = {
    "authority/authority.key",
    "ca/ca-key.pem",
    "gateway/gateway.key",
    "gateway/gateway-key.pem",
    "board/board.key",
    "board/board-key.pem",
    "broker/server-key.pem",
    "broker/acl",
}
PUBLIC = {
    "site.toml",
    "roster.note",
    "authority/authority.pub",
    "ca/ca.pem",
    *(f"{party}/{file}.pem" for party in ("gateway", "board") for file in (party, "ca")),
    *(f"broker/{file}" for file in ("ca.pem", "server.pem", "mosquitto.conf")),
}


def make(folder: Path, *more: object) -> int:
    return command(commands, "new", folder, "--site", "demo", *more)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_everything_is_there_and_private(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "deeper" / "site"
    assert make(folder, "--broker-host", "broker.ward.example", "--broker-port", 18883) == 0
    assert set(contents(folder)) == SECRETS | PUBLIC
    for path in [folder, *folder.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        private = path.is_dir() or str(path.relative_to(folder)) in SECRETS
        assert mode & 0o077 == (0 if private else 0o044), path
    site = open_site(folder)
    assert site.config.broker == SiteBroker("broker.ward.example", 18883, True)
    assert capsys.readouterr().out == site.authority().fingerprint + "\n"
    assert [p.name for p in folder.parent.iterdir()] == ["site"]


def test_the_roster_names_gateway_and_board_for_a_year(tmp_path: Path) -> None:
    make(tmp_path / "site")
    site = open_site(tmp_path / "site")
    roster = site.roster()
    assert [(r.name, r.role, len(r.boxes)) for r in roster.recipients] == [
        ("gateway", "gateway", 12),
        ("board", "board", 12),
    ]
    clock = HandClock(roster.start)
    seen = set()
    while clock.utc_ms() < roster.until.timestamp() * 1000:
        keys, until_ms = keys_at(roster, clock.utc_ms())
        assert set(keys) == {"gateway", "board"}
        seen |= {key.id for key in keys.values()}
        clock.pass_time(from_ms(until_ms) - from_ms(clock.utc_ms()))
    assert len(seen) == 24
    own = {box.public.id for party in ("gateway", "board") for box in site.keys(party).boxes}
    assert seen == own


def test_keys_of_old_traffic_are_destroyed_a_week_after(tmp_path: Path) -> None:
    make(tmp_path / "site")
    site = open_site(tmp_path / "site")
    clock = HandClock(site.roster().start)
    clock.pass_time(timedelta(days=31 + 7) - timedelta(seconds=1))
    assert site.forget_expired_keys("gateway", clock) == 0
    clock.pass_time(timedelta(seconds=1))
    assert site.forget_expired_keys("gateway", clock) == 1
    assert site.forget_expired_keys("gateway", clock) == 0
    assert len(site.keys("gateway").boxes) == 11
    assert len(site.keys("board").boxes) == 12
    assert site.roster().recipients[0].boxes[0].key not in {b.public.raw for b in site.keys("gateway").boxes}


def test_again_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "site"
    make(folder)
    before, first = contents(folder), capsys.readouterr()
    assert make(folder) == 0
    assert contents(folder) == before
    second = capsys.readouterr()
    assert second.out == first.out
    assert "is here already: nothing was changed" in second.err


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    assert make(tmp_path / "site") == 0
    assert open_site(tmp_path / "site").name == "demo"


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "letter.txt").write_text("dear")
    with pytest.raises(ConfigError, match="not empty, and no site"):
        make(folder)
    assert contents(folder) == {"letter.txt": b"dear"}
    with pytest.raises(ConfigError, match="not empty, and no site"):
        make(folder / "letter.txt")


def test_another_site_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    make(folder)
    before = contents(folder)
    with pytest.raises(ConfigError, match="the site 'demo' is here"):
        command(commands, "new", folder, "--site", "other")
    with pytest.raises(ConfigError, match="with other settings"):
        make(folder, "--broker-port", 9999)
    assert contents(folder) == before


BAD = [
    (("--site", "Demo"), "1 to 32 of a-z"),
    (("--site", ""), "1 to 32 of a-z"),
    (("--site=-demo",), "1 to 32 of a-z"),
    (("--site", "a/b"), "1 to 32 of a-z"),
    (("--site", "a" * 33), "1 to 32 of a-z"),
    (("--site", "démo"), "1 to 32 of a-z"),
    (("--site", "demo\n"), "1 to 32 of a-z"),
    (("--site", "demo", "--broker-port", "0"), "1 to 65535"),
    (("--site", "demo", "--broker-port", "65536"), "1 to 65535"),
    (("--site", "demo", "--broker-host", "a b"), "a host name or an IP address"),
    (("--site", "demo", "--broker-host", 'a"\n[x]'), "a host name or an IP address"),
    (("--site", "demo", "--broker-host", ""), "a host name or an IP address"),
    (("--site", "demo", "--slot", "0.4"), "0.5 to 10"),
    (("--site", "demo", "--slot", "nan"), "0.5 to 10"),
]


@pytest.mark.parametrize(("arguments", "text"), BAD)
def test_bad_arguments_make_nothing(tmp_path: Path, arguments: tuple[str, ...], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        command(commands, "new", tmp_path / "site", *arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a", "a" * 32, "ward-3", "0"])
def test_good_names(tmp_path: Path, name: str) -> None:
    assert command(commands, "new", tmp_path / "site", "--site", name, "--broker-host", "::1") == 0
    assert open_site(tmp_path / "site").roster().site == name


def test_a_failure_midway_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(new, "_certificates", full)
    with pytest.raises(StorageError, match="No space left on device"):
        make(tmp_path / "site")
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot be made"):
        make(tmp_path / "file" / "site")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make(tmp_path / "site")
    return tmp_path / "site"


def test_how_parties_reach_the_broker(folder: Path) -> None:
    broker = open_site(folder).broker("board")
    assert broker == BrokerConfig(
        "127.0.0.1", 8883, True, "board/ca.pem", "board/board.pem", "board/board-key.pem"
    )
    assert all(
        (folder / name).exists() for name in (broker.ca_file, broker.certificate_file, broker.key_file)
    )


def test_without_tls(tmp_path: Path) -> None:
    make(tmp_path / "site", "--no-tls")
    assert open_site(tmp_path / "site").broker("gateway") == BrokerConfig(
        host="127.0.0.1", port=8883, tls=False
    )
    assert "cafile" not in (tmp_path / "site/broker/mosquitto.conf").read_text()


def test_the_authority_may_be_elsewhere(folder: Path) -> None:
    """What runs day and night needs neither the authority's key nor the CA's."""
    (folder / "authority/authority.key").unlink()
    (folder / "ca/ca-key.pem").unlink()
    site = open_site(folder)
    assert site.enrolments() == ()
    assert site.roster().version == 1
    assert site.keys("gateway").role == "gateway"
    with pytest.raises(TrustError, match=r"authority\.key: cannot be read"):
        site.authority_keys()


def test_the_wrong_authority_is_refused(folder: Path, tmp_path: Path) -> None:
    command(commands, "new", tmp_path / "other", "--site", "demo")
    for name in ("authority.key", "authority.pub"):
        ours = folder / "authority" / name
        before = ours.read_bytes()
        ours.write_bytes((tmp_path / "other/authority" / name).read_bytes())
        with pytest.raises(TrustError):
            open_site(folder).authority_keys()
            open_site(folder).roster()
        ours.write_bytes(before)
    assert open_site(folder).authority_keys().role == "authority"


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("authority/authority.key", lambda site: site.authority_keys()),
        ("gateway/gateway.key", lambda site: site.keys("gateway")),
        ("board/board.key", lambda site: site.keys("board")),
    ],
)
def test_keys_that_others_may_read_are_refused(folder: Path, name: str, read) -> None:
    (folder / name).chmod(0o644)
    with pytest.raises(TrustError, match="others may read this secret"):
        read(open_site(folder))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "'site' is missing"),
        ("site = 1", "allowed is text"),
        ('site = "demo"\nsight = 1', "did you mean 'site'"),
        ('site = "demo"\n[broker]\nport = 0', "broker.port"),
        ('site = "demo"\n[broker]\nhost = "a b"', "broker.host"),
        ('site = "demo"\n[slots]\nperiod_s = 0.1', "slots.period_s"),
        ('site = "demo"\ntime_zone = "Mars/Base"', "time_zone.*Mars/Base.*Europe/London"),
        ('site = "demo"\ntime_zone = "../x"', "time_zone"),
        ('site = "demo"\n[report]\nnight_from = "25:00"', "report.night_from"),
        ('site = "demo"\n[report]\nnight_from = "08:00"', "a night has a length"),
        ("site =", "not valid TOML"),
    ],
)
def test_a_damaged_site_toml_is_one_line(folder: Path, text: str, expected: str) -> None:
    (folder / "site.toml").write_text(text)
    with pytest.raises(ConfigError, match=expected) as caught:
        open_site(folder)
    assert str(folder / "site.toml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_example_shows_every_key() -> None:
    import msgspec

    from stillroom.config import convert, read_toml

    path = Path(__file__).parents[2] / "config/site.toml"
    raw = read_toml(path)
    config = convert(path, raw, SiteConfig)
    assert raw == msgspec.json.decode(msgspec.json.encode(config))
    assert config == SiteConfig("demo")


def test_a_folder_that_is_no_site(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no site here"):
        open_site(tmp_path)


def test_the_roster_is_in_force_at_once(folder: Path) -> None:
    assert open_site(folder).roster().covers(SystemClock().utc_ms())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0o500)
    with pytest.raises(StillroomError, match="Permission denied"):
        make(tmp_path / "shut" / "site")


def test_key_files_name_site_role_and_party(folder: Path) -> None:
    assert load_keys(folder / "board/board.key", "board").note_name == "demo/board"
