"""The three models that an eye may load: which files, and by which hash they are known.

A file that is not, byte for byte, one of these is refused, before anything parses it. They come out of Google's
mediapipe wheel by `stillroom models`; none is part of this repository.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stillroom.errors import InputError

MODEL = "blazepose"
"""What records say of who looked; `none` without weights."""
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Weights:
    """One file. shapes: of the float32 input and of the outputs that are read, by the end of their names."""

    file: str
    sha256: str
    size_bytes: int
    what: str
    source: Shape
    outputs: tuple[Shape, ...]


PEOPLE = Weights(
    "pose_detection.tflite",
    "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
    2_959_046,
    "BlazePose detector: where people may be",
    (1, 224, 224, 3),
    ((1, 2254, 12), (1, 2254, 1)),
)
LANDMARKS = Weights(
    "pose_landmark_full.tflite",
    "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
    6_440_512,
    "BlazePose landmarks, full: how somebody holds himself",
    (1, 256, 256, 3),
    ((1, 195), (1, 1)),
)
FACE = Weights(
    "face_detection_full_range_sparse.tflite",
    "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
    676_746,
    "BlazeFace, full range, sparse: where a face may be",
    (1, 192, 192, 3),
    ((1, 2304, 16), (1, 2304, 1)),
)
ALL = (PEOPLE, LANDMARKS, FACE)


def cache() -> Path:
    """The user's own folder of models: `$XDG_CACHE_HOME/stillroom/models`, else under `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    home = os.environ.get("HOME", "")
    return Path(base or Path(home or "/nonexistent", ".cache"), "stillroom", "models")


def find(folder: Path | None) -> Path | None:
    """The first of `folder` and the user's cache that holds all three files (not yet checked); None: neither."""
    for place in (folder, cache()):
        if place is not None and all((place / weights.file).is_file() for weights in ALL):
            return place
    return None


def read(place: Path, weights: Weights) -> bytes:
    """The bytes of one model. Raises InputError where the file is absent, cut short or another one."""
    path = place / weights.file
    try:
        with path.open("rb") as file:
            content = file.read(weights.size_bytes + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; `stillroom models fetch`") from None
    check(path, weights, content)
    return content


def check(path: Path, weights: Weights, content: bytes) -> None:
    """Raises InputError where `content` is not this model."""
    if len(content) < weights.size_bytes:
        raise InputError(
            f"{path}: cut short: {len(content)} bytes of {weights.size_bytes}; `stillroom models fetch` anew"
        )
    import hashlib  # 4 MB that an eye without weights does without

    found = hashlib.sha256(content).hexdigest()
    if found != weights.sha256:
        raise InputError(
            f"{path}: another file than the {weights.file} of mediapipe 0.10.18 (sha256 {found[:16]}..., "
            f"must be {weights.sha256[:16]}...): refused; `stillroom models fetch` anew"
        )


def load(place: Path, weights: Weights) -> Any:
    """A Net of one model, its hash, shapes and types checked. Raises InputError, SetupError."""
    from stillroom.eye.interpreter import Net

    return Net(weights, read(place, weights))
