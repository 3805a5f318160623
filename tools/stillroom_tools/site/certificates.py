"""X.509 for TLS 1.3 with client certificates: a site's own CA, its broker's certificate, one for each client.

ECDSA P-256: mosquitto with Debian 12's OpenSSL, NATS and hardware keystores all take it. A unit's key is Ed25519, which
it makes itself; it asks for a certificate and never hands the key out. A certificate only lets its holder speak to the
broker under its name; what a unit says is trusted by its own signature.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stillroom.errors import TrustError
from stillroom.files import read_bounded, read_private

CA_TIME = timedelta(days=3653)
LEAF_TIME = timedelta(days=825)
BACKDATED = timedelta(hours=1)
"""For clocks that are a little slow."""

Private = ec.EllipticCurvePrivateKey
Public = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


@dataclass(frozen=True)
class Pair:
    """A certificate and its key; `key_pem` is secret."""

    certificate: x509.Certificate
    key: Private

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def __repr__(self) -> str:
        return f"Pair({self.certificate.subject.rfc4514_string()}, secret hidden)"


def new_authority(site: str) -> Pair:
    """A CA that signs nothing but end certificates."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"{site} stillroom CA")
    builder = (
        _begin(name, name, key.public_key(), CA_TIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    return Pair(builder.sign(key, hashes.SHA256()), key)


def new_server(authority: Pair, hosts: Sequence[str]) -> Pair:
    """The broker's, for these host names and addresses."""
    names = [_general(host) for host in dict.fromkeys(hosts)]
    return _new_leaf(authority, hosts[0][:64], ExtendedKeyUsageOID.SERVER_AUTH, names)


def new_client(authority: Pair, identity: str) -> Pair:
    """A client's: the broker takes its common name as user name."""
    return _new_leaf(authority, identity, ExtendedKeyUsageOID.CLIENT_AUTH, [x509.DNSName(identity)])


def client_of(ca: Path, identity: str) -> tuple[bytes, Pair]:
    """The CA's certificate and a new client's, from the folder that a site's CA lies in. Raises TrustError."""
    authority = load_ca(ca)
    return authority.pem, new_client(authority, identity)


def certified(ca: Path, identity: str, request_pem: bytes) -> tuple[bytes, bytes]:
    """The CA's certificate and one for the key that a unit's request names. Raises TrustError: not this unit's."""
    try:
        request = x509.load_pem_x509_csr(request_pem)
        key = request.public_key()
        good = request.is_signature_valid and request.subject == _name(identity)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise TrustError(f"unit '{identity}': its request for a certificate is damaged: {error}") from None
    if not good or not isinstance(key, ed25519.Ed25519PublicKey):
        raise TrustError(f"unit '{identity}': its request for a certificate is not its own: export it again")
    authority = load_ca(ca)
    certificate = _certificate(
        authority, identity, key, ExtendedKeyUsageOID.CLIENT_AUTH, [x509.DNSName(identity)]
    )
    return authority.pem, certificate.public_bytes(serialization.Encoding.PEM)


def load_ca(ca: Path) -> Pair:
    """A site's CA, from the folder that it lies in. Raises TrustError."""
    certificate, key = ca / "ca.pem", ca / "ca-key.pem"
    try:
        return load_pair(read_bounded(certificate), read_private(key))
    except (ValueError, TypeError) as error:
        raise TrustError(f"{key}: not the key of {certificate.name}: {error}") from None


def load_pair(certificate_pem: bytes, key_pem: bytes) -> Pair:
    """Raises ValueError for what is not a certificate with its P-256 key."""
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    key = serialization.load_pem_private_key(key_pem, None)
    if not isinstance(key, Private) or key.public_key() != certificate.public_key():
        raise ValueError("the key is not the certificate's")
    return Pair(certificate, key)


def _new_leaf(
    authority: Pair, name: str, usage: x509.ObjectIdentifier, names: Sequence[x509.GeneralName]
) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    return Pair(_certificate(authority, name, key.public_key(), usage, names), key)


def _certificate(
    authority: Pair,
    name: str,
    key: Public,
    usage: x509.ObjectIdentifier,
    names: Sequence[x509.GeneralName],
) -> x509.Certificate:
    builder = (
        _begin(_name(name), authority.certificate.subject, key, LEAF_TIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False
        )
    )
    return builder.sign(authority.key, hashes.SHA256())


def _begin(subject: x509.Name, issuer: x509.Name, key: Public, time: timedelta) -> x509.CertificateBuilder:
    start = datetime.now(UTC).replace(microsecond=0) - BACKDATED
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + time)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
