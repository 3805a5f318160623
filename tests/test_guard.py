"""Each guard by itself: an attempt that succeeds without it and fails with it. Own processes, a real kernel."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stillroom import guard, guard_files
from stillroom.errors import SetupError
from stillroom.link import Held
from tests.patience import WITHIN_S

ROOT = os.getuid() == 0
NOBODY = 65_534
BEGIN = """
import ctypes, os, resource, signal, socket, subprocess, sys, threading
from pathlib import Path
from stillroom import guard, guard_calls, guard_files, guard_filter
libc, folder = ctypes.CDLL(None, use_errno=True), Path(sys.argv[1])
def checked(code):
    if code < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
def refuse(group):
    guard.no_new_privileges()
    guard_filter.install(group)
def reach(**allowed):
    guard.no_new_privileges()
    guard_files.restrict(guard_files.Files(**allowed))
if len(sys.argv) > 2:
    os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
libc.prctl(4, 1)  # as a program that somebody has just started
resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
"""
END = """
try:
    attempt()
except OSError as error:
    sys.exit(type(error).__name__)
print("done", flush=True)
"""
SYSTEM_CALL = "SIGSYS"


@dataclass(frozen=True)
class Attempt:
    """`code` defines attempt(); `guarded` puts one guard in place; `wanted`: the error or signal it then ends in."""

    name: str
    code: str
    guarded: str
    wanted: str


def _one(body: str) -> str:
    return f"def attempt():\n    {body}\n"


_DEVICE = "os.read(os.open(folder / 'video0', os.O_RDONLY), 1)"
ATTEMPTS = [
    Attempt("network", _one("socket.socket()"), "refuse(guard_calls.families(1))", "OSError"),
    Attempt("network v6", _one("socket.socket(10)"), "refuse(guard_calls.families(1))", "OSError"),
    Attempt("netlink", _one("socket.socket(16, 3)"), "refuse(guard_calls.families(1))", "OSError"),
    Attempt("any socket", _one("socket.socketpair()"), "refuse(guard_calls.NO_SOCKETS)", "PermissionError"),
    Attempt("keeper's door", _one("socket.socket(1)"), "refuse(guard_calls.families(2, 10))", "OSError"),
    Attempt(
        "descriptor handed over",
        "one, other = socket.socketpair()\n" + _one("socket.send_fds(one, [b'x'], [0])"),
        "refuse(guard_calls.NO_DESCRIPTORS)",
        "PermissionError",
    ),
    Attempt("fork", _one("os.fork() or os._exit(0)"), "refuse(guard_calls.PROCESSES)", "PermissionError"),
    Attempt(
        "helper", _one("subprocess.run(['/bin/true'])"), "refuse(guard_calls.PROCESSES)", "PermissionError"
    ),
    Attempt(
        "exec",
        _one("os.execv('/bin/echo', ['echo', 'done'])"),
        "refuse(guard_calls.PROGRAMS)",
        SYSTEM_CALL,
    ),
    Attempt(
        "exec (files)",
        _one("os.execv('/bin/echo', ['echo', 'done'])"),
        "reach()",
        "PermissionError",
    ),
    Attempt(
        "read another's memory",
        _one("checked(libc.process_vm_readv(os.getpid(), None, 0, None, 0, 0))"),
        "refuse(guard_calls.OTHERS)",
        SYSTEM_CALL,
    ),
    Attempt(
        "be dumpable again",
        _one("checked(libc.prctl(4, 1, 0, 0, 0))"),
        "refuse(guard_calls.OWN_GUARDS)",
        SYSTEM_CALL,
    ),
    Attempt(
        "core files again",
        _one("checked(libc.prlimit(0, 4, (ctypes.c_uint64 * 2)(9, 9), None))"),
        "refuse(guard_calls.OWN_GUARDS)",
        "PermissionError",
    ),
    Attempt(
        "past the filter",
        _one("checked(libc.syscall(425, 1, ctypes.byref(ctypes.create_string_buffer(120))))"),
        "refuse(guard_calls.PAST_THE_FILTER)",
        "OSError",
    ),
    Attempt(
        "memory that stays",
        _one("i = libc.shmget(0, 4096, 0o1600); checked(i); libc.shmctl(i, 0, None)"),
        "refuse(guard_calls.OUTLASTS)",
        "PermissionError",
    ),
    Attempt("mount", _one("checked(libc.unshare(0))"), "refuse(guard_calls.MACHINE)", SYSTEM_CALL),
    Attempt(
        "write a file",
        _one("(folder / 'new').write_text('x')"),
        "refuse(guard_calls.NO_WRITING)",
        "PermissionError",
    ),
    Attempt(
        "write to a file that is there",
        _one("os.open(folder / 'there', os.O_RDWR)"),
        "refuse(guard_calls.NO_WRITING)",
        "PermissionError",
    ),
    Attempt(
        "write a file beside a camera",
        _one("(folder / 'new').write_text('x')"),
        "refuse(guard_calls.NO_NEW_FILES)",
        "PermissionError",
    ),
    Attempt(
        "write a name", _one("(folder / 'name').mkdir()"), "refuse(guard_calls.NO_WRITING)", "PermissionError"
    ),
    Attempt(
        "write an attribute",
        _one("os.setxattr(folder / 'there', 'user.x', b'x')"),
        "refuse(guard_calls.NO_WRITING)",
        "PermissionError",
    ),
    Attempt("write a file (files)", _one("(folder / 'new').write_text('x')"), "reach()", "PermissionError"),
    Attempt(
        "write elsewhere (files)",
        _one("(folder / 'new').write_text('x')"),
        "reach(read=(folder,), write=(folder / 'state',))",
        "PermissionError",
    ),
    Attempt(
        "key file",
        _one("(folder / 'keys' / 'unit.key').read_bytes()"),
        "reach(read=(folder,), hidden=(folder / 'keys',))",
        "PermissionError",
    ),
    Attempt("camera", _one(_DEVICE), "reach()", "PermissionError"),
    Attempt(
        "camera, to drive it",
        _one("os.open(folder / 'video0', os.O_RDWR)"),
        "refuse(guard_calls.NO_WRITING)",
        "PermissionError",
    ),
    Attempt("signal to another", _one("os.kill(os.getppid(), 0)"), "reach()", "PermissionError"),
]
NEEDS_LANDLOCK = "reach("


def run(code: str, folder: Path, user: int | None = None) -> "subprocess.CompletedProcess[str]":
    """`user`: whom it becomes once its Python has started, which may lie where only root can read."""
    command = [sys.executable, "-B", "-c", code, str(folder), *([str(user)] if user is not None else [])]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=WITHIN_S, cwd=folder)


def ended(done: "subprocess.CompletedProcess[str]") -> str:
    """`done`, the class of the error, or the name of the signal."""
    if done.returncode < 0:
        return signal.Signals(-done.returncode).name
    return done.stdout.strip() or done.stderr.strip()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Everybody may write here; a stand-in for a camera's node, a key, a file, a state folder."""
    made = Path(tempfile.mkdtemp(prefix="sr-guard-", dir="/tmp"))
    made.chmod(0o777)
    for name in ("keys", "state"):
        (made / name).mkdir()
    (made / "keys" / "unit.key").write_text("secret")
    (made / "there").write_text("x")
    if ROOT:
        os.mknod(made / "video0", 0o600 | 0o020_000, os.makedev(1, 5))
    else:
        (made / "video0").write_text("x")
    yield made
    shutil.rmtree(made)


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda a: a.name)
def test_one_guard_alone(folder, attempt):
    if NEEDS_LANDLOCK in attempt.guarded:
        needs = 6 if attempt.name.startswith("signal") else 1
        if guard_files.version() < needs:
            pytest.skip(f"this kernel has no Landlock {needs}")
    without = run(BEGIN + attempt.code + END, folder)
    (folder / "name").rmdir() if (folder / "name").exists() else None
    assert ended(without) == "done", without.stderr
    with_it = run(BEGIN + attempt.code + attempt.guarded + "\n" + END, folder)
    assert ended(with_it) == attempt.wanted, with_it.stderr


