"""The C by itself: sanitizers, valgrind, fuzzing, another processor with the same answers, instructions counted."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.patience import WITHIN_S

HERE = Path(__file__).resolve().parent
NATIVE = HERE.parent.parent / "native"
KERNEL = sorted(path for path in NATIVE.glob("*.c") if not path.name.startswith("_"))
FLAGS = ["-std=gnu11", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", f"-I{NATIVE}"]
SANITIZERS = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
LUMA_PX = 640 * 480
PASSES = 10
MOST_INSTRUCTIONS_PER_PX = 3.3

Build = Callable[..., Path]


def needs(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


def run(*command: str | Path, timeout_s: float = 100.0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=timeout_s, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """`build("gcc", flags, sources)`: the program, compiled once."""
    made: dict[str, Path] = {}

    def compile_once(compiler: str, flags: list[str], sources: list[Path]) -> Path:
        key = " ".join([compiler, *flags, *map(str, sources)])
        if key not in made:
            made[key] = tmp_path_factory.mktemp("native") / "program"
            run(needs(compiler), *FLAGS, *flags, *sources, "-o", made[key])
        return made[key]

    return compile_once


@pytest.fixture(scope="module")
def answers(build: Build) -> str:
    """What the kernel answers here, compiled as in the wheel. `cases` itself compares the variants."""
    return run(build("gcc", ["-O3"], [HERE / "cases.c", *KERNEL])).stdout


def test_the_cases_cover_layouts_masks_and_orders(answers: str) -> None:
    lines = answers.splitlines()
    assert len({line.split()[-1] for line in lines if line.startswith("order")}) > 100
    assert sum("masked 1" in line for line in lines) == sum("masked 0" in line for line in lines) > 20
    assert len({line.split()[-1] for line in lines if line.startswith("fifth")}) == 8
    assert re.search(r"1920x1080 .* flat 255 masked 0", answers)


def test_no_sanitizer_complains(build: Build, answers: str) -> None:
    program = build("gcc", SANITIZERS, [HERE / "cases.c", *KERNEL])
    assert run(program).stdout == answers


def test_the_sanitizer_would_complain(build: Build, tmp_path: Path) -> None:
    """A kernel that reads one vector too far in each row must be found."""
    for path in NATIVE.glob("*.[ch]"):
        text = path.read_text(encoding="utf-8")
        (tmp_path / path.name).write_text(text.replace("i + LINE <= width", "i < width"), encoding="utf-8")
    sources = [HERE / "cases.c", *(tmp_path / path.name for path in KERNEL)]
    program = build("gcc", [*SANITIZERS, f"-iquote{tmp_path}"], sources)
    done = subprocess.run([program], capture_output=True, text=True, timeout=WITHIN_S, check=False)
    assert done.returncode != 0
    assert "AddressSanitizer" in done.stderr


def test_valgrind_finds_nothing(build: Build, answers: str) -> None:
    program = build("gcc", ["-O3"], [HERE / "cases.c", *KERNEL])
    assert run(needs("valgrind"), "-q", "--error-exitcode=9", "--leak-check=full", program).stdout == answers


@pytest.mark.parametrize("cpu", ["cortex-a53", "cortex-a72"])
def test_aarch64_gives_the_same_bits(cpu: str, build: Build, answers: str) -> None:
    program = build("aarch64-linux-gnu-gcc", ["-O3", f"-mcpu={cpu}", "-static"], [HERE / "cases.c", *KERNEL])
    assert run(needs("qemu-aarch64"), program).stdout == answers


@pytest.mark.parametrize("cpu", ["cortex-a53", "cortex-a72"])
def test_instructions_per_luma_pixel(cpu: str, build: Build, capsys: pytest.CaptureFixture[str]) -> None:
    """The difference between many passes and one, so that making the frame is not counted."""
    qemu = needs("qemu-aarch64")
    if " version 7." not in run(qemu, "--version").stdout:
        pytest.skip("qemu-aarch64 is not version 7: its plugins have another interface")
    plugin = build("gcc", ["-O2", "-shared", "-fPIC"], [HERE / "count_instructions.c"])
    program = build("aarch64-linux-gnu-gcc", ["-O3", f"-mcpu={cpu}", "-static"], [HERE / "cases.c", *KERNEL])
    counts = [
        int(run(qemu, "-plugin", plugin, program, "count", str(passes)).stderr) for passes in (1, 1 + PASSES)
    ]
    per_px = (counts[1] - counts[0]) / PASSES / LUMA_PX
    with capsys.disabled():
        print(f"\n{cpu}: {per_px:.2f} instructions a luma pixel, without orders")
    assert 0.5 < per_px <= MOST_INSTRUCTIONS_PER_PX


def test_fuzzing_briefly(build: Build) -> None:
    program = build("gcc", [*SANITIZERS, "-DSTANDALONE"], [HERE / "fuzz.c", *KERNEL])
    inputs = int(run(program, "3").stdout.split()[0])
    assert inputs > 1000


def test_fuzzing_would_find_a_pass_that_writes_beyond_its_cells(build: Build, tmp_path: Path) -> None:
    for path in NATIVE.glob("*.[ch]"):
        text = path.read_text(encoding="utf-8")
        (tmp_path / path.name).write_text(
            text.replace("i < 2 * cells;", "i < 2 * cells + 1;"), encoding="utf-8"
        )
    sources = [HERE / "fuzz.c", *(tmp_path / path.name for path in KERNEL)]
    program = build("gcc", [*SANITIZERS, "-DSTANDALONE", f"-iquote{tmp_path}"], sources)
    done = subprocess.run([program, "60"], capture_output=True, text=True, timeout=WITHIN_S, check=False)
    assert done.returncode != 0 and "AddressSanitizer" in done.stderr and "fifth" in done.stderr


@pytest.mark.long
def test_fuzzing_with_libfuzzer(build: Build, tmp_path: Path, long_s: float) -> None:
    program = build("clang", ["-g", "-O1", "-fsanitize=fuzzer,address,undefined"], [HERE / "fuzz.c", *KERNEL])
    seconds = max(int(long_s) - 20, 10)
    limits = [f"-max_total_time={seconds}", "-max_len=400", f"-artifact_prefix={tmp_path}/"]
    run(program, *limits, tmp_path, timeout_s=seconds + 60)
