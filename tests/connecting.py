"""Running `stillroom site connect`, and what it answers, for the tests of it."""

import json
from collections.abc import Callable

import pytest

from stillroom import cli

Connect = Callable[..., tuple[int, dict[str, tuple[str, str]], str]]


def connector(capsys: pytest.CaptureFixture[str]) -> Connect:
    """Exit code, (outcome, words) of each check, and what was said on standard error."""

    def run(url: str, *more: object) -> tuple[int, dict[str, tuple[str, str]], str]:
        capsys.readouterr()
        code = cli.main(["site", "connect", "--broker", url, "--json", *map(str, more)])
        said = capsys.readouterr()
        found = json.loads(said.out)["findings"] if said.out else []
        return code, {each["check"]: (each["outcome"], each["found"]) for each in found}, said.err

    return run


def outcomes(found: dict[str, tuple[str, str]], outcome: str) -> set[str]:
    return {check for check, (kind, _) in found.items() if kind == outcome}
