"""What is shipped: wheels of both machines, Debian packages on a fresh Debian, booted with systemd, and purged."""

import hashlib
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import machines
from tests.live import CANARY, LiveSite, until
from tests.machines import Machine

REPOSITORY = Path(__file__).parents[1]
MOST_MB = 160
BUILT_WITHIN_S = 900.0
SYSTEM = "--include=systemd,systemd-sysv,dbus,python3,libstdc++6"
LAB_EYE = """[Service]
ExecStart=
ExecStart=/usr/lib/stillroom/bin/stillroom eye --config /var/lib/stillroom/unit.toml --keeper-user stillroom-keeper \
--camera {camera}
"""
pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


def package(root: Path, *what: str) -> Path:
    """`tools/package`; the path of what it has made."""
    done = subprocess.run(
        [root / "tools" / "package", *what],
        capture_output=True,
        text=True,
        timeout=BUILT_WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return root / done.stdout.strip()


def copied(to: Path) -> Path:
    """What the repository holds, at another place, with this environment."""
    names = ["LICENSE", "SECURITY.md", "README.md", "MANIFEST.in", "pyproject.toml"]
    to.mkdir()
    for name in names:
        shutil.copy(REPOSITORY / name, to / name)
    for name in ("native", "runtime", "config", "tools", "systemd"):
        shutil.copytree(REPOSITORY / name, to / name, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    (to / ".venv").symlink_to(REPOSITORY / ".venv")
    return to


def test_two_builds_of_one_commit_are_one_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    wheels = [package(copied(tmp_path / name), "wheel") for name in ("one", "another-place")]
    assert wheels[0].name == wheels[1].name
    hashes = {hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels}
    assert len(hashes) == 1
    for where in (tmp_path, REPOSITORY, sys.base_prefix):
        assert str(where).encode() not in unpacked(wheels[0], tmp_path / "unpacked"), "a path of this machine"


def unpacked(wheel: Path, to: Path) -> bytes:
    """The compiled core in a wheel."""
    shutil.unpack_archive(wheel, to, "zip")
    return (to / "stillroom" / "_native.abi3.so").read_bytes()


SELF_TEST = """
import hashlib, sys
import numpy as np
from stillroom.eye.distil import Grid, distil
from stillroom.eye.frame import Frame
random = np.random.default_rng(7)
planes = [random.integers(0, 256, size, np.uint8) for size in ((480, 640), (240, 320), (240, 320))]
grid, before, found = Grid(640, 480), None, hashlib.sha256()
for number in range(3):
    distil(Frame(*(np.roll(plane, number, 1) for plane in planes), number), before, None, grid)
    before = grid.y.copy()
    for name in ("y", "u", "v", "moved", "clipped", "histogram"):
        found.update(np.ascontiguousarray(getattr(grid, name)).tobytes())
print(found.hexdigest())
"""


def test_the_wheel_for_aarch64_is_imported_there_and_does_the_same(tmp_path: Path):
    """Python and libraries of Debian's arm64, only unpacked, run by qemu; NumPy and cffi from its wheels."""
    machines.need("debootstrap", "qemu-aarch64", "dpkg-deb")
    wheel = package(REPOSITORY, "wheel", "aarch64")
    root = machines.bootstrap(tmp_path / "arm", "--arch=arm64", "--foreign", "--include=python3")
    for deb in (root / "var/cache/apt/archives").glob("*.deb"):
        subprocess.run(["dpkg-deb", "--extract", deb, root], check=True)
    packages = root / "packages"
    asked = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--target", packages]
    asked += [
        "--only-binary=:all:",
        "--implementation=cp",
        "--python-version=3.11",
        "--abi=cp311",
        "--abi=abi3",
    ]
    asked += ["--abi=none", "--platform=manylinux_2_17_aarch64", "--platform=manylinux_2_28_aarch64"]
    asked += [
        "--platform=manylinux_2_27_aarch64",
        "--platform=manylinux_2_26_aarch64",
        "--platform=linux_aarch64",
    ]
    subprocess.run([*asked, wheel, "numpy<2"], check=True, timeout=BUILT_WITHIN_S)
    far = ["qemu-aarch64", "-L", root, "-E", f"PYTHONPATH={packages}", root / "usr/bin/python3.11", "-c"]
    there = subprocess.run([*far, SELF_TEST], capture_output=True, text=True, timeout=600, check=False)
    assert there.returncode == 0, there.stderr
    here = subprocess.run([sys.executable, "-c", SELF_TEST], capture_output=True, text=True, check=True)
    assert there.stdout == here.stdout and len(here.stdout.strip()) == 64


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """As debootstrap leaves it. Tests must not install anything here."""
    machines.need("debootstrap", "systemd-nspawn", "lintian", "nsenter")
    root = machines.bootstrap(tmp_path_factory.mktemp("debian") / "root", SYSTEM)
    yield root
    shutil.rmtree(root)


@pytest.fixture
def machine(debian: Path, tmp_path: Path) -> Iterator[Machine]:
    """A copy, to install on."""
    root = tmp_path / "root"
    subprocess.run(["cp", "--archive", debian, root], check=True)
    yield Machine(root)
    shutil.rmtree(root)


def install(machine: Machine, which: str) -> None:
    """Built, without an error of lintian's, and installed without anything else."""
    deb = package(REPOSITORY, "deb", which)
    said = subprocess.run(["lintian", "--fail-on=error", deb], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout
    shutil.copy(deb, machine.root / "package.deb")
    machine.must("dpkg", "--install", "/package.deb")


def size_mb(folder: Path) -> float:
    """On a disk, whatever its blocks: links counted once."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()) / 1e6


def files_of(machine: Machine) -> set[str]:
    """Below the folders that a package could leave something in."""
    places = ("usr", "etc", "var/lib")
    return {
        str(path.relative_to(machine.root))
        for place in places
        for path in (machine.root / place).rglob("*")
        if "/dpkg" not in str(path) and "/apt/" not in str(path)
    }


def place_unit(machine: Machine, live: LiveSite, camera: str) -> None:
    """The unit of a site on this machine, with a camera of the lab, and the canary's packages for it."""
    unit = live.add_unit().folder
    home = machine.root / "var/lib/stillroom"
    shutil.copytree(
        CANARY / "canary_camera",
        machine.root / "usr/lib/stillroom/lib/python3.11/site-packages/canary_camera",
    )
    text = (unit / "unit.toml").read_text().replace(str(live.folder / "life.toml"), "life.toml")
    (unit / "unit.toml").write_text(text)
    shutil.copytree(unit, machine.root / "root/unit")
    print(machine.must("stillroom-place-unit", "/root/unit"))
    shutil.copy(live.folder / "life.toml", home / "life.toml")
    (home / "life.toml").chmod(0o644)
    drop_in = machine.root / "etc/systemd/system/stillroom-eye.service.d/lab.conf"
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text(LAB_EYE.format(camera=camera))


def test_a_unit_installed_booted_taken_over_and_purged(machine: Machine, live: LiveSite, tmp_path: Path):
    before = files_of(machine)
    install(machine, "unit")
    installed_mb = size_mb(machine.root / "usr/lib/stillroom")
    print(f"installed: {installed_mb:.0f} MB")
    assert installed_mb <= MOST_MB
    assert machine.must("stillroom", "--version").startswith("stillroom ")
    refused = machine.run("stillroom-place-unit", "/nowhere")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (3, 1)
    place_unit(machine, live, "stillroom_tools.lab.simulated:open_camera")
    live.broker.start()
    live.gateway.start()
    with machine.booted(tmp_path / "boot.log"):
        until(lambda: live.has("gate", gate="open"), "the gate's word", 90.0)
        until(lambda: machine.active("stillroom-eye.service"), "an eye that has seen something", 60.0)
        users = {name: machine.user_of(f"stillroom-{name}") for name in ("keeper", "eye", "courier")}
        assert users == {name: f"stillroom-{name}" for name in users}
        assert not (machine.root / "var/lib/stillroom/keys").exists(), "a key in the clear"

        machine.inside("systemctl", "kill", "--kill-whom=main", "--signal=SIGUSR1", "stillroom-keeper")
        until(lambda: machine.pid_of("stillroom-eye") == 0, "the end of the eye")
        until(lambda: machine.active("stillroom-dark.target"), "dark")
        rogue = LAB_EYE.format(camera="canary_camera.rogue:open_camera")
        (machine.root / "etc/systemd/system/stillroom-eye.service.d/lab.conf").write_text(rogue)
        machine.inside("systemctl", "daemon-reload")
        machine.inside("systemctl", "kill", "--kill-whom=main", "--signal=SIGUSR1", "stillroom-keeper")
        until(lambda: machine.active("stillroom-eye.service"), "an eye that arms its own lease", 60.0)
        machine.inside("systemctl", "kill", "--kill-whom=main", "--signal=SIGUSR1", "stillroom-keeper")
        until(lambda: machine.pid_of("stillroom-eye") == 0, "the end of that one too", 10.0)

        machine.inside("systemctl", "kill", "--kill-whom=main", "--signal=SIGKILL", "stillroom-keeper")
        until(lambda: machine.active("stillroom-keeper.service"), "another keeper", 60.0)
        until(lambda: machine.active("stillroom-courier.service"), "another courier", 60.0)
    shutil.rmtree(machine.root / "usr/lib/stillroom/lib/python3.11/site-packages/canary_camera")
    machine.must("dpkg", "--purge", "stillroom-unit")
    left = {name for name in files_of(machine) - before if "stillroom" in name and "/log/" not in name}
    assert left <= {
        "etc/systemd/system/stillroom-eye.service.d",
        "etc/systemd/system/stillroom-eye.service.d/lab.conf",
    }


def test_a_site_installed_and_booted(machine: Machine, live: LiveSite, tmp_path: Path):
    install(machine, "site")
    print(f"installed: {size_mb(machine.root / 'usr/lib/stillroom'):.0f} MB")
    shutil.copytree(live.site, machine.root / "root/site")
    print(machine.must("stillroom-place-site", "/root/site"))
    home = machine.root / "var/lib/stillroom-site"
    assert not (home / "authority/authority.key").exists() and not (home / "ca/ca-key.pem").exists()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    drop_in = machine.root / "etc/systemd/system/stillroom-board.service.d/port.conf"
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text(f"[Service]\nEnvironment=STILLROOM_LISTEN=127.0.0.1:{port}\n")
    live.broker.start()
    unit = live.add_unit()
    shutil.copy(live.site / "units" / f"{unit.name}.note", home / "units" / f"{unit.name}.note")
    machine.must("chown", "--recursive", "stillroom-site:", "/var/lib/stillroom-site/units")
    with machine.booted(tmp_path / "boot.log"):
        for name in ("gateway", "board"):
            until(lambda name=name: machine.active(f"stillroom-{name}.service"), f"a {name}", 90.0)
        unit.start()
        until(
            lambda: unit.status().accepted > 0 and unit.status().waiting == 0,
            "that the gateway has it all",
            90.0,
        )
        with socket.create_connection(("127.0.0.1", port), 10.0) as browser:
            browser.sendall(
                f"GET /login HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
            )
            assert b" 200 OK" in browser.recv(64)
        unit.ask_to_stop()
        unit.wait()
    machine.must("dpkg", "--purge", "stillroom-site")
    assert (home / "site.toml").exists(), "what a site has kept goes with no program"
