"""TLS as we want it of a broker, and one line for each way in which a broker can fail us: what is wrong, what to do."""

import socket
import ssl
from pathlib import Path

from stillroom import credentials
from stillroom.config import BrokerConfig
from stillroom.errors import BrokerError

ANSWER_WITHIN_S = 5.0
_BAD_LOGIN = {4, 134}
_NOT_ALLOWED = {5, 135}
"""Codes of a CONNACK in MQTT 3.1.1 and 5."""


def where(broker: BrokerConfig) -> str:
    return f"broker {broker.host}:{broker.port}"


def tls_context(broker: BrokerConfig, folder: Path) -> ssl.SSLContext:
    """TLS 1.3, the named CA alone where one is named, our certificate where there is one. Raises BrokerError."""
    try:
        context = ssl.create_default_context(cafile=str(folder / broker.ca_file) if broker.ca_file else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        if broker.certificate_file:
            key = credentials.locate(folder / broker.key_file)
            context.load_cert_chain(str(folder / broker.certificate_file), str(key))
    except (OSError, ssl.SSLError) as error:
        raise BrokerError(
            "cannot load the TLS files of [broker] (ca_file, certificate_file, key_file) from "
            f"{folder}: {getattr(error, 'strerror', None) or error}"
        ) from None
    return context


def explain(error: Exception, broker: BrokerConfig) -> str:
    """One line: what is wrong with the way to the broker, and what to do."""
    at = where(broker)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{at}: its certificate is not accepted: {_certificate(error)}"
    if isinstance(error, ssl.SSLError):
        return f"{at}: TLS failed ({error.reason or error}): is this the TLS port, and does it take TLS 1.3?"
    if isinstance(error, ConnectionRefusedError):
        return f"{at}: nothing listens there: start the broker, or set 'broker.host' and 'broker.port'"
    if isinstance(error, socket.gaierror):
        return f"{at}: no such host: check 'broker.host'"
    if isinstance(error, TimeoutError):
        return f"{at}: no answer within {ANSWER_WITHIN_S:.0f} s: check the address and the network between"
    if isinstance(error, ConnectionResetError):
        return f"{at} {explain_closed('', broker)}"
    return f"{at}: {getattr(error, 'strerror', None) or error}"


def explain_closed(trouble: str, broker: BrokerConfig) -> str:
    """Why a broker ended a connection before it answered. `trouble`: what the socket said, or empty.

    With TLS 1.3 a server judges our certificate only after our side of the handshake is over.
    """
    if "CERTIFICATE_REQUIRED" in trouble:
        return "wants a client certificate: set 'broker.certificate_file' and 'broker.key_file'"
    if "CERTIFICATE_EXPIRED" in trouble:
        return "says that our certificate has expired: renew 'broker.certificate_file' (or a clock is wrong)"
    if "ALERT" in trouble:
        return (
            "does not accept our certificate: is 'broker.certificate_file' of the CA that the broker trusts?"
        )
    other = "plain MQTT" if broker.tls else "TLS"
    return (
        "closed the connection before answering: is this its MQTT port, and does that want "
        f"{other} ('broker.tls' is {str(broker.tls).lower()} here)?"
    )


def explain_refusal(code: int, words: str, client_id: str, broker: BrokerConfig) -> str:
    """Why a broker did not let us in. `code`, `words`: of its CONNACK."""
    if code in _BAD_LOGIN:
        return f"{where(broker)} refuses the login: check 'broker.username' and 'broker.password_file'"
    if code in _NOT_ALLOWED:
        return (
            f"{where(broker)} does not allow '{client_id}': check the user name, the password or the "
            "certificate, and the broker's ACL"
        )
    return f"{where(broker)} refuses the connection: {words}"


def explain_unsaid(topic: str, words: str, broker: BrokerConfig) -> str:
    """Of a message that the broker took and passed on to nobody."""
    base, _, way = topic.rpartition("/")
    line = f"pattern write {base.rpartition('/')[0]}/%u/up" if way == "up" else f"topic write {topic}"
    return f"connected, but {where(broker)} refuses what we say ({words}): it wants `{line}` in its acl"


def _certificate(error: ssl.SSLCertVerificationError) -> str:
    text = error.verify_message
    if "expired" in text:
        return "it has expired: renew the broker's certificate (or this machine's clock is wrong)"
    if "not yet valid" in text:
        return "it is not yet valid: is this machine's clock right?"
    if "ostname" in text or "IP address" in text:
        return "it is for another name: connect by a name in it ('broker.host'), or renew it with this name"
    return f"{text}: is 'broker.ca_file' the CA that signed it?"
