"""Fifty simulated units from one CSV: made, tested by themselves, labelled, labels read back, manifest signed."""

import resource
import time
from pathlib import Path

import pytest
from making import batch_of, maker_key, stillroom

from stillroom_tools.make import label_read, manifest
from stillroom_tools.make.batch_journal import open_batch

UNITS = 50
MOST_CPU_S = 180.0
"""Ninety seconds of two processors."""


def spent_s() -> float:
    """Of all processors, of this process and those that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_fifty_simulated_units(tmp_path: Path) -> None:
    batch, key = batch_of(tmp_path, UNITS), maker_key(tmp_path)
    began_s, cpu_s = time.monotonic(), spent_s()
    assert stillroom("make", "batch", "run", batch, "--simulated", *key) == 0
    wall_s, cpu_s = time.monotonic() - began_s, spent_s() - cpu_s
    print(f"\n{UNITS} units: {wall_s:.0f} s by the clock, {cpu_s:.0f} s of processors")
    assert all(record.complete for record in open_batch(batch).records())
    maker = manifest.read_signer(batch / "handover" / manifest.MAKER)
    made, _ = manifest.read(batch / "handover", maker.fingerprint)
    labels = {one.fingerprint for one in label_read.read(batch / "labels/sheet.pdf")}
    assert labels == {one.fingerprint for one in made.units} and len(labels) == UNITS
    assert cpu_s < MOST_CPU_S
