"""The real inference library, with the real models, and with what is not one."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stillroom.errors import InputError
from stillroom.eye import weights
from stillroom.eye.interpreter import Net
from stillroom.eye.weights import ALL, FACE

RUNTIME = Path(__file__).resolve().parents[2] / "runtime"


@pytest.fixture(scope="module")
def face(models) -> Net:
    return weights.load(models, FACE)


def test_each_model_gives_outputs_of_its_shapes(models):
    random = np.random.default_rng(1)
    for each in ALL:
        net = weights.load(models, each)
        picture = random.integers(0, 255, (net.side_px, net.side_px, 3), np.uint8)
        outputs = net.run(picture, 0.0)
        assert [(1, *found.shape) for found in outputs] == list(each.outputs)
        assert all(np.isfinite(found).all() for found in outputs)


def test_the_same_picture_gives_the_same_answer_and_another_does_not(face):
    grey, white = np.full((192, 192, 3), 90, np.uint8), np.full((192, 192, 3), 250, np.uint8)
    first = face.run(grey, -1.0)
    other = face.run(white, -1.0)
    assert np.array_equal(first[1], face.run(grey, -1.0)[1]) and not np.array_equal(first[1], other[1])


def test_nothing_of_a_picture_is_left_in_the_input(face):
    face.run(np.full((192, 192, 3), 200, np.uint8), -1.0)
    assert not face._view().any()
    with pytest.raises(ValueError):
        face.run(np.full((10, 10, 3), 200, np.uint8), -1.0)
    assert not face._view().any()
    face.blank()
    assert not face._view().any()


@pytest.mark.parametrize(
    "change",
    [{"source": (1, 128, 128, 3)}, {"outputs": ((1, 2304, 16), (1, 896, 1))}, {"outputs": ((1, 7),)}],
)
def test_a_model_of_another_shape_is_refused_at_load(models, change):
    with pytest.raises(InputError, match=FACE.file):
        Net(dataclasses.replace(FACE, **change), weights.read(models, FACE))


@pytest.mark.parametrize("content", [b"", b"no model at all" * 100])
def test_what_is_no_model_is_refused(models, content):
    with pytest.raises(InputError, match="not a model"):
        Net(FACE, content)
    with pytest.raises(InputError, match="not a model"):
        Net(FACE, weights.read(models, FACE)[:200_000])


CONSTRUCT = """
import sys
from pathlib import Path
import numpy
from stillroom.eye import weights
from stillroom.eye.interpreter import library
made = [weights.load(Path(sys.argv[1]), each) for each in weights.ALL]
made[0].blank()
print(numpy.__version__, library().__module__)
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ("packages", "numpy", "library"),
    [
        (("numpy==1.26.4", "ai-edge-litert"), "1.26.", "ai_edge_litert"),
        (("numpy>=2", "ai-edge-litert"), "2.", "ai_edge_litert"),
        (("numpy==1.26.4", "tflite-runtime==2.14.0"), "1.26.", "tflite_runtime"),
        (("numpy>=2", "tflite-runtime==2.14.0"), None, "tflite_runtime"),
    ],
)
def test_a_real_interpreter_with_either_numpy_and_either_library(models, tmp_path, packages, numpy, library):
    """In an environment made for it. tflite-runtime imports with numpy 2 and then cannot be constructed."""
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    done = subprocess.run(
        [python, "-m", "pip", "install", "-q", *packages], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"{' '.join(packages)} cannot be had here: {done.stderr.strip().splitlines()[-1][:120]}")
    done = subprocess.run(
        [python, "-c", CONSTRUCT, str(models)],
        env={"PYTHONPATH": str(RUNTIME), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    if numpy is None:
        assert done.returncode and "SetupError" in done.stderr.splitlines()[-1], done.stderr
        return
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(numpy) and library in done.stdout


LOADING = """
import os, sys
from pathlib import Path
from stillroom.eye import weights
from stillroom.eye.interpreter import without_chatter
for each in weights.ALL:
    weights.load(Path(sys.argv[1]), each)
with without_chatter():
    os.write(2, b"INFO: Created a delegate\\nERROR: it broke\\n")
    print("ours", file=sys.stderr, flush=True)
    os.write(2, b"INFO: and more\\nWARNING: half a line")
try:
    with without_chatter():
        os.write(2, b"before it was raised\\n")
        raise ValueError("raised")
except ValueError as error:
    print(error, file=sys.stderr, flush=True)
with without_chatter():
    try:
        os.write(2, b"x" * 1_000_000)
    except BlockingIOError:
        pass
os.write(2, b"\\nafter\\n")
"""


def test_what_the_library_tells_when_all_is_well_is_not_in_the_log_and_all_else_is(models):
    done = subprocess.run(
        [sys.executable, "-c", LOADING, str(models)],
        capture_output=True,
        env={"PYTHONPATH": str(RUNTIME)},
        check=True,
    )
    said = done.stderr.decode()
    lines = [line for line in said.splitlines() if not line.startswith("x")]
    assert lines == ["ERROR: it broke", "ours", "WARNING: half a linebefore it was raised", "raised", "after"]


def test_the_library_does_tell_it_otherwise(models):
    """The control: without the filter the line is there."""
    plain = LOADING.partition("with without_chatter")[0].replace(
        "from stillroom.eye.interpreter import without_chatter",
        "import contextlib, stillroom.eye.interpreter as i; i.without_chatter = contextlib.nullcontext",
    )
    done = subprocess.run(
        [sys.executable, "-c", plain, str(models)],
        capture_output=True,
        env={"PYTHONPATH": str(RUNTIME)},
        check=True,
    )
    if b"INFO: " not in done.stderr:
        pytest.skip("this version of the library says nothing of itself")
