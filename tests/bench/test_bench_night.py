"""What a simulated night of cells costs: its CPU time against that of a piece of like work, turn by turn."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from stillroom_tools.lab.scenario import load_scenario
from stillroom_tools.lab.stage_run import FromCells, Night, run
from stillroom_tools.lab.stand_in import StandIn

FROM_S, UNTIL_S = 120.0, 600.0
"""Between somebody's lying down and the morning: that he comes costs as much as ten minutes, once."""
TURN_S = 10.0
NIGHT_S = 8 * 3600.0
ROUNDS, ROUNDS_S = 1100, 0.01
"""So many rounds of the yardstick, and what they take on an idle core of the machine that README's figures are from."""
MOST_S = 65.0
"""60 s are asked, some 50 are taken. A busy machine shows more, for caches that are shared."""


def yardstick() -> float:
    """CPU time of some rounds of what the eye does all the time: short passes over 1,200 cells, and a little Python."""
    random = np.random.default_rng(0)
    now, before = (random.random(1200).astype(np.float32) for _ in range(2))
    began, rows = time.process_time(), {}
    for number in range(ROUNDS):
        away = np.abs(now - before)
        moving = away > np.float32(0.9)
        away *= np.where(moving, np.float32(0.5), np.float32(0.1))
        rows[number % 8] = [int(np.count_nonzero(moving)), float(np.add.reduce(away))]
        sum(row[0] for row in rows.values())
    return time.process_time() - began


class _Enough(Exception):
    pass


def measure(path: Path) -> tuple[float, float]:
    """CPU seconds of eight hours, from some minutes of them: here, and of an idle core."""
    scenario = load_scenario(path)
    source = FromCells(scenario, 0)
    spent, measured, last = 0.0, [yardstick()], time.process_time()

    def each(night: Night, at_s: float) -> None:
        nonlocal spent, last
        if at_s % TURN_S < 0.1:
            spent += time.process_time() - last if at_s > FROM_S else 0.0
            measured.append(yardstick())
            last = time.process_time()
        if at_s >= UNTIL_S:
            raise _Enough

    try:
        run(scenario, 0, source, StandIn(scenario, source.size, 0), each)
    except _Enough:
        pass
    night_s = spent * NIGHT_S / (UNTIL_S - FROM_S)
    return night_s, night_s * ROUNDS_S / float(np.mean(measured))


def test_a_night_of_cells_in_time_of_an_idle_core(request):
    """In a process of its own, with one thread for NumPy, as `stillroom simulate` has it."""
    path = request.config.rootpath / "tests" / "scenarios" / "60-calm-night.toml"
    done = subprocess.run(
        [sys.executable, __file__, str(path)],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    here_s, idle_s = (float(word) for word in done.stdout.split())
    print(f"eight hours: {here_s:.0f} s here, {idle_s:.0f} s of an idle core")
    assert idle_s <= MOST_S


if __name__ == "__main__":
    print(*measure(Path(sys.argv[1])))