@pytest.mark.parametrize("attempt", ["no_core", "undumpable"])
def test_core_dump(folder, attempt):
    def dumped(guarded: str) -> bool:
        child = subprocess.Popen(
            [sys.executable, "-B", "-c", BEGIN + guarded + "\nprint(1, flush=True); os.abort()", str(folder)],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        _, status = os.waitpid(child.pid, 0)
        said = child.stdout.read()
        child.returncode = 0
        assert said == b"1\n", child.stderr.read()
        return os.WCOREDUMP(status)

    if not dumped(""):
        pytest.skip("this machine dumps nobody's core (/proc/sys/kernel/core_pattern, ulimit -Hc)")
    assert not dumped(f"guard.{attempt}()")


LOOKED_AT = (
    BEGIN
    + """
{guarded}
secret = b"a secret of " + str(os.getpid()).encode()
print(id(secret), len(secret), flush=True)
sys.stdin.read()
"""
)
LOOKER = (
    BEGIN
    + """
pid, address, size = map(int, sys.argv[3:])
try:
    with open(f"/proc/{pid}/mem", "rb") as memory:
        memory.seek(address)
        print("done" if b"a secret of" in memory.read(size + 64) else "nothing")
except OSError as error:
    print(type(error).__name__)
"""
)
TRACER = (
    BEGIN
    + """
pid = int(sys.argv[3])
if libc.ptrace(16, pid, None, None):
    print(os.strerror(ctypes.get_errno()))
else:
    os.waitpid(pid, 0x40000000); libc.ptrace(17, pid, None, None); print("done")
"""
)


@pytest.mark.parametrize("way", ["memory", "ptrace"])
def test_the_same_user_looks_into_a_process(folder, way):
    user = str(NOBODY if ROOT else os.getuid())
    looker = LOOKER if way == "memory" else TRACER
    if not ROOT:
        looker = looker.replace("os.setgroups([]);", "")

    def seen(guarded: str) -> str:
        code = LOOKED_AT.format(guarded=guarded)
        command = [sys.executable, "-B", "-c", code if ROOT else code.replace("os.setgroups([]);", "")]
        with subprocess.Popen(
            [*command, str(folder), user],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
        ) as child:
            address, size = child.stdout.readline().split()
            done = subprocess.run(
                [sys.executable, "-B", "-c", looker, str(folder), user, str(child.pid), address, size],
                capture_output=True, text=True, cwd=folder, check=False,
            )  # fmt: skip
            child.stdin.close()
        return done.stdout.strip() or done.stderr

    if seen("") != "done":
        pytest.skip("this machine lets no user look into his own processes (yama)")
    assert seen("guard.undumpable()") in {"PermissionError", "Operation not permitted"}


def test_new_privileges(folder):
    if not ROOT:
        pytest.skip("only root can make the setuid program that this needs")
    program = folder / "id"
    shutil.copy("/usr/bin/id", program)
    program.chmod(0o4755)
    code = BEGIN + "{}\nprint(os.geteuid(), flush=True); os.execv(folder / 'id', ['id', '-u'])"
    assert run(code.format(""), folder, NOBODY).stdout.split() == [str(NOBODY), "0"]
    kept = run(code.format("guard.no_new_privileges()"), folder, NOBODY)
    assert kept.stdout.split() == [str(NOBODY), str(NOBODY)], kept.stderr


ORDINARY = "mmap.mmap(-1, 8 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)"
GRID = "locked_arrays([((8 << 20,), numpy.uint8)])[0].data"
"""What holds the picture's cells, without any other guard."""
SWAPPED = (
    BEGIN
    + f"""
import mmap, numpy
from stillroom.locked import locked_arrays
{{guarded}}
block = {ORDINARY}
place = ctypes.addressof(ctypes.c_char.from_buffer(block))
for at in range(0, 8 << 20, 4096):
    block[at:at + 8] = at.to_bytes(8, "big")
libc.madvise(ctypes.c_void_p(place), ctypes.c_size_t(8 << 20), 21)  # MADV_PAGEOUT: have it swapped out now
swapped = next(l for l in open("/proc/self/status") if l.startswith("VmSwap"))
print(int(swapped.split()[1]), flush=True)
"""
)


def test_swap(folder, swap_file):
    assert int(run(SWAPPED.format(guarded=""), folder).stdout) > 4096
    locked = run(SWAPPED.format(guarded="assert guard.lock_all()"), folder)
    assert int(locked.stdout) == 0, locked.stderr
    assert str(swap_file) in guard._swap() and "swapoff" in guard._swap()
    grid = run(SWAPPED.format(guarded="").replace(ORDINARY, GRID), folder)
    assert int(grid.stdout) < 4096, grid.stderr


def test_a_device_that_is_named_can_be_driven_and_no_other(folder):
    """Pins and cameras are driven by ioctl, which Landlock 5 knows apart from reading and writing."""
    if guard_files.version() < 5 or not ROOT:
        pytest.skip("this needs Landlock 5 and root, who makes the device's node")
    code = (
        BEGIN
        + "import fcntl, errno\nreach({})\ntry:\n    fcntl.ioctl(os.open(folder / 'video0', {}), 0x5401)\n"
    )
    code += "except OSError as error:\n    print(errno.errorcode[error.errno])"
    # ENOTTY is the device's own answer: it was asked.
    assert run(code.format("devices=(folder / 'video0',)", "os.O_RDWR"), folder).stdout == "ENOTTY\n"
    assert run(code.format("write=(folder,)", "os.O_RDWR"), folder).stdout == "EACCES\n"
    assert run(code.format("read=(folder,)", "os.O_RDONLY"), folder).stdout == "EACCES\n"


def test_the_filter_lets_threads_live(folder):
    code = (
        BEGIN
        + """
refuse(guard_calls.AT_START["eye"]); refuse(guard_calls.NO_SOCKETS)
import numpy
found = []
thread = threading.Thread(target=lambda: found.append(float(numpy.ones((64, 64)).sum())))
thread.start(); thread.join()
assert found == [4096.0]
print("done")
"""
    )
    assert ended(run(code, folder)) == "done"


def rows(missing: str = "") -> tuple[Held, ...]:
    return tuple(Held(name, name != missing, "because") for name in (*guard.REQUIRED, "files"))


def test_care_wants_all_but_landlock():
    guard.insist("eye", rows())
    guard.insist("eye", rows("files"))
    for name in guard.REQUIRED:
        with pytest.raises(
            SetupError, match=f"eye: profile 'care' needs the guard '{name}': because"
        ) as found:
            guard.insist("eye", rows(name))
        assert found.value.exit_code == 9 and "\n" not in str(found.value)


def test_swap_is_refused_with_what_to_do(monkeypatch, tmp_path):
    swaps = tmp_path / "swaps"
    monkeypatch.setattr(guard, "_SWAPS", swaps)
    assert "nobody knows" in guard._swap()
    swaps.write_text("Filename Type Size Used Priority\n")
    assert guard._swap() == ""
    swaps.write_text("Filename Type Size Used Priority\n/var/swap file 102396 0 -2\n")
    assert "/var/swap" in guard._swap() and "swapoff -a" in guard._swap()
    assert [row.held for row in guard.here() if row.name == "no-swap"] == [False]


def test_what_is_hidden_is_left_out_of_every_folder(tmp_path):
    for name in ("keys/old", "lib", "tls"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "keys")
    found = set(guard_files._apart([tmp_path], [tmp_path / "keys"]))
    assert found == {tmp_path / "lib", tmp_path / "tls"}
    assert set(guard_files._apart([tmp_path / "keys" / "old"], [tmp_path / "keys"])) == set()
    assert set(guard_files._apart([tmp_path / "lib"], [tmp_path / "keys"])) == {tmp_path / "lib"}
    assert set(guard_files._apart([tmp_path / "link"], [tmp_path / "keys"])) == set()
