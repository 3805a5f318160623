"""A folder has one owner at a time, and whoever comes second is told what to do."""

import os
from pathlib import Path

import pytest

from stillroom.errors import StorageError
from stillroom.files import lock_folder
from tests.descriptors import nothing_left_open


def test_a_folder_is_made_and_has_one_owner(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    held = lock_folder(folder, "x.lock", "keeper", "paths.state")
    assert folder.stat().st_mode & 0o777 == 0o700
    with pytest.raises(StorageError, match=rf"{folder}: another keeper is using it: stop that one first"):
        lock_folder(folder, "x.lock", "keeper", "paths.state")
    os.close(lock_folder(folder, "y.lock", "gateway"))
    os.close(held)
    os.close(lock_folder(folder, "x.lock", "keeper"))


@pytest.mark.parametrize(("key", "named"), [("paths.run", r" \('paths.run'\)"), ("", "")])
def test_what_cannot_be_a_folder_is_told_with_its_key(tmp_path: Path, key: str, named: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=f"file/run: cannot be used{named}: Not a directory"):
        lock_folder(tmp_path / "file" / "run", "x.lock", "keeper", key)


def test_a_refused_lock_leaves_no_descriptor(tmp_path: Path) -> None:
    held = lock_folder(tmp_path, "x.lock", "keeper")
    with nothing_left_open():
        for _ in range(3):
            with pytest.raises(StorageError):
                lock_folder(tmp_path, "x.lock", "keeper")
    os.close(held)
