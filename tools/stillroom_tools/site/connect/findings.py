"""What was found of a broker: a line each, in words and as JSON, and whether a site can work there."""

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

Outcome = Literal["good", "limited", "missing", "not-tried"]
"""`limited`: a site works, and `means` says what is worse for it. `missing`: a site cannot work there."""

_WIDTH = 10


class Finding(msgspec.Struct, frozen=True):
    """One thing that was tried."""

    check: str
    outcome: Outcome
    found: str
    """What was seen."""
    means: str = ""
    """What follows from it; empty where nothing does."""


class Report(msgspec.Struct, frozen=True):
    """All of it, as `--json` prints it."""

    broker: str
    site: str
    works: bool
    findings: tuple[Finding, ...]


def good(check: str, found: str, means: str = "") -> Finding:
    return Finding(check, "good", found, means)


def limited(check: str, found: str, means: str) -> Finding:
    return Finding(check, "limited", found, means)


def missing(check: str, found: str, means: str = "") -> Finding:
    return Finding(check, "missing", found, means)


def not_tried(check: str, found: str, means: str = "") -> Finding:
    return Finding(check, "not-tried", found, means)


def report(broker: str, site: str, findings: Iterable[Finding]) -> Report:
    kept = tuple(findings)
    return Report(broker, site, not absent(kept), kept)


def absent(findings: Iterable[Finding]) -> list[Finding]:
    """What a site cannot do without, and that is not there."""
    return [finding for finding in findings if finding.outcome == "missing"]


def lines(findings: Sequence[Finding]) -> list[str]:
    """A line each: outcome, what was tried, what was found, and what that means."""
    return [
        f"{finding.outcome:<{_WIDTH}} {finding.check:<{_WIDTH}} {finding.found}"
        + (f": {finding.means}" if finding.means else "")
        for finding in findings
    ]
