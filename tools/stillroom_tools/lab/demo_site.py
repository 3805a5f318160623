"""The demo's site: made by the commands that real sites use, in a folder that goes with the demo."""

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from msgspec.structs import replace

from stillroom import cli, config
from stillroom.errors import ConfigError, StillroomError
from stillroom.files import write_new
from stillroom_tools.lab.demo_unit import DemoUnit
from stillroom_tools.make.toml import to_toml
from stillroom_tools.site.layout import SITE_FILE

SITE = "demo"
SLOT_S = 1.0
DEFAULT_PORT = 1883
SIZE_PX = (640, 480)
FRAMES_PER_S = 15.0
"""Half of a real camera's, so that several rooms fit on a laptop; the pulse needs no more."""
SUMMARY_S = 30.0
LIVES = ("day", "sleeper", "faller", "restless", "ward", "night", "hard", "empty")


class Broker(NamedTuple):
    """Where the demo's broker is."""

    host: str
    port: int
    username: str = ""
    password: str = ""


def parse_broker(url: str) -> Broker:
    """`mqtt://[user:password@]host[:port]`. Raises ConfigError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme == "mqtts":
        raise ConfigError(
            f"--broker '{url}': a broker with TLS takes a site's own certificates: stillroom site new"
        )
    if parts.scheme != "mqtt" or not parts.hostname or parts.path not in {"", "/"}:
        raise ConfigError(f"--broker '{url}': expected mqtt://[user:password@]host[:port]")
    return Broker(
        parts.hostname, port or DEFAULT_PORT, unquote(parts.username or ""), unquote(parts.password or "")
    )


def make_site(folder: Path, broker: Broker) -> Path:
    """A site beside the demo's units. Its name is the demo's own, so that a shared broker keeps them apart."""
    site = folder / "site"
    _command(
        ["site", "new", str(site), "--site", f"{SITE}-{folder.name[-6:].lower().replace('_', '-')}"]
        + ["--broker-host", broker.host, "--broker-port", str(broker.port), "--slot", str(SLOT_S), "--no-tls"]
    )
    if broker.username:
        _add_login(site, broker)
    return site


def make_unit(folder: Path, site: Path, number: int, camera: str, scenarios: Path) -> DemoUnit:
    """Unit and room `number` (from 1): keys, configuration, and an authorisation for a day."""
    name, room = f"unit-{number}", f"room-{number}"
    life = LIVES[(number - 1) % len(LIVES)]
    kind, source = (
        ("simulated", scenarios / f"{life}.toml") if camera == "simulated" else ("recorded", camera)
    )
    unit = DemoUnit(name, room, folder / name, life if kind == "simulated" else "")
    _command(
        ["make", "unit", str(unit.folder), "--site", str(site), "--unit", name]
        + ["--profile", "lab", "--camera", kind, "--source", str(source)]
    )
    _configure(unit.folder / "unit.toml", number)
    authorise(unit, site)
    return unit


def make_victim(folder: Path) -> None:
    """A unit of a site of its own, for attackers to sit in. It is never run."""
    _command(["site", "new", str(folder / "site"), "--site", "attacked", "--no-tls"])
    _command(["make", "unit", str(folder / "unit"), "--site", str(folder / "site"), "--profile", "lab"])


def without_models(unit: DemoUnit) -> None:
    """This unit looks through no models, whatever weights are on the machine."""
    path = unit.folder / "unit.toml"
    settings = config.load(path)
    path.write_text(to_toml(replace(settings, detector=replace(settings.detector, models=""))))


def authorise(unit: DemoUnit, site: Path) -> None:
    """A signed authorisation for a day, put where the keeper finds it."""
    _command(
        [
            "site",
            "authorise",
            "new",
            str(unit.folder),
            "--site",
            str(site),
            "--room",
            unit.room,
            "--days",
            "1",
        ]
        + ["--scopes", "status,breathing,pulse"]
    )


def withdraw(unit: DemoUnit, site: Path) -> None:
    """Take every authorisation of this unit back."""
    _command(["site", "authorise", "withdraw", str(unit.folder), "--site", str(site)])


def _add_login(site: Path, broker: Broker) -> None:
    password = site / "gateway" / "broker-password"
    write_new(password, broker.password.encode())
    path = site / SITE_FILE
    login = f"username = {json.dumps(broker.username)}\npassword_file = {json.dumps(str(password.relative_to(site)))}"
    path.write_text(path.read_text().replace("[slots]", f"{login}\n\n[slots]"))


def _configure(path: Path, number: int) -> None:
    """What the demo wants of a unit beyond what `make unit` writes."""
    unit = config.load(path)
    camera = replace(
        unit.camera,
        width_px=SIZE_PX[0],
        height_px=SIZE_PX[1],
        frames_per_s=FRAMES_PER_S,
        seed=number,
        loop=True,
        cues="cues" if unit.camera.kind == "simulated" else "",
    )
    path.write_text(to_toml(replace(unit, camera=camera, outbox=replace(unit.outbox, summary_s=SUMMARY_S))))


def _command(arguments: list[str]) -> None:
    """Run one of our own commands; what it says goes nowhere unless it fails."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = cli.main(arguments)
    if code != 0:
        print(said.getvalue().strip(), file=sys.stderr)
        raise StillroomError(
            f"the demo could not be set up: stillroom {' '.join(arguments[:2])} ended with {code}"
        )
