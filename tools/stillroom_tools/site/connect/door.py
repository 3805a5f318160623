"""The way in: does something answer, with which TLS and certificate, are we let in, and which MQTT is spoken."""

import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from cryptography import x509

from stillroom.broker_trouble import ANSWER_WITHIN_S, explain, tls_context
from stillroom.mqtt_client import UNSUPPORTED_VERSION
from stillroom_tools.site.connect.findings import Finding, good, limited, missing
from stillroom_tools.site.connect.probe import Probe, Refused
from stillroom_tools.site.connect.ways import Way, Ways

SOON_DAYS = 30


def reach(way: Way) -> Finding:
    """Whether anything takes connections there."""
    began_s = time.monotonic()
    try:
        with _plain(way):
            took_ms = (time.monotonic() - began_s) * 1000
            return good("reach", f"{way.broker.host}:{way.broker.port} answers in {took_ms:.0f} ms")
    except OSError as error:
        return missing("reach", explain(error, way.broker))


def tls(way: Way) -> list[Finding]:
    """The handshake as every process of a site does it, and the certificate that the broker shows."""
    if not way.broker.tls:
        means = "for a laptop only: units of profile `care` refuse it, and whoever sees the network reads the login"
        return [limited("tls", "none", means)]
    context = tls_context(way.broker, way.folder)
    try:
        with _plain(way) as plain, context.wrap_socket(plain, server_hostname=way.broker.host) as wrapped:
            version, shown = wrapped.version(), wrapped.getpeercert(binary_form=True)
    except TimeoutError as error:
        return [missing("tls", explain(error, way.broker))]
    except OSError as error:  # ssl.SSLError is one
        return [missing("tls", explain(error, way.broker), _older(way))]
    assert shown is not None  # a handshake without one does not verify
    return [good("tls", f"{version}"), _certificate(x509.load_der_x509_certificate(shown))]


def enter(ways: Ways) -> tuple[bool | None, list[Finding]]:
    """Whether MQTT 5 is spoken (None: we are not let in), tried as the gateway, and then whether a unit is let in."""
    found: list[Finding] = []
    version = _version(ways, found)
    if version is None:
        return None, found
    if ways.told_apart:
        try:
            with Probe(ways.unit, ways.site, v5=version):
                found.append(good("unit login", f"'{ways.unit.name}' is let in"))
        except Refused as error:
            return None, [*found, missing("unit login", str(error))]
    return version, found


def _version(ways: Ways, found: list[Finding]) -> bool | None:
    """As a site's processes do it: MQTT 5, and 3.1.1 where the broker does not know that, or says nothing."""
    try:
        with Probe(ways.gateway, ways.site, v5=True):
            found.append(good("mqtt", "version 5"))
            return True
    except Refused as error:
        if error.code and error.code not in UNSUPPORTED_VERSION:
            found.append(missing("mqtt", str(error)))
            return None
    try:
        with Probe(ways.gateway, ways.site, v5=False):
            means = "enough; but it cannot say that it refused a message, or why it closes"
            found.append(limited("mqtt", "version 3.1.1, not 5", means))
            return False
    except Refused as error:
        found.append(missing("mqtt", str(error)))
        return None


def _certificate(shown: x509.Certificate) -> Finding:
    until = shown.not_valid_after_utc
    left = (until - datetime.now(UTC)).days
    said = f"{_names(shown)}, by {shown.issuer.rfc4514_string()}, until {until:%Y-%m-%d}"
    if left < SOON_DAYS:
        return limited("certificate", said, f"it expires in {left} days, and then no unit connects: renew it")
    return good("certificate", said)


def _names(shown: x509.Certificate) -> str:
    try:
        names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return shown.subject.rfc4514_string()
    return ", ".join(str(name.value) for name in names)


def _older(way: Way) -> str:
    """What the port does speak, where it is not TLS 1.3 with a certificate that we trust; nothing is sent over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with _plain(way) as plain, context.wrap_socket(plain, server_hostname=way.broker.host) as wrapped:
            version = wrapped.version()
    except OSError:
        return ""
    return "" if version == "TLSv1.3" else f"it speaks {version}: let it offer TLS 1.3"


def _plain(way: Way) -> socket.socket:
    return socket.create_connection((way.broker.host, way.broker.port), ANSWER_WITHIN_S)


def at_the_door(ways: Ways) -> tuple[bool | None, list[Finding]]:
    """All of it, until something is missing; the version as `enter` gives it."""
    found: list[Finding] = []
    for step in _steps(ways):
        found += step
        if any(finding.outcome == "missing" for finding in step):
            return None, found
    version, more = enter(ways)
    return version, found + more


def _steps(ways: Ways) -> Iterator[list[Finding]]:
    yield [reach(ways.gateway)]
    yield tls(ways.gateway)
