"""`stillroom make revoke UNIT --site SITE_DIR --reason CODE`: a unit that was lost, stolen or copied counts no longer.

Its key is kept as revoked, for good; gateway and boards refuse it within a second; the broker's own list shuts it out.
"""

import argparse
import sys
from pathlib import Path

import msgspec

from stillroom.clock import SystemClock
from stillroom.document_forms import Code, now
from stillroom.errors import EXIT_OK, ConfigError
from stillroom.public_keys import VerifyKey
from stillroom_tools.site import retired, shut_out
from stillroom_tools.site.layout import open_site
from stillroom_tools.site.retired import Retirement
from stillroom_tools.site.send import unit_id

HELP = "a unit counts no longer: out of the site, refused by gateway and broker"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("unit", type=Path, metavar="UNIT", help="the unit's id, or its folder")
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    parser.add_argument("--reason", default="lost", metavar="CODE", help="lost, stolen, copied ... (lost)")


def run(options: argparse.Namespace) -> int:
    """Prints the fingerprint that is refused from now on. Raises ConfigError, TrustError, StorageError."""
    try:
        reason = msgspec.convert(options.reason, Code)
    except msgspec.ValidationError:
        raise ConfigError(
            f"--reason '{options.reason}': a code of a-z 0-9 . - : lost, stolen, copied"
        ) from None
    site = open_site(options.site)
    unit = unit_id(options.unit)
    sign = retired.keys_of(site, unit)[0]
    before = retired.find(site, VerifyKey(sign))
    paper = Retirement(now(SystemClock()), site.name, unit, sign, "revoked", reason)
    new = retired.retire(site, site.authority_keys(), paper)
    _say(
        f"unit '{unit}': {'done: revoked' if new else 'again: it counts no longer already'}; {_who(site.name)}"
    )
    if before is not None and (before.why, before.reason) != ("revoked", reason):
        _say(f"noted is {before.why}, {before.reason}, and stays so for good: '{reason}' was not noted")
    _say(shut_out.say(site))
    _say(
        f"what it had been allowed ends with `stillroom site authorise withdraw {unit} --site ...`, where it runs still"
    )
    print(VerifyKey(sign).fingerprint)
    return EXIT_OK


def _who(site: str) -> str:
    return f"gateway and boards of '{site}' refuse it within a second"


def _say(text: str) -> None:
    print(text, file=sys.stderr)
