"""Shared by tests of the release commands."""

from pathlib import Path

import pytest
from tests.release.desk import Desk


@pytest.fixture
def desk(tmp_path: Path, capsys) -> Desk:
    made = Desk(tmp_path)
    capsys.readouterr()
    return made
