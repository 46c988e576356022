"""A certificate authority of the sandbox's own, so that every server speaks verified TLS."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import fcntl
import ipaddress
import pathlib
from collections.abc import Iterator, Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_LIFETIME = datetime.timedelta(days=3650)


@dataclasses.dataclass(frozen=True)
class Certificate:
    """A server certificate and its key, as PEM files."""

    certificate: pathlib.Path
    key: pathlib.Path


class Authority:
    """A CA in a folder: made at first use, the same ever after."""

    def __init__(self, folder: pathlib.Path, name: str = "sandbox-ca") -> None:
        self._folder = folder
        self._name = name
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate = folder / f"{name}.pem"
        self._key = folder / f"{name}.key"
        with self._alone():
            if not self.certificate.exists():
                self._create()

    @property
    def pem(self) -> str:
        """The CA certificate as PEM text."""
        return self.certificate.read_text(encoding="ascii")

    def issue(self, name: str, hosts: Sequence[str]) -> Certificate:
        """A certificate for these host names and addresses, under `name` in the CA's folder.

        An existing one is kept: a server that restarts shows the same certificate.
        """
        issued = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        with self._alone():
            if not issued.certificate.exists():
                self._sign(issued, name, hosts)
        return issued

    def _sign(self, issued: Certificate, name: str, hosts: Sequence[str]) -> None:
        ca = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        ca_key = serialization.load_pem_private_key(self._key.read_bytes(), password=None)
        if not isinstance(ca_key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{self._key} does not hold an elliptic-curve key")
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            _builder(name, issuer=ca.subject, public_key=key.public_key())
            .add_extension(x509.SubjectAlternativeName([_name(h) for h in hosts]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()),
                critical=False,
            )
        )
        _write_key(issued.key, key)
        _write_certificate(issued.certificate, builder.sign(ca_key, hashes.SHA256()))

    def _create(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, self._name)])
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        builder = (
            _builder(self._name, issuer=subject, public_key=key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
        )
        _write_key(self._key, key)
        _write_certificate(self.certificate, builder.sign(key, hashes.SHA256()))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """The servers of a sandbox start at once, and each asks for its certificate."""
        with (self._folder / f"{self._name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _builder(
    name: str, *, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + _LIFETIME)
    )


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write_certificate(path: pathlib.Path, signed: x509.Certificate) -> None:
    # Complete or absent, even when this process is killed: its presence says that all is there.
    part = path.with_suffix(".part")
    part.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    part.replace(path)


def _write_key(path: pathlib.Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
