"""`stillroom site connect` on real brokers, right and wrong ones: what it finds, calls missing, and writes."""

from pathlib import Path

import pytest
from tests.connecting import Connect, connector, outcomes
from tests.site.test_subscriber import Configured, mosquitto_password

from stillroom import cli
from stillroom_tools.lab.broker import Kind, LocalBroker, find_program
from stillroom_tools.site.connect import keep

needs_mosquitto = pytest.mark.skipif(find_program("mosquitto") is None, reason="mosquitto is not installed")
needs_nats = pytest.mark.skipif(find_program("nats") is None, reason="nats-server is not installed")


@pytest.fixture
def connect(capsys: pytest.CaptureFixture[str]) -> Connect:
    return connector(capsys)


@needs_mosquitto
def test_the_broker_of_a_site_lacks_nothing(
    tls_broker: LocalBroker, tls_site: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep, "QUEUED_RECORDS", 1_100)
    code, found, _ = connect(tls_broker.url, "--site", tls_site)
    assert code == 0
    assert outcomes(found, "missing") == set()
    assert outcomes(found, "not-tried") == {"restart"}
    assert outcomes(found, "limited") <= {"queue"}  # a slow disk alone
    assert found["tls"] == ("good", "TLSv1.3")
    assert found["stranger"][0] == found["acl up"][0] == found["acl down"][0] == "good"


@needs_mosquitto
def test_a_site_whose_authority_is_away_is_tried_as_a_unit_of_its_own(
    tls_broker: LocalBroker, tls_site: Path, tmp_path: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep, "QUEUED_RECORDS", 10)
    unit = tmp_path / "u-1"
    assert cli.main(["make", "unit", str(unit), "--site", str(tls_site), "--unit", "u-1"]) == 0
    (tls_site / "ca" / "ca-key.pem").unlink()
    code, found, _ = connect(tls_broker.url, "--site", tls_site, "--unit", unit)
    assert code == 0
    assert found["unit login"] == ("good", "'u-1' is let in")
    assert outcomes(found, "not-tried") == {"restart", "acl up read"}
    code, found, _ = connect(tls_broker.url, "--site", tls_site)
    assert code == 7  # as the gateway alone, who is no unit
    assert found["up"][0] == "missing"


@needs_mosquitto
@pytest.mark.parametrize(
    ("acl", "limited"),
    [
        ("pattern readwrite #\n", {"acl up", "acl down", "acl down read", "acl up read"}),
        (
            "pattern readwrite stillroom/1/%c/#\nuser gateway\ntopic readwrite stillroom/#\nuser board\n"
            "topic read stillroom/#\npattern write stillroom/1/+/+/up\n"
            "pattern write stillroom/1/+/%u/view\npattern read stillroom/1/+/%u/down\n",
            {"acl up"},
        ),
        (
            "user gateway\ntopic readwrite stillroom/#\npattern write stillroom/1/+/%u/up\n"
            "pattern read stillroom/1/+/%u/down\n",
            {"board"},
        ),
    ],
)
def test_what_an_access_list_lets_through_is_named(
    tls_site: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch, acl: str, limited: set[str]
) -> None:
    monkeypatch.setattr(keep, "QUEUED_RECORDS", 10)
    (tls_site / "broker" / "acl").write_text(acl)
    with LocalBroker("mosquitto", site=tls_site) as broker:
        code, found, _ = connect(broker.url, "--site", tls_site)
    assert code == 0
    assert outcomes(found, "limited") == limited


@needs_mosquitto
@pytest.mark.parametrize(
    ("acl", "lacking"),
    [
        ("user gateway\ntopic readwrite #\n", "up"),
        ("user gateway\ntopic readwrite #\npattern write stillroom/1/+/%u/up\n", "down"),
        ("pattern write stillroom/1/+/%u/up\npattern read stillroom/1/+/%u/down\n", "up"),
    ],
)
def test_an_access_list_that_keeps_a_site_from_working_is_an_error(
    tls_site: Path, connect: Connect, acl: str, lacking: str
) -> None:
    (tls_site / "broker" / "acl").write_text(acl)
    with LocalBroker("mosquitto", site=tls_site) as broker:
        code, found, said = connect(broker.url, "--site", tls_site)
    assert code == 7
    assert found[lacking][0] == "missing"
    assert said.count("\n") == 1 and "a site cannot work at" in said and "ACL" not in said.split(":")[0]
    assert "sizes" not in found, "what rests on it is not tried"


@needs_mosquitto
def test_one_login_for_all_is_limited(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep, "QUEUED_RECORDS", 10)
    files = {"passwords": mosquitto_password("ward", "right")}
    login = "allow_anonymous false\npassword_file FOLDER/passwords\n"
    for name, password in (("right", "right"), ("wrong", "else")):
        (tmp_path / name).write_text(password + "\n")
    with Configured("mosquitto", login, files) as broker:
        code, found, _ = connect(broker.url, "--username", "ward", "--password-file", tmp_path / "right")
        assert code == 0
        assert found["acl"] == ("limited", "one login for everybody")
        assert found["stranger"][0] == "good"
        code, found, said = connect(broker.url, "--username", "ward", "--password-file", tmp_path / "wrong")
        assert code == 7 and "password" in found["mqtt"][1] and said.count("\n") == 1
        code, found, _ = connect(broker.url)
        assert code == 7 and found["mqtt"][0] == "missing"


@needs_mosquitto
def test_what_a_short_queue_drops_and_a_small_limit_refuses_is_counted(connect: Connect) -> None:
    """mosquitto's own defaults, and a limit below 16 KiB."""
    lines = "allow_anonymous true\nmax_queued_messages 100\nmessage_size_limit 8192\nretain_available false\n"
    with Configured("mosquitto", lines) as broker:
        code, found, _ = connect(broker.url)
    assert code == 0
    assert found["queue"][0] == "limited" and "came" in found["queue"][1]
    assert found["sizes"] == ("limited", "2,048 bytes arrive, 16,384 do not")
    assert found["retained"][0] == "limited"


@needs_mosquitto
def test_a_broker_that_carries_no_record_is_an_error(connect: Connect) -> None:
    with Configured("mosquitto", "allow_anonymous true\nmessage_size_limit 1000\n") as broker:
        code, found, _ = connect(broker.url)
    assert code == 7
    assert found["up"][0] == "missing"


@needs_nats
def test_a_broker_without_mqtt_5_that_grants_share_and_delivers_nothing(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep, "QUEUED_RECORDS", 50)
    with LocalBroker("nats") as broker:
        code, found, _ = connect(broker.url)
    assert code == 0
    assert found["mqtt"] == ("limited", "version 3.1.1, not 5")
    assert found["$share"] == ("limited", "granted, and nothing is delivered")
    assert found["session"][0] == "good"


@pytest.mark.parametrize("kind", ["mosquitto", "nats"])
def test_no_session_of_the_trial_is_left(
    kind: Kind, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second trial finds what the first one found: nothing waits, nothing is retained."""
    if find_program(kind) is None:
        pytest.skip(f"{kind} is not installed")
    monkeypatch.setattr(keep, "QUEUED_RECORDS", 10)
    with LocalBroker(kind) as broker:
        first, second = connect(broker.url), connect(broker.url)
    assert first[0] == second[0] == 0
    assert {c: o for c, (o, _) in first[1].items()} == {c: o for c, (o, _) in second[1].items()}
