"""`stillroom site board --site SITE_DIR [--listen 127.0.0.1:8443]`: the ward board, a page for a site's staff.

Over TLS with the certificate in `board/`, which `--certificate HOST` makes with the site's CA. Without one it is plain
HTTP, and then on a loopback address only.
"""

import argparse
import ipaddress
import signal
import socket
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn
from cryptography import x509

from stillroom import credentials
from stillroom.clock import Clock, SystemClock
from stillroom.errors import EXIT_OK, ConfigError, TrustError
from stillroom.files import lock_folder, read_bounded, replace_file
from stillroom.notify import Notifier
from stillroom_tools.site.board.app import application
from stillroom_tools.site.board.desk import Desk, environment
from stillroom_tools.site.board.history import History
from stillroom_tools.site.board.live import Live
from stillroom_tools.site.board.log import Log
from stillroom_tools.site.board.people import People, new_token
from stillroom_tools.site.board.recordings import Follower
from stillroom_tools.site.board.sessions import Sessions
from stillroom_tools.site.host import check_host
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.subscriber import say
from stillroom_tools.site.watching import Watch

HELP = "the ward board: a web page of the rooms, for people who log in"

MOST_CONNECTIONS = 512
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
_CERTIFICATE, _KEY = "server.pem", "server-key.pem"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    parser.add_argument(
        "--listen", default="127.0.0.1:8443", metavar="ADDRESS:PORT", help="where (127.0.0.1:8443)"
    )
    parser.add_argument(
        "--certificate",
        action="append",
        default=[],
        metavar="HOST",
        help="make the certificate for this name or address (again for more), and end; needs the site's CA",
    )


def run(options: argparse.Namespace) -> int:
    """Until SIGINT or SIGTERM. Raises ConfigError (an occupied port too), TrustError, StorageError."""
    site = open_site(options.site)
    if options.certificate:
        return _make_certificate(site, options.certificate)
    place = where(options.listen, site)
    lock = lock_folder(site.folder / "board", "board.lock", "board")
    clock = SystemClock()
    listening = place.listen()
    watch = Watch(site, clock, lambda text: say(f"board: {text}"))
    desk = make_desk(site, clock, watch, tls=place.certificate is not None)
    say(f"board: site '{site.name}': {place.address}")
    if not any(person.ready and "manager" in person.roles for person in desk.people.all()):
        desk.first_token = new_token()
        say(
            f"board: no manager can log in yet. Open {place.address}/set-up: this token makes the first one, once:"
        )
        say(desk.first_token)
    following = follower(desk)
    try:
        desk.live.start()
        following.start()
        serve(desk, place, listening)
    finally:
        following.stop()
        desk.live.stop()
        desk.history.close()
        listening.close()
        del lock
    return EXIT_OK


@dataclass(frozen=True)
class Place:
    """Where a board listens, and under which names."""

    host: str
    port: int
    names: tuple[str, ...]
    certificate: Path | None
    key: Path | None

    @property
    def address(self) -> str:
        name = f"[{self.names[0]}]" if ":" in self.names[0] else self.names[0]
        return f"http{'s' if self.certificate else ''}://{name}:{self.port}"

    def listen(self) -> socket.socket:
        """Raises ConfigError where that cannot be had."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((self.host, self.port))
            made.listen(128)
        except OSError as error:
            made.close()
            raise ConfigError(
                f"--listen {self.host}:{self.port}: {error.strerror}: stop what listens there, or choose another"
            ) from None
        return made


def where(listen: str, site: Site) -> Place:
    """`--listen` with the site's certificate. Raises ConfigError, TrustError; plain HTTP for loopback alone."""
    host, _, digits = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    port = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else 0
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise ConfigError(f"--listen '{listen}': ADDRESS:PORT is needed, as in 127.0.0.1:8443") from None
    if not 1 <= port <= 65535:
        raise ConfigError(f"--listen '{listen}': the port is 1 to 65535")
    certificate, key = (site.folder / "board" / name for name in (_CERTIFICATE, _KEY))
    if certificate.exists():
        return Place(host, port, _names(certificate), certificate, credentials.locate(key))
    if not address.is_loopback:
        raise ConfigError(
            f"--listen '{listen}': without TLS others could read along: make a certificate first, --certificate HOST"
        )
    return Place(host, port, tuple(dict.fromkeys((host, *LOOPBACK_NAMES))), None, None)


def make_desk(site: Site, clock: Clock, watch: Watch, *, tls: bool) -> Desk:
    """A board that is not served yet."""
    pages = environment()
    live = Live(watch, clock, lambda name, **values: desk.draw(name, **values))
    folder = site.folder / "board"
    people, log = People(folder / "people", clock), Log(folder, site.keys("board"), clock)
    desk = Desk(site, clock, people, Sessions(clock), log, live, History(site, clock), pages, tls)
    return desk


def follower(desk: Desk) -> Follower:
    """Of recordings, for the tiles."""

    def tell(recorded: frozenset[str]) -> None:
        desk.live.recorded = recorded

    return Follower(desk.history.ask, lambda: list(desk.live.faces[False].shown), tell)


def serve(desk: Desk, place: Place, listening: socket.socket) -> None:
    """Until a signal. Raises TrustError for a certificate that cannot be used."""
    names = (*place.names, *LOOPBACK_NAMES)
    config = uvicorn.Config(
        application(desk, names),
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=2,
        ssl_certfile=place.certificate,
        ssl_keyfile=place.key,
    )
    try:
        config.load()
    except (ssl.SSLError, OSError) as error:
        raise TrustError(f"{place.certificate}: cannot be used with {place.key}: {error}") from None
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_3
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # the server ends at them, and raises them again when it has
    _Server(config, desk).run(sockets=[listening])


class _Server(uvicorn.Server):
    """Lets the streams end by themselves before it ends; tells systemd that pages are answered, and units heard."""

    def __init__(self, config: uvicorn.Config, desk: Desk) -> None:
        super().__init__(config)
        self._desk = desk
        self._notifier = Notifier()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._notifier.ready()

    async def on_tick(self, counter: int) -> bool:
        if not self._desk.live.stuck:
            self._notifier.progress()
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._desk.closing = True
        super().handle_exit(sig, frame)


def _names(certificate: Path) -> tuple[str, ...]:
    """For whom a certificate was made. Raises TrustError."""
    try:
        found = x509.load_pem_x509_certificate(read_bounded(certificate))
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound) as error:
        raise TrustError(f"{certificate}: not a certificate of ours: {error}") from None
    hosts = names.get_values_for_type(x509.DNSName)
    return (*hosts, *(str(one) for one in names.get_values_for_type(x509.IPAddress)))


def _make_certificate(site: Site, hosts: list[str]) -> int:
    from stillroom_tools.site.certificates import load_ca, new_server

    for host in hosts:
        check_host(host, "--certificate")
    pair = new_server(load_ca(site.folder / "ca"), hosts)
    replace_file(site.folder / "board" / _KEY, pair.key_pem, 0o600)
    replace_file(site.folder / "board" / _CERTIFICATE, pair.pem)
    print(
        f"made for {', '.join(hosts)}; browsers must trust {site.folder / 'ca' / 'ca.pem'}", file=sys.stderr
    )
    return EXIT_OK
