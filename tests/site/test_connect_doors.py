"""Doors that lead to no broker, or to none for us; and command lines that cannot be meant. A line each."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.connecting import Connect, connector

from stillroom import cli
from stillroom_tools.lab.broker import LocalBroker, find_program

needs_mosquitto = pytest.mark.skipif(find_program("mosquitto") is None, reason="mosquitto is not installed")


@pytest.fixture
def connect(capsys: pytest.CaptureFixture[str]) -> Connect:
    return connector(capsys)


@contextmanager
def listener(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Something on a port that does `answer` with each connection."""
    kept: list[socket.socket] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                kept.append(server.accept()[0])
                with suppress(OSError):
                    answer(kept[-1])

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
    for each in kept:
        each.close()


def web(connection: socket.socket) -> None:
    connection.recv(100)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    connection.close()


@pytest.mark.parametrize(
    ("answer", "check", "words"),
    [
        (web, "mqtt", "closed the connection before answering"),
        (lambda connection: connection.close(), "mqtt", "closed the connection before answering"),
        (lambda _connection: None, "mqtt", "no answer within"),
    ],
)
def test_a_listener_that_is_no_broker(connect: Connect, answer: Callable, check: str, words: str) -> None:
    with listener(answer) as port:
        code, found, said = connect(f"mqtt://127.0.0.1:{port}")
    assert code == 7
    assert found[check][0] == "missing" and words in found[check][1]
    assert said.count("\n") == 1 and words in said


@needs_mosquitto
def test_a_certificate_of_another_ca_and_a_plain_url_are_named(
    tls_broker: LocalBroker, tls_site: Path, connect: Connect, tmp_path: Path
) -> None:
    assert cli.main(["site", "new", str(tmp_path / "other"), "--site", "other"]) == 0
    code, found, said = connect(tls_broker.url, "--site", tls_site, "--ca", tmp_path / "other/ca/ca.pem")
    assert code == 7 and "certificate is not accepted" in found["tls"][1] and said.count("\n") == 1
    code, found, _ = connect(tls_broker.url.replace("mqtts", "mqtt"), "--site", tls_site)
    assert code == 7 and found["mqtt"][0] == "missing"


def test_an_older_tls_is_named(tls_site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls_site / "broker/server.pem", tls_site / "broker/server-key.pem")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with listener(lambda connection: context.wrap_socket(connection, server_side=True).close()) as port:
        code = cli.main(["site", "connect", "--broker", f"mqtts://127.0.0.1:{port}", "--site", str(tls_site)])
    assert code == 7
    assert "it speaks TLSv1.2: let it offer TLS 1.3" in capsys.readouterr().out


def test_a_port_that_hangs_in_the_handshake(connect: Connect) -> None:
    with listener(lambda _connection: None) as port:
        code, found, _ = connect(f"mqtts://127.0.0.1:{port}")
    assert code == 7
    assert found["reach"][0] == "good" and "no answer within" in found["tls"][1]


def test_nothing_there(connect: Connect) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code, found, said = connect(f"mqtt://127.0.0.1:{port}")
    assert code == 7 and found == {"reach": ("missing", found["reach"][1])}
    assert "nothing listens there" in said and said.count("\n") == 1
    assert connect("mqtt://no-such-host.invalid")[1]["reach"][1].endswith("no such host: check 'broker.host'")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["http://broker"], "expected mqtt://host[:port]"),
        (["broker:1883"], "expected mqtt://host[:port]"),
        (["mqtt://"], "expected mqtt://host[:port]"),
        (["mqtt://broker:99999"], "expected mqtt://host[:port]"),
        (["mqtt://broker:0"], "1 to 65535"),
        (["mqtt://broker/topic"], "expected mqtt://host[:port]"),
        (["mqtt://a:b@broker"], "password file apart"),
        (["mqtt://bro ker"], "a host name"),
        (["mqtt://broker", "--ca", "ca.pem"], "mqtts:// alone"),
        (["mqtts://broker", "--certificate", "c.pem"], "belong together"),
        (["mqtt://broker", "--password-file", "p"], "--username"),
        (["mqtt://broker", "--username", "u", "--password-file", "/nowhere"], "no such file"),
        (["mqtt://broker", "--write", "lines"], "for which site"),
        (["mqtt://broker", "--name", "A Ward"], "1 to 32 of a-z"),
        (["mqtt://broker", "--site", "/nowhere"], "no site here"),
        (["mqtt://broker", "--unit", "/nowhere"], "unit.toml"),
    ],
)
def test_what_cannot_be_meant_is_one_line(connect: Connect, arguments: list[str], words: str) -> None:
    code, found, said = connect(*arguments)
    assert code == 3 and found == {}
    assert words in said and said.count("\n") == 1
