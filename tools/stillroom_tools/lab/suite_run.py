"""Runs the cells of a suite in parallel processes. Each result is one file: what is there and still true is kept."""

import re
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from hashlib import blake2b
from multiprocessing import active_children, get_context
from pathlib import Path
from zlib import crc32

import msgspec

from stillroom.errors import InputError, StillroomError
from stillroom_tools.lab.suite_cell import Cell, code_key, run_condition
from stillroom_tools.lab.suite_grid import Condition
from stillroom_tools.lab.suite_recordings import Recording, run_recording

Task = tuple[Condition, int] | tuple[Recording, int]


def tasks(conditions: tuple[Condition, ...], seeds: range, recordings: tuple[Recording, ...]) -> list[Task]:
    """All cells; seeds go round last, so that a run cut short has seen every condition."""
    return [*((each, 0) for each in recordings), *((each, seed) for seed in seeds for each in conditions)]


def run_all(
    todo: list[Task], folder: Path, workers: int, say: Callable[[str], None], *, own: bool = False
) -> Iterator[Cell | None]:
    """Each cell as it is done or found in `folder`; None for one that failed (said why). Raises InputError: folder.

    own: quality as the methods themselves estimate it, however low, for fitting what that is worth.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out '{folder}': cannot be made: {error.strerror}; name another") from None
    missing = []
    for task in todo:
        kept = _kept(folder, task)
        if kept is None:
            missing.append(task)
        else:
            yield kept
    if not missing:
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_begin, initargs=(own,)) as pool:
        futures = {pool.submit(run_task, task, _key(task)): task for task in missing}
        try:
            for done in as_completed(futures):
                yield _taken(done.exception(), futures[done], folder, done.result, say)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in active_children():
                child.terminate()
            raise


def _begin(own: bool) -> None:
    """Ctrl-C is heard by who started the pool; who dies without it takes the workers along."""
    from stillroom_tools.lab.child import die_with_parent

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    if own:
        from stillroom.eye import quality

        quality.KNOTS.update(dict.fromkeys(quality.KNOTS, ((0.0, 0.0), (1.0, 1.0))))
        quality.LEAST.update(dict.fromkeys(quality.LEAST, 0.0))


def _taken(
    error: BaseException | None,
    task: Task,
    folder: Path,
    result: Callable[[], Cell],
    say: Callable[[str], None],
) -> Cell | None:
    if isinstance(error, StillroomError):
        say(f"stillroom: {task[0].name}: {error}")
        return None
    cell = result()
    path = folder / _file_name(task)
    path.with_suffix(".part").write_bytes(msgspec.json.encode(cell))
    path.with_suffix(".part").replace(path)
    return cell


def run_task(task: Task, key: str) -> Cell:
    """One cell, in whatever process."""
    what, seed = task
    return run_recording(what, key) if isinstance(what, Recording) else run_condition(what, seed, key)


def _kept(folder: Path, task: Task) -> Cell | None:
    try:
        cell = msgspec.json.decode((folder / _file_name(task)).read_bytes(), type=Cell)
    except (OSError, msgspec.MsgspecError):
        return None
    return cell if cell.key == _key(task) else None


def _key(task: Task) -> str:
    """Of all that decides the result: code, condition or recording, seed."""
    what, seed = task
    digest = blake2b(code_key().encode(), digest_size=16)
    digest.update(msgspec.json.encode((what, seed)))
    if isinstance(what, Recording):
        stat = Path(what.path).stat()
        digest.update(f"{stat.st_size} {stat.st_mtime_ns}".encode())
    return digest.hexdigest()


def _file_name(task: Task) -> str:
    """A readable name, and what keeps those apart that read alike (a ramp of +4, one of -4)."""
    what, seed = task
    readable = re.sub("[^a-z0-9.]+", "-", what.name.lower()).strip("-")
    return f"{readable}_{crc32(what.name.encode()):08x}_{seed}.json"
