"""`python -m stillroom_tools.make.sbom [--packages DIR] [--of NAME]`: what is shipped, as CycloneDX 1.5 in JSON.

Read from what is installed (importlib.metadata), so that it names what is there and not what was asked for. The same
packages give the same bytes: its number follows from them, its time is SOURCE_DATE_EPOCH.
"""

import json
import os
import re
import sys
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from stillroom.options import Parser

OURS = "stillroom"
_NAMESPACE = uuid.UUID("6f5ba0bb-8f3c-5c0e-9a52-0d4f6a7c2f11")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = Parser(prog="sbom", description="what is installed, as CycloneDX")
    parser.add_argument("--packages", type=Path, metavar="DIR", help="a site-packages folder; else our own")
    parser.add_argument("--of", default=OURS, metavar="NAME", help=f"what the bill is of ({OURS})")
    options = parser.parse_args(arguments)
    places = [str(options.packages)] if options.packages else None
    found = distributions(path=places) if places else distributions()
    json.dump(bill(found, options.of), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")
    return 0


def bill(found: Iterable[Distribution], of: str = OURS) -> dict[str, Any]:
    """Of these distributions: `of` is what the bill is of, the others are what it is made of."""
    named = {_name(one): one for one in found}
    rows = [_component(name, named[name]) for name in sorted(named) if name != of]
    ours = _component(of, named[of]) if of in named else {"type": "application", "name": of}
    content = json.dumps([ours, rows], sort_keys=True)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": uuid.uuid5(_NAMESPACE, content).urn,
        "version": 1,
        "metadata": {"timestamp": _time(), "component": ours | {"type": "application"}},
        "components": rows,
        "dependencies": [_needs(name, named) for name in sorted(named)],
    }


def _component(name: str, one: Distribution) -> dict[str, Any]:
    row: dict[str, Any] = {
        "type": "library",
        "bom-ref": _purl(name, one),
        "name": name,
        "version": one.version,
        "purl": _purl(name, one),
    }
    said = one.metadata
    licence = next((said[key] for key in ("License-Expression", "License") if key in said), "")
    if licence and len(licence) < 64 and "\n" not in licence:
        row["licenses"] = [{"license": {"name": licence}}]
    return row


def _needs(name: str, named: dict[str, Distribution]) -> dict[str, Any]:
    """Which of the others it asks for, without what only an extra of it asks for."""
    asked = (one for one in named[name].requires or [] if "extra ==" not in one)
    others = {_plain(re.split(r"[^A-Za-z0-9._-]", one, maxsplit=1)[0]) for one in asked}
    return {
        "ref": _purl(name, named[name]),
        "dependsOn": sorted(_purl(other, named[other]) for other in others & named.keys()),
    }


def _name(one: Distribution) -> str:
    return _plain(one.metadata["Name"])


def _plain(name: str) -> str:
    """As PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _purl(name: str, one: Distribution) -> str:
    return f"pkg:pypi/{name}@{one.version}"


def _time() -> str:
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    at = datetime.fromtimestamp(int(epoch), UTC) if epoch.isdecimal() else datetime.now(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


if __name__ == "__main__":
    raise SystemExit(main())
