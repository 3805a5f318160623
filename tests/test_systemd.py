"""The units of systemd: their words are sound, they give up what they say, and each command line starts what it names.

`systemd-analyze` reads and rates text, on any machine. That the services run under systemd with all of it is tried in
`test_services_booted.py`.
"""

import json
import re
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from stillroom.run import SMALL
from tests.live import LiveSite, until
from tests.services import INSTALLED, PROGRAM, UNITS, Service, environment, values

SERVICES = ("keeper", "eye", "courier", "gateway", "board")
MOST = {"eye": 1.5}
"""Exposure as `systemd-analyze security` counts it, 0 to 10; 1.2 for the others."""
WITHIN = {
    "keeper": {
        "RootDirectory",
        "SupplementaryGroups",
        "PrivateDevices",
        "PrivateUsers",
        "DeviceAllow",
        "ProcSubset",
    },
    "eye": {
        "RootDirectory",
        "SupplementaryGroups",
        "PrivateDevices",
        "PrivateUsers",
        "DeviceAllow",
        "ProcSubset",
    },
    "courier": {"RootDirectory", "PrivateNetwork", "PrivateUsers", "DeviceAllow", "IPAddressDeny"},
    "gateway": {"RootDirectory", "PrivateNetwork", "DeviceAllow", "IPAddressDeny"},
    "board": {"RootDirectory", "PrivateNetwork", "DeviceAllow", "IPAddressDeny"},
}
"""What each keeps, beside AF_UNIX for sockets between them and systemd's own, and AF_INET where there is a network."""


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: tools/setup test, or apt-get install systemd")
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """A copy in which the program is where it is here: systemd wants to see that there is one."""
    folder = tmp_path / "units"
    shutil.copytree(UNITS, folder)
    for path in folder.glob("*.service"):
        path.write_text(path.read_text().replace(PROGRAM, str(INSTALLED)))
    return folder


def verify(unit: Path) -> subprocess.CompletedProcess[str]:
    return analyze("verify", "--recursive-errors=no", "--man=no", unit)


@pytest.mark.parametrize(
    "name", sorted(path.name for kind in ("service", "path", "target") for path in UNITS.glob(f"*.{kind}"))
)
def test_systemd_understands_every_word(units: Path, name: str):
    done = verify(units / name)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_word_that_systemd_does_not_know_is_found(units: Path):
    path = units / "stillroom-eye.service"
    path.write_text(path.read_text().replace("PrivateNetwork=", "PrivateNetwrok="))
    done = verify(path)
    assert done.returncode != 0 and "PrivateNetwrok" in done.stderr


def exposed(path: Path) -> set[str]:
    """The settings for which systemd counts something, by their names before `=`."""
    rows = json.loads(analyze("security", "--offline=true", "--json=short", path).stdout)
    return {row["name"].split("=")[0] for row in rows if float(row["exposure"] or 0) > 0}


def overall(path: Path) -> float:
    said = analyze("security", "--offline=true", path).stdout
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert found, said
    return float(found[1])


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_gives_up_what_it_does_not_need(service: str):
    path = UNITS / f"stillroom-{service}.service"
    assert overall(path) <= MOST.get(service, 1.2)
    assert exposed(path) - {"RestrictAddressFamilies"} <= WITHIN[service]


def test_what_is_given_back_is_counted(units: Path):
    guards = units / "stillroom-.service.d" / "guards.conf"
    guards.write_text(guards.read_text().replace("NoNewPrivileges=yes", "NoNewPrivileges=no"))
    path = units / "stillroom-keeper.service"
    assert "NoNewPrivileges" in exposed(path)
    assert overall(path) > overall(UNITS / path.name)


RELAXED = re.compile(r"^(\w+=(no|all|.*AF_INET6?)|DeviceAllow=.*|SupplementaryGroups=.*)$")


@pytest.mark.parametrize("service", SERVICES)
def test_each_relaxed_line_says_why_beside_it(service: str):
    lines = (UNITS / f"stillroom-{service}.service").read_text().splitlines()
    for at, line in enumerate(lines):
        if RELAXED.match(line):
            block = lines[
                max(index for index in range(at) if not lines[index] or lines[index].startswith("#")) : at
            ]
            assert block[0].startswith("#"), f"{line}: no word says why"


