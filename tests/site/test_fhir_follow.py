"""`stillroom site fhir --follow`: whole lines, each minute once, whatever happens to the process."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.patience import WITHIN_S
from tests.site.fhir_told import (
    BEAT,
    GIVEN,
    export,
    minute,
    observations,
    read,
    tell,
)

from stillroom import cli
from stillroom_tools.lab.told_day import made_site
from stillroom_tools.site.layout import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return made_site(tmp_path)


class Following:
    """`--follow` as a process."""

    def __init__(self, site: Site, out: Path) -> None:
        self.out = out
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "stillroom",
                "site",
                "fhir",
                "--site",
                site.folder,
                "--follow",
                "--out",
                out,
            ],
            stderr=subprocess.DEVNULL,
        )

    def until(self, count: int) -> None:
        end = time.monotonic() + WITHIN_S
        while not self.out.exists() or len(observations(parsed(self.out))) < count:
            assert time.monotonic() < end and self.process.poll() is None
            time.sleep(0.05)

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(WITHIN_S)


def parsed(out: Path) -> list[dict[str, Any]]:
    """Whole lines alone: it may be writing."""
    return [json.loads(line) for line in out.read_bytes().split(b"\n")[:-1]]


def test_a_file_that_is_followed_has_each_minute_once_through_a_kill_and_a_torn_line(
    site: Site, tmp_path: Path
) -> None:
    out = tmp_path / "followed.ndjson"
    tell(site, minute(0, GIVEN, BEAT))
    first = Following(site, out)
    first.until(1)
    first.end(signal.SIGKILL)
    whole = out.read_bytes()
    out.write_bytes(whole + b'{"resourceType": "Observ')
    tell(site, minute(1, GIVEN, BEAT), boot=2)
    second = Following(site, out)
    second.until(2)
    assert second.end(signal.SIGTERM) == 0
    found = read(out)
    assert out.read_bytes().startswith(whole)
    assert [r["resourceType"] for r in found].count("Device") == 1, "not introduced again"
    assert len(observations(found)) == 2


def test_a_file_that_nobody_followed_is_not_added_to(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    tell(site, minute(0, GIVEN, BEAT))
    out = site.folder.parent / "out.ndjson"
    export(site)
    before = out.read_bytes()
    capsys.readouterr()
    assert cli.main(["site", "fhir", "--site", str(site.folder), "--follow", "--out", str(out)]) == 4
    assert "its .mark is not" in capsys.readouterr().err and out.read_bytes() == before


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda out, mark: mark.write_text("{"), "damaged"),
        (lambda out, mark: out.write_bytes(b""), "shorter than its .mark says"),
    ],
)
def test_a_file_that_is_not_as_its_mark_says_is_left_alone(
    site: Site, capsys: pytest.CaptureFixture[str], damage: Callable[[Path, Path], object], words: str
) -> None:
    tell(site, minute(0, GIVEN, BEAT))
    out = site.folder.parent / "out.ndjson"
    process = Following(site, out)
    process.until(1)
    assert process.end(signal.SIGTERM) == 0
    damage(out, out.with_name("out.ndjson.mark"))
    capsys.readouterr()
    assert cli.main(["site", "fhir", "--site", str(site.folder), "--follow", "--out", str(out)]) == 4
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
