"""The three processes as they are started: whoever has taken one over tries what it must not be able to do."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stillroom import cli, config, guard, guard_files, status
from stillroom.link import EYE_START
from stillroom.run import Supervisor
from stillroom_tools.lab.take_over import WORK, take_over
from tests.patience import WITHIN_S
from tests.rig import run as command

SHARED = {
    "network": "lambda: socket.socket()",
    "netlink": "lambda: socket.socket(16, 3)",
    "fork": "lambda: os.fork() or os._exit(0)",
    "helper": "lambda: subprocess.run(['/bin/true'])",
    "write beside": "lambda: write('tls')",
    "write /dev/shm": "lambda: Path('/dev/shm/sr-attack').write_text('x')",
    "write /tmp": "lambda: Path('/tmp/sr-attack').write_text('x')",
    "write state": "lambda: write('state')",
    "key file": "lambda: (folder / 'keys' / 'unit.key').read_bytes()",
    "other's key": "lambda: (folder.parent / 'site' / 'authority' / 'authority.key').read_bytes()",
    "camera": "lambda: os.read(os.open(folder / 'video0', os.O_RDONLY), 1)",
    "unix socket": "lambda: socket.socket(socket.AF_UNIX)",
    "knock": "lambda: socket.socket(socket.AF_UNIX).connect(str(folder / 'run' / 'eye.sock'))",
    "memory that stays": "lambda: checked(libc.shmget(0, 4096, 0o1600))",
    "core files": "lambda: checked(libc.prlimit(0, 4, (ctypes.c_uint64 * 2)(9, 9), None))",
    "authority": "lambda: (folder / 'unit.toml').open('ab').close()",
    "other authority": "lambda: (write('state'), (folder / 'state' / 'new').rename(folder / 'unit.toml'))",
    "thread": "lambda: (lambda t: (t.start(), t.join()))(threading.Thread(target=int))",
}
MAY = {
    "eye": {"thread"},
    "courier": {"thread", "network"},
    "keeper": {"thread", "write state", "key file", "unix socket"},
}
BY_LANDLOCK = {
    *("key file", "other's key", "camera"),
    *("write beside", "write /dev/shm", "write /tmp", "authority", "other authority"),
}
"""What a kernel without it leaves to the accounts that systemd gives the three; the eye and the courier cannot write
in any case."""
DEADLY = {
    "exec": "lambda: os.execv('/bin/true', ['true'])",
    "trace": "lambda: checked(libc.ptrace(16, os.getppid(), None, None))",
    "dumpable": "lambda: checked(libc.prctl(4, 1, 0, 0, 0))",
}


@pytest.fixture
def unit() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="sr-", dir="/tmp"))
    command("site", "new", folder / "site", "--site", "test", "--no-tls")
    command("make", "unit", folder / "unit", "--site", folder / "site", "--unit", "u-1", "--profile", "lab")
    made = folder / "unit"
    if os.getuid() == 0:
        os.mknod(made / "video0", 0o600 | 0o020_000, os.makedev(1, 5))
    else:
        (made / "video0").write_text("x")
    (made / "run").mkdir()
    yield made
    subprocess.run(["rm", "-r", str(folder)], check=True)


@pytest.mark.parametrize("name", WORK)
def test_who_has_taken_a_process_over_can_do_no_more_than_it_must(unit, name):
    done = take_over(unit, name, SHARED)
    assert done.found, done.said
    could = {attempt for attempt, how in done.found.items() if how == "done"}
    if guard_files.version():
        assert could == MAY[name]
    else:
        read = {"key file", "other's key", "camera"}
        written = BY_LANDLOCK - read if name == "keeper" else set()
        assert could == MAY[name] | read | written
    if name != "keeper":
        assert {row.name for row in done.guards.rows} == {*guard.REQUIRED, "files"}
        assert done.guards.missing in {"none", "files", "no-swap", "no-swap files"}
    assert not Path("/tmp/sr-attack").exists() or not guard_files.version()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make the camera's node that this needs")
def test_an_eye_with_its_own_camera_drives_it_and_writes_nothing_else(unit):
    if not guard_files.version():
        pytest.skip("this kernel has no Landlock")
    path = unit / "unit.toml"
    path.write_text(path.read_text().replace('[camera]\nkind = "simulated"', '[camera]\nkind = "picamera2"'))
    assert config.load(path).camera.kind == config.OWN_CAMERA
    node, other = Path("/dev/video-stillroom-test"), Path("/dev/stillroom-test")
    attempts = {
        "the camera": f"lambda: os.open('{node}', os.O_RDWR)",
        "another device": f"lambda: os.open('{other}', os.O_RDWR)",
        "a file that is there": "lambda: os.open(folder / 'unit.toml', os.O_RDWR)",
        "a file of the system's": "lambda: os.open('/etc/hostname', os.O_RDWR)",
        "new file": "lambda: write()",
        "authority": "lambda: (folder / 'unit.toml').open('ab').close()",
        "other authority": "lambda: (folder / 'mine.toml').rename(folder / 'unit.toml')",
        "key file": "lambda: (folder / 'keys' / 'unit.key').read_bytes()",
        "network": "lambda: socket.socket()",
    }
    try:
        for made in (node, other):
            os.mknod(made, 0o600 | 0o020_000, os.makedev(1, 5))
        done = take_over(unit, "eye", attempts)
    finally:
        for made in (node, other):
            made.unlink(missing_ok=True)
    assert {attempt for attempt, how in done.found.items() if how == "done"} == {"the camera"}, done.said
    assert done.guards.missing in {"none", "no-swap"}


@pytest.mark.parametrize("name", WORK)
@pytest.mark.parametrize("attempt", DEADLY)
def test_what_only_an_attacker_asks_for_ends_the_process(unit, name, attempt):
    done = take_over(unit, name, {attempt: DEADLY[attempt]})
    assert done.exit_code == -signal.SIGSYS, done.said


@pytest.mark.parametrize("name", WORK)
def test_care_does_not_start_without_a_guard_and_says_what_to_do(unit, name):
    path = unit / "unit.toml"
    text = (
        path.read_text()
        .replace('profile = "lab"', 'profile = "care"')
        .replace("tls = false", "tls = true")
        .replace('kind = "file"', 'kind = "gpio"')
    )
    path.write_text(text)
    code = (
        "import sys; from pathlib import Path; from stillroom import cli, guard\n"
        "guard._SWAPS = Path(sys.argv[1]) / 'swaps'; guard.lock_all = lambda: False\n"
        f"sys.exit(cli.main(['{name}', '--config', sys.argv[1] + '/unit.toml']))"
    )
    (unit / "swaps").write_text("Filename Type\n/dev/zram0 partition\n")
    done = subprocess.run(
        [sys.executable, "-c", code, str(unit)], capture_output=True, text=True, check=False, timeout=WITHIN_S
    )
    assert done.returncode == 9
    assert done.stderr.count("\n") == 1
    for part in (name, "no-swap", "/dev/zram0", "swapoff -a", "LimitMEMLOCK"):
        assert part in done.stderr
    assert not list((unit / "state").iterdir()), "nothing was begun"


def test_an_eye_that_disarms_its_own_lease_is_ended_from_outside(tmp_path):
    supervisor = Supervisor(tmp_path / "unit.toml", tmp_path / EYE_START, "")
    (tmp_path / EYE_START).touch()
    child = supervisor._eye
    child._command = [sys.executable, "-c", "import signal; signal.pause()"]
    supervisor._mind_the_eye(10.0)
    assert child.pid is not None
    supervisor._mind_the_eye(20.0)
    (tmp_path / EYE_START).unlink()
    supervisor._mind_the_eye(20.8)
    assert child.ended(20.8) is None
    supervisor._mind_the_eye(21.0)
    assert child._process is not None and child._process.wait(10) == -signal.SIGKILL


def test_check_says_what_this_machine_can_enforce(unit, capsys):
    assert cli.main(["check", str(unit / "unit.toml")]) == 0
    said = capsys.readouterr().out
    for row in guard.here():
        assert f"guard {row.name}: {'here' if row.held else 'not here'}" in said
    holds = {"undumpable": status.HOLDS, "no-swap": "swap is on"}
    running = status.Status(unit="u-1", guards={"keeper": {"undumpable": status.HOLDS}, "eye": holds})
    status.write(unit / "run", running)
    assert cli.main(["check", str(unit / "unit.toml")]) == 0
    said = capsys.readouterr().out
    assert "running keeper: all its guards hold" in said
    assert "running eye: without no-swap (swap is on)" in said
