"""A batch's life interrupted wherever it touches a file, and gone on with: nothing half made, nothing twice."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from interrupted import Cut, Life, interrupt, made_up, moment, prepare
from nacl import pwhash
from tests.patience import WITHIN_S
from tests.rules import REPOSITORY

from stillroom_tools.make import batch_simulated, sealed_key

SEEDS = 20
LONG_SEEDS, KILLED = 200, 60


@pytest.fixture(scope="module")
def cut() -> Iterator[Cut]:
    """A hook of the interpreter, which can never be taken out again."""
    cut = Cut()
    yield cut
    cut.disarm()


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site and the maker's key, as each life finds them."""
    folder = tmp_path_factory.mktemp("before")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealed_key, "_OPS", pwhash.argon2id.OPSLIMIT_MIN)
        patch.setattr(sealed_key, "_MEMORY", pwhash.argon2id.MEMLIMIT_MIN)
        prepare(folder)
    return folder


@pytest.fixture
def folder(tmp_path: Path, before: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(batch_simulated, "_test", made_up)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # nothing here cuts the power: it would only take time
    return begin(tmp_path, before)


def begin(folder: Path, before: Path) -> Path:
    return Path(shutil.copytree(before, folder / "life"))


def count(cut: Cut, folder: Path) -> int:
    """Moments of a life that nothing interrupts."""
    life = Life(folder)
    cut.arm(folder, -1, interrupt)
    life.live()
    found = cut.disarm()
    life.check()
    return found


def live_and_go_on(cut: Cut, folder: Path, at: int) -> None:
    life = Life(folder)
    cut.arm(folder, at, interrupt)
    reached = life.live()
    cut.disarm()
    assert reached < len(life.steps), "it was interrupted"
    assert life.live(reached) == len(life.steps)
    life.check()


def test_some_moments(cut: Cut, folder: Path, before: Path, tmp_path: Path) -> None:
    total = count(cut, folder)
    assert total > 150
    shutil.rmtree(folder)
    for seed in range(SEEDS):
        live_and_go_on(cut, begin(tmp_path / str(seed), before), moment(seed, total))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_two_hundred_moments_sixty_of_them_by_a_kill(
    cut: Cut, folder: Path, before: Path, tmp_path: Path
) -> None:
    total = count(cut, folder)
    for seed in range(LONG_SEEDS - KILLED):
        place = begin(tmp_path / str(seed), before)
        live_and_go_on(cut, place, moment(seed, total))
        shutil.rmtree(place)
    for seed in range(KILLED):
        place = begin(tmp_path / f"killed-{seed}", before)
        command = [sys.executable, "-m", "tests.interrupted", str(place), str(moment(1000 + seed, total))]
        environment = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'tests'}", "PATH": "/usr/bin:/bin"}
        done = subprocess.run(
            command, capture_output=True, check=False, cwd=REPOSITORY, env=environment, timeout=WITHIN_S
        )
        assert done.returncode == -9, done.stderr
        life = Life(place)
        assert life.live(int(life.step.read_text())) == len(life.steps)
        life.check()
        shutil.rmtree(place)


def test_the_driver_does_what_it_says(tmp_path: Path, cut: Cut) -> None:
    """Without this a test that interrupts nothing would pass."""
    seen: list[int] = []
    cut.arm(tmp_path, 1, lambda: seen.append(1))
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text("x")
    assert seen == [1] and cut.count == 2
