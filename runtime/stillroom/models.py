"""`stillroom models`: bring the weights, check them, say where they came from.

They are taken out of one pinned wheel that pip downloads: its hash first, then that of each file. Only the three
.tflite files are kept; nothing of the wheel is installed or run.
"""

import argparse
import errno
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from stillroom.errors import EXIT_OK, InputError, SetupError, StillroomError, StorageError
from stillroom.eye import weights
from stillroom.eye.weights import Weights

HELP = "bring and check the weights of the models that look for people"

VERSION = "0.10.18"
WHEELS = {
    "x86_64": "12db0f7b1cc18e2e3f604f6e95020b82c214c470d7d94ff32eeb8f8729a45ec3",
    "aarch64": "a251c9abde6d75534adcdc814e1d7853fa04774558600e29af51a7600eaa5b65",
}
"""sha256; both hold the same three files, so any machine may take either."""
LARGEST_WHEEL_BYTES = 200_000_000
ATTRIBUTION = (
    f"BlazePose and BlazeFace by Google, from mediapipe {VERSION}, Apache-2.0 "
    "(github.com/google-ai-edge/mediapipe)"
)
FETCH_WITHIN_S = 900


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, text in (
        ("fetch", "download the wheel with pip and keep its three models (36 MB down, 10 MB kept)"),
        ("install", "the same from a wheel or a .tflite file that is already here"),
        ("list", "which models are wanted, and which are there"),
        ("verify", "check hashes, and load each model where the library is installed"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        if name == "install":
            action.add_argument("file", type=Path, help="a mediapipe wheel, or one of the .tflite files")
        action.add_argument("--into", type=Path, help=f"the folder of models (default: {weights.cache()})")


def run(options: argparse.Namespace) -> int:
    place: Path = options.into or weights.cache()
    if options.action == "list":
        return _list(place)
    if options.action == "verify":
        return _verify(place)
    if options.action == "install":
        _install(options.file, place)
    elif not _all_there(place):
        _fetch(place)
    return _list(place)


def _fetch(place: Path) -> None:
    _check_writable(place)
    print(f"models: downloading mediapipe {VERSION} (36 MB)", file=sys.stderr, flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="stillroom-models-") as folder:
            _install(_download(Path(folder)), place)
    except OSError as error:
        raise _no_room(Path(tempfile.gettempdir()), error) from None


def _check_writable(place: Path) -> None:
    """Before 36 MB are downloaded for nothing. Leaves no folder that was not there."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            pass
        if not any(place.iterdir()):
            place.rmdir()
    except OSError as error:
        raise _no_room(place, error) from None


def _download(folder: Path) -> Path:
    """pip's download of the pinned wheel; its code is never run. Raises SetupError with pip's reason."""
    machine = os.uname().machine
    platform = f"manylinux_2_17_{machine if machine in WHEELS else 'x86_64'}"
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "-q"]
    command += ["--no-deps", "--only-binary=:all:", "--python-version", "3.11", "--platform", platform]
    command += ["--dest", str(folder), f"mediapipe=={VERSION}"]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=FETCH_WITHIN_S,
        )
    except subprocess.TimeoutExpired:
        raise SetupError(f"the models could not be fetched in {FETCH_WITHIN_S} s: {_ADVICE}") from None
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        raise _explained(done.stderr)
    return wheels[0]


_ADVICE = (
    f"on a machine with a network `pip download --no-deps --only-binary=:all: --python-version 3.11 "
    f"--platform manylinux_2_17_x86_64 mediapipe=={VERSION}`, then here `stillroom models install FILE`"
)


def _explained(text: str) -> StillroomError:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    if any("No space left" in line for line in lines):
        return StorageError("the models could not be fetched: no space left for pip's download; free 60 MB")
    reason = (errors or lines or ["pip said nothing"])[0 if errors else -1]
    return SetupError(f"the models could not be fetched ({reason[:160]}): {_ADVICE}")


def _install(file: Path, place: Path) -> None:
    """From a wheel or from one .tflite file. Raises InputError: absent, cut short, another one; StorageError."""
    wanted = {each.file: each for each in weights.ALL}
    try:
        if file.suffix == ".tflite":
            if file.name not in wanted:
                raise InputError(f"{file}: not one of {', '.join(wanted)}")
            contents = {file.name: weights.read(file.parent, wanted[file.name])}
        else:
            contents = _unpack(file)
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror or error}") from None
    for name, content in contents.items():
        _keep(place / name, content)
    print(f"models: {len(contents)} file(s) into {place}; {ATTRIBUTION}", file=sys.stderr)


def _unpack(wheel: Path) -> dict[str, bytes]:
    if wheel.stat().st_size > LARGEST_WHEEL_BYTES:
        raise InputError(f"{wheel}: too large to be the mediapipe {VERSION} wheel")
    with wheel.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found not in WHEELS.values():
        raise InputError(
            f"{wheel}: not, or not all of, a mediapipe {VERSION} wheel for Linux (sha256 {found[:16]}...): refused"
        )
    contents = {}
    with zipfile.ZipFile(wheel) as archive:
        for each in weights.ALL:
            member = next(name for name in archive.namelist() if name.endswith("/" + each.file))
            contents[each.file] = archive.read(member)
            weights.check(wheel / each.file, each, contents[each.file])
    return contents


def _keep(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if path.parent.is_dir():
            temporary.unlink(missing_ok=True)
        raise _no_room(path, error) from None


def _no_room(path: Path, error: OSError) -> StorageError:
    advice = "free 60 MB" if error.errno == errno.ENOSPC else "choose another folder with --into"
    return StorageError(f"{path}: cannot be written: {error.strerror or error}: {advice}")


def _all_there(place: Path) -> bool:
    return all(_state(place, each) == "there" for each in weights.ALL)


def _state(place: Path, each: Weights) -> str:
    if not (place / each.file).is_file():
        return "absent"
    try:
        weights.read(place, each)
    except InputError:
        return "WRONG"
    return "there"


def _list(place: Path) -> int:
    for each in weights.ALL:
        print(f"{_state(place, each):<7} {each.file:<40} {each.size_bytes:>9} bytes  {each.what}")
    print(f"folder  {place}\nsource  {ATTRIBUTION}")
    return EXIT_OK


def _verify(place: Path) -> int:
    """Raises InputError for the first file that is not what it should be."""
    for each in weights.ALL:
        weights.read(place, each)
    try:
        from stillroom.eye import interpreter

        interpreter.library()
    except (ImportError, SetupError) as error:
        print(f"hashes are right; not loaded: {error}")
        return EXIT_OK
    for each in weights.ALL:
        weights.load(place, each).blank()
        print(f"right and running: {each.file}")
    return EXIT_OK
