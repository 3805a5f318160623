"""The two commands on a machine that has nothing: a minimal Debian 12, as root, as a user with sudo, as one without.

A development machine hides what breaks there. Needs root, debootstrap and this machine's way to Debian's packages
and PyPI; skips by name without. Everything lies in a temporary folder and in namespaces that end with the test.
"""

import json
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
NOT_COPIED = shutil.ignore_patterns(
    ".venv", ".git", ".cache", "*.so", "__pycache__", ".*_cache", ".hypothesis"
)
USER = "nurse"
PLACE = Path("home", USER, "stillroom")
CERTIFICATES = "/opt/certificates.pem"
"""Those that this machine believes; not where Debian's own package would overwrite them."""
SETUP_LIMIT_S = 900

pytestmark = [pytest.mark.long, pytest.mark.timeout(2 * SETUP_LIMIT_S)]

ENTER = """
mount -t proc proc "$0/proc"
mount --rbind /dev "$0/dev"
user=$1
shift
exec chroot --userspec="$user" "$0" "$@"
"""
LOOPBACK_UP = "import fcntl,socket,struct as s;fcntl.ioctl(socket.socket(),0x8914,s.pack('16sH14x',b'lo',65))"


@dataclass(frozen=True)
class Machine:
    """A root folder with a Debian in it and the repository in its user's home."""

    root: Path

    def run(self, user: str, command: str, *, network: bool = True) -> subprocess.CompletedProcess[str]:
        """A shell command in the repository's folder, without a terminal, in an almost empty environment."""
        home = "/root" if user == "root" else f"/home/{USER}"
        system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        path = system if user == "root" else "/usr/local/bin:/usr/bin:/bin"
        inside = [
            "env",
            "-i",
            f"PATH={path}",
            f"HOME={home}",
            "LANG=C.UTF-8",
            f"PIP_CERT={CERTIFICATES}",
            "bash",
            "-c",
            f"cd /{PLACE} && {command}",
        ]
        apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", *([] if network else ["--net"])]
        script = ENTER if network else f'python3 -c "{LOOPBACK_UP}"\n{ENTER}'
        return subprocess.run(
            [*apart, "bash", "-ec", script, str(self.root), user, *inside],
            env={"PATH": system},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SETUP_LIMIT_S,
            check=False,
        )

    def must(self, user: str, command: str) -> None:
        done = self.run(user, command)
        assert done.returncode == 0, done.stdout + done.stderr


def must_succeed(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{command[0]} does not work here: {(done.stderr or done.stdout).strip()[-200:]}")


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """As debootstrap leaves it, and the repository. Tests must not install anything here."""
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        pytest.skip("a fresh Debian needs root and debootstrap")
    must_succeed("unshare", "--mount", "--pid", "--net", "--fork", "true")
    root = tmp_path_factory.mktemp("debian") / "root"
    must_succeed("debootstrap", "--variant=minbase", "bookworm", root)
    for way in ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf"):
        if Path(way).is_file():
            shutil.copyfile(way, root / way.lstrip("/"))
    shutil.copyfile(ssl.get_default_verify_paths().cafile or "/dev/null", root / CERTIFICATES.lstrip("/"))
    must_succeed("chroot", root, "useradd", "--create-home", "--shell", "/bin/bash", USER)
    shutil.copytree(REPOSITORY, root / PLACE, ignore=NOT_COPIED, dirs_exist_ok=True)
    must_succeed("chroot", root, "chown", "--recursive", f"{USER}:", f"/{PLACE}")
    yield Machine(root)
    shutil.rmtree(root)


@pytest.fixture
def machine(debian: Machine, tmp_path: Path) -> Iterator[Machine]:
    """A copy, to install on."""
    root = tmp_path / "root"
    subprocess.run(["cp", "--archive", debian.root, root], check=True)
    yield Machine(root)
    shutil.rmtree(root)


def services_started_at_boot(root: Path) -> list[str]:
    folders = [*root.glob("etc/systemd/system/*.wants/mosquitto*"), *root.glob("etc/rc?.d/S*mosquitto")]
    return [str(path) for path in folders]


def assert_the_demo_delivers(machine: Machine, user: str, *, network: bool) -> None:
    done = machine.run(user, "tools/demo --rooms 1 --seconds 15 --headless --json", network=network)
    assert done.returncode == 0, done.stderr
    opened = [json.loads(line) for line in done.stdout.splitlines()]
    assert any(line["event"]["type"] == "gate" and line["event"]["gate"] == "open" for line in opened)
    assert "none lost" in done.stderr.splitlines()[-1]


def test_as_root(machine: Machine) -> None:
    lost = machine.run("root", "tools/setup", network=False)
    assert lost.returncode == 9
    assert "Temporary failure resolving" in lost.stderr.splitlines()[-1]

    done = machine.run("root", "tools/setup")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert [line[:5] for line in done.stderr.splitlines()] == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"]
    assert not list((machine.root / "usr/sbin").glob("policy-rc.d*"))
    assert services_started_at_boot(machine.root) == []

    again = machine.run("root", "tools/setup", network=False)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert_the_demo_delivers(machine, "root", network=False)

    python = machine.root / PLACE / ".venv/bin/python3"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    healed = machine.run("root", "tools/setup")
    assert healed.returncode == 0, healed.stderr


def test_as_a_user_with_sudo(machine: Machine) -> None:
    machine.must("root", "apt-get update -q && apt-get install -yq --no-install-recommends sudo")
    (machine.root / "etc/sudoers.d/nurse").write_text(f"{USER} ALL=(ALL) NOPASSWD: ALL\n")
    policy = machine.root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\n# somebody's own\nexit 0\n")
    policy.chmod(0o755)

    assert_the_demo_delivers(machine, USER, network=True)
    assert policy.read_text() == "#!/bin/sh\n# somebody's own\nexit 0\n"
    assert_the_demo_delivers(machine, USER, network=False)


@pytest.mark.parametrize("command", ["tools/setup", "tools/demo --json", "tools/test"])
def test_without_root_or_sudo_it_says_what_is_missing(debian: Machine, command: str) -> None:
    done = debian.run(USER, command)
    assert done.returncode == 9
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "apt-get install --no-install-recommends python3" in done.stderr