def test_the_walls_between_the_three():
    for service in ("keeper", "eye"):
        assert values(service, "PrivateNetwork") == ["yes"]
        assert values(service, "RestrictAddressFamilies") == ["AF_UNIX"]
    assert values("courier", "PrivateDevices") == ["yes"]
    assert values("keeper", "DeviceAllow") == ["char-gpiochip rw"]
    users = [values(service, "User")[0] for service in SERVICES[:3]]
    assert len(set(users)) == 3
    accounts = (UNITS / "stillroom-unit.sysusers").read_text()
    assert all(re.search(rf"^u {user} ", accounts, re.MULTILINE) for user in users)
    loaded = {service: values(service, "LoadCredentialEncrypted") for service in SERVICES[:3]}
    assert loaded["eye"] == [] and not any("unit.key" in each for each in loaded["courier"])


def test_the_eye_has_the_environment_of_a_laptops():
    assert environment("eye") == SMALL


def test_the_accounts_are_as_systemd_reads_them(tmp_path: Path):
    """In an empty root: the users and groups that the services name."""
    if shutil.which("systemd-sysusers") is None:
        pytest.skip("systemd-sysusers is not installed: tools/setup test, or apt-get install systemd")
    (tmp_path / "etc").mkdir()
    # Both in one call: what it makes has no rights at all, and a second one could read it as root alone.
    files = [UNITS / f"stillroom-{who}.sysusers" for who in ("unit", "site")]
    command = ["systemd-sysusers", f"--root={tmp_path}", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    names = {line.split(":")[0] for line in (tmp_path / "etc/passwd").read_text().splitlines()}
    assert {"stillroom-keeper", "stillroom-eye", "stillroom-courier", "stillroom-site"} <= names
    groups = {line.split(":")[0] for line in (tmp_path / "etc/group").read_text().splitlines()}
    wanted = {*values("eye", "SupplementaryGroups"), *values("keeper", "SupplementaryGroups"), "stillroom"}
    assert wanted <= groups


@pytest.fixture
def started(live: LiveSite) -> Iterator[list[Service]]:
    """Whatever a test starts, to be ended with it."""
    services: list[Service] = []
    yield services
    for service in services:
        print(service.log)
        service.close()


def hand_over(folder: Path, *files: Path) -> Path:
    """Move keys to where systemd would put them: nothing is left where a laptop has them."""
    folder.mkdir(mode=0o700)
    for path in files:
        shutil.move(path, folder / path.name)
        (folder / path.name).chmod(0o440)  # as the mask of an ACL looks
    return folder


def test_each_command_line_starts_and_says_that_it_is_ready(live: LiveSite, started: list[Service]):
    """All five, with keys from systemd, until each has got on with its work; then each stops in order."""
    unit = live.add_unit().folder
    live.broker.start()

    def service(name: str, home: Path, *keys: Path) -> Service:
        one = Service(name, live.folder, home)
        started.append(one)
        if name == "eye":
            one.more = ["--camera", "stillroom_tools.lab.simulated:open_camera"]
        if name == "board":
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                one.environment["STILLROOM_LISTEN"] = f"127.0.0.1:{probe.getsockname()[1]}"
        one.start(hand_over(live.folder / f"{name}.keys", *keys) if keys else None)
        return one

    gateway = service("gateway", live.site, live.site / "gateway" / "gateway-key.pem")
    board = service("board", live.site, live.site / "board" / "board-key.pem")
    keeper = service("keeper", unit, unit / "keys" / "unit.key")
    keeper.says("READY=1")
    courier = service("courier", unit, unit / "tls" / "unit-key.pem")
    courier.says("READY=1")
    until(lambda: (unit / "run" / "eye.start").exists(), "the start signal")
    eye = service("eye", unit)
    eye.says("READY=1")
    for one in (gateway, board, keeper, courier, eye):
        one.says("WATCHDOG=1")
        assert one.name in {"courier", "eye"} or "READY=1" in one.said
    codes = {keeper.name: keeper.end()}
    codes |= {one.name: one.end(0) for one in (courier, eye)}  # by themselves
    codes |= {one.name: one.end() for one in (board, gateway)}
    assert codes.pop("eye") in {0, -signal.SIGALRM}, "told, or by the kernel where it was slow to obey"
    assert set(codes.values()) == {0}, codes
    assert "STOPPING=1" in keeper.said + keeper.listen()


def test_place_unit_names_all_that_is_secret_in_the_folder_it_took(tmp_path: Path) -> None:
    secret = ("keys/unit.key", "keys/next.key", "state/before.key", "tls/unit-key.pem", "tls/broker-password")
    folder = tmp_path / "a unit"
    for name in (*secret, "tls/unit.pem", "trust/roster.note", "unit.toml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    _, _, tail = (UNITS / "place-unit").read_text().partition("\nsecret=()\n")
    command = ["bash", "-euo", "pipefail", "-c", f"from=$1\nsecret=()\n{tail}", "-", str(folder)]
    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    named = shlex.split(said.partition("shred -u ")[2])
    assert sorted(named) == sorted(str(folder / name) for name in secret)
