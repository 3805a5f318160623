"""What the tests of the facility share: certificates that may be wrong on purpose."""

import datetime
import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from postgres import Postgres, missing
from unit_sender import SITE, SLOT_S, command

from stillroom_tools.lab.broker import LocalBroker, find_program
from stillroom_tools.site.gateway.place import Place, find, in_folder

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """A CA with its certificate in `folder/NAME.pem`."""

    folder: Path
    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(cls, folder: Path, name: str = "ca") -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            _builder(subject, subject, key, -1, 10)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return cls(folder, name, key, certificate)

    def issue(
        self, name: str, *, host: str = "127.0.0.1", from_days: float = -1, until_days: float = 5
    ) -> None:
        """Write `NAME.pem` and `NAME-key.pem`, for the address `host`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        certificate = (
            _builder(subject, self.certificate.subject, key, from_days, until_days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(address, critical=False)
            .add_extension(issuer_key, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        (self.folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        (self.folder / f"{name}-key.pem").write_bytes(secret)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    from_days: float,
    until_days: float,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + from_days * DAY)
        .not_valid_after(now + until_days * DAY)
    )


def _usage(signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


@pytest.fixture
def make_authority(tmp_path: Path) -> Callable[[str], Authority]:
    """A CA by name, with its files in a folder of that name."""

    def make(name: str) -> Authority:
        folder = tmp_path / name
        folder.mkdir()
        return Authority.make(folder, name)

    return make


@pytest.fixture
def tls_site(tmp_path: Path) -> Path:
    """A site made by the command, with TLS and short slots."""
    folder = tmp_path / "site"
    command("site", "new", folder, "--site", SITE, "--slot", SLOT_S)
    return folder


@pytest.fixture
def tls_broker(tls_site: Path) -> Iterator[LocalBroker]:
    """mosquitto with the site's certificates and ACL; the site and later its units know its port."""
    if find_program("mosquitto") is None:
        pytest.skip("mosquitto is not installed")
    with LocalBroker("mosquitto", site=tls_site) as running:
        settings = tls_site / "site.toml"
        settings.write_text(re.sub(r"port = \d+", f"port = {running.port}", settings.read_text()))
        yield running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One for all tests; each makes databases of its own."""
    if why := missing():
        pytest.skip(why)
    server = Postgres()
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A database of nobody yet, of each kind that a gateway can use."""
    if request.param == "sqlite":
        return in_folder(tmp_path / "kept")
    return find(tmp_path, request.getfixturevalue("postgres").new_database())
