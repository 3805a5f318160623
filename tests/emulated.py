"""A Debian of another processor in a folder: whole packages are installed in it, and whatever they start is emulated.

Each command runs in namespaces of its own, where the kernel is told to hand that processor's programs to QEMU; this
machine is told nothing (binfmt_misc is a namespace's own since Linux 6.7). Needs root; makes no
device, and no mount that outlives the command.

    python -m tests.emulated ROOT COMMAND...
"""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import machines

_EMULATOR = "qemu-aarch64-static"
_NEW_USER, _NEW_MOUNTS = 0x10000000, 0x00020000
_RULES = "/proc/sys/fs/binfmt_misc"
_MAGIC = rb"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
_MASK = rb"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
"""The head of a program of aarch64, and which of its bits count (`qemu-binfmt-conf.sh`)."""
_FOUND = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
_WITHIN_S = 1200.0
_CONFIGURE = """set -e
touch /var/lib/dpkg/status
printf 'root:x:0:0:root:/root:/bin/sh\\n' >/etc/passwd
options='--force-depends --force-unsafe-io --install'
dpkg $options /var/cache/apt/archives/base-passwd*.deb /var/cache/apt/archives/base-files*.deb
dpkg $options /var/cache/apt/archives/*.deb || dpkg --force-unsafe-io --configure -a
"""


class Emulated:
    """Debian 12 for arm64, its packages configured."""

    def __init__(self, root: Path) -> None:
        """Skips by name where it cannot be had."""
        machines.need("debootstrap", _EMULATOR, "dpkg-deb")
        self.root = machines.bootstrap(
            root, "--arch=arm64", "--foreign", "--include=python3,systemd,libstdc++6"
        )
        for name in ("proc", "dev"):
            (root / name).mkdir(exist_ok=True)
        (root / "configure.sh").write_text(_CONFIGURE)
        if self.run("true").returncode == _NO_NAMESPACE:
            pytest.skip("this kernel emulates for all of the machine or not at all (Linux 6.7 and newer can)")
        self.must("sh", "/configure.sh")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tests.emulated", self.root, *command],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_WITHIN_S,
            check=False,
        )

    def must(self, *command: str) -> str:
        done = self.run(*command)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout


_NO_NAMESPACE = 77


def main(root: str, command: list[str]) -> int:
    """The command's own exit code."""
    ready, mapped = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _enter(root, ready[1], mapped[0])
            os.execvpe(command[0], command, _FOUND)
        except (OSError, subprocess.CalledProcessError) as error:
            print(error, file=sys.stderr)
        os._exit(_NO_NAMESPACE)
    os.read(ready[0], 1)
    for name in ("uid_map", "gid_map"):
        Path(f"/proc/{child}/{name}").write_text("0 0 65536")
    os.write(mapped[1], b"m")
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _enter(root: str, ready: int, mapped: int) -> None:
    """Raises OSError, CalledProcessError: this kernel cannot."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_USER | _NEW_MOUNTS):
        raise OSError(ctypes.get_errno(), "unshare")
    os.write(ready, b"r")
    os.read(mapped, 1)
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", _RULES], check=True)
    emulator = f"/usr/bin/{_EMULATOR}".encode()
    Path(_RULES, "register").write_bytes(b":arm:M::" + _MAGIC + b":" + _MASK + b":" + emulator + b":F")
    for name in ("proc", "dev"):
        subprocess.run(["mount", "--rbind", f"/{name}", f"{root}/{name}"], check=True)
    os.chroot(root)
    os.chdir("/")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2:]))
