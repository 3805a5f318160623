"""`stillroom make selftest verify FILE`: is this report of a self-test whole, signed by its unit, and passed?"""

import argparse
import json
import sys
from pathlib import Path

from stillroom.errors import EXIT_OK
from stillroom.files import replace_file
from stillroom.public_keys import check_fingerprint
from stillroom.selftest_forms import SignedReport, failed, read_report
from stillroom.selftest_words import page, table

HELP = "look at the report of a unit's self-test"
EXIT_NOT_PASSED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    verify = actions.add_parser("verify", help="that it is whole, and whether it passed")
    verify.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="reports, as `stillroom selftest --json`"
    )
    verify.add_argument(
        "--fingerprint", metavar="F", help="as it stands on the unit's label; without: the report's own"
    )
    verify.add_argument(
        "--html", type=Path, metavar="FILE", help="the one report as a page that can be printed"
    )
    verify.add_argument("--json", action="store_true", help="a line of JSON for each")


def run(options: argparse.Namespace) -> int:
    """0: each is whole and passed; 1: one has not passed. Raises TrustError, InputError for the first that is not."""
    fingerprint = check_fingerprint(options.fingerprint) if options.fingerprint else None
    reports = [verify(path, fingerprint) for path in options.files]
    for path, report in zip(options.files, reports, strict=True):
        if options.json:
            fields = {"unit": report.unit, "fingerprint": report.fingerprint, "passed": report.passed}
            print(json.dumps({"file": str(path), **fields, "failed": failed(report.profile, report.checks)}))
        else:
            sys.stdout.write(table(report))
            print(f"  whole, and signed by the unit with fingerprint {report.fingerprint}")
    if options.html:
        replace_file(options.html, page(reports[0]).encode())
    return EXIT_OK if all(report.passed for report in reports) else EXIT_NOT_PASSED


def verify(path: Path, fingerprint: str | None = None) -> SignedReport:
    """One report, as its unit has signed it. fingerprint: of the unit's label, or of its enrolment.

    Raises TrustError: cut short, altered, another unit's; InputError: it cannot be read.
    """
    return read_report(path, fingerprint)
