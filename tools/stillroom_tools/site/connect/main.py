"""`stillroom site connect --broker URL`: what a broker gives a site, by trying; and what it needs, as lines to paste.

Everything is tried with clients of its own, on the topics of two units that are not there (or of the one given). Beside
a site at work its gateway counts some fifteen hundred records as refused, and nothing else changes.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from stillroom.errors import EXIT_OK, BrokerError, ConfigError
from stillroom.files import make_folder, replace_file
from stillroom_tools.site import shut_out
from stillroom_tools.site.broker import (
    emqx_acl,
    emqx_conf,
    mosquitto_acl,
    mosquitto_lines,
    mosquitto_shut_out,
)
from stillroom_tools.site.connect import carry, keep
from stillroom_tools.site.connect.door import at_the_door
from stillroom_tools.site.connect.findings import Finding, absent, lines, report
from stillroom_tools.site.connect.rights import rights
from stillroom_tools.site.connect.ways import NO_SITE, Given, Ways, find_ways
from stillroom_tools.site.layout import open_site

HELP = "what a broker gives a site, by trying; what is missing, and the lines that it needs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--broker", required=True, metavar="URL", help="mqtt://host[:port] or mqtts://host[:port]"
    )
    parser.add_argument(
        "--site", type=Path, metavar="SITE_DIR", help="come with the certificates of this site"
    )
    parser.add_argument("--name", default="", metavar="NAME", help="of a site that is not made yet")
    parser.add_argument(
        "--unit",
        type=Path,
        metavar="UNIT_DIR",
        help="come as this unit, which is not running (else: as two made up)",
    )
    parser.add_argument("--ca", type=Path, metavar="FILE", help="the CA of the broker's certificate")
    parser.add_argument("--certificate", type=Path, metavar="FILE", help="come as the gateway with this one")
    parser.add_argument("--key", type=Path, metavar="FILE", help="its key")
    parser.add_argument("--username", default="", metavar="NAME", help="where a login is wanted")
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="its password, in a file")
    parser.add_argument("--json", action="store_true", help="the findings as one object of JSON")
    parser.add_argument(
        "--write", type=Path, metavar="DIR", help="write lines and access lists for mosquitto and EMQX there"
    )


def run(options: argparse.Namespace) -> int:
    """Raises BrokerError where a site cannot work there, ConfigError, TrustError, StorageError."""
    given = Given(
        options.broker,
        options.site,
        options.name,
        options.unit,
        options.ca,
        options.certificate,
        options.key,
        options.username,
        options.password_file,
    )
    if options.write and not (options.site or options.name):
        raise ConfigError("--write: for which site? Give --site, or --name for one that is not made yet")
    with tempfile.TemporaryDirectory(prefix="stillroom-connect-") as scratch:
        ways = find_ways(given, Path(scratch))
        if options.write:
            left_out = shut_out.units(open_site(options.site)) if options.site else []
            write(ways.site, options.write, left_out)
        findings = _told(ways, options.broker, aloud=not options.json)
    if options.json:
        print(msgspec.json.encode(report(options.broker, ways.site, findings)).decode())
    lacking = absent(findings)
    if lacking:
        raise BrokerError(
            f"a site cannot work at {options.broker}: {'; '.join(_brief(each) for each in lacking)}"
        )
    return EXIT_OK


def _told(ways: Ways, url: str, *, aloud: bool) -> list[Finding]:
    """Try everything; each finding is printed when it is there, since some take seconds."""
    if aloud:
        print(f"{url}, as site '{ways.site}'" + (" (no site is given)" if ways.site == NO_SITE else ""))
    found = []
    for finding in tried(ways):
        found.append(finding)
        if aloud:
            print(*lines([finding]), flush=True)
    return found


def tried(ways: Ways) -> Iterator[Finding]:
    """All findings. Where a site cannot even come in or speak, the rest is not tried. Raises BrokerError."""
    version, door = at_the_door(ways)
    yield from door
    if version is None:
        return
    carried = carry.both_ways(ways, version)
    yield from carried
    if absent(carried):
        return
    yield carry.sizes(ways, version)
    yield from rights(ways, version)
    yield from keep.session(ways, version)
    yield keep.queue(ways, version)
    yield keep.takeover(ways, version)
    yield keep.retained(ways, version)
    yield keep.shared(ways, version)


def write(site: str, folder: Path, left_out: Sequence[str] = ()) -> None:
    """Lines and access lists for a broker that is there; `left_out` may not come in. Raises StorageError."""
    make_folder(folder)
    place = folder.resolve()
    for name, text in (
        ("mosquitto-lines.conf", mosquitto_lines(site, place)),
        ("acl", mosquitto_acl(site) + mosquitto_shut_out(site, left_out)),
        ("emqx-lines.conf", emqx_conf(site, place)),
        ("emqx-acl.conf", emqx_acl(site, left_out)),
    ):
        replace_file(place / name, text.encode())
        print(f"{place / name}: written", file=sys.stderr)


def _brief(finding: Finding) -> str:
    return f"{finding.check}: {finding.found}"
