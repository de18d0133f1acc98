"""Certificates that this machine makes: for servers that trust nobody but themselves, and for people's browsers."""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY, CERTIFICATE, KEY = "ca.pem", "cert.pem", "key.pem"
AUTHORITY_KEY = "ca-key.pem"
_VALID = timedelta(days=3650)
_RENEWED_AHEAD = timedelta(days=730)
# A machine whose clock has no battery may start in the past.
_SINCE = datetime(2000, 1, 1, tzinfo=UTC)
# Apple's devices take no certificate for longer than 825 days, from whatever authority.
_FOR_BROWSERS, _FOR_BROWSERS_AHEAD = timedelta(days=397), timedelta(days=60)
_LONGEST_NAME = 64
_AT_HOME = ("localhost", "local", "lan", "internal", "home.arpa")
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
            "::1/128", "fc00::/7", "fe80::/10")  # fmt: skip


def ensure_certificates(folder: Path, name: str, now: datetime | None = None) -> None:
    """Puts an authority of its own, and one certificate of it for both ends of a connection, into `folder`.

    The three files are made where one is missing, damaged or about to expire, for their owner alone. The
    authority's own key is thrown away: it signs this one certificate and never another.
    name: the common name. now: the time to judge by; the clock's where None.
    """
    now = now or datetime.now(UTC)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if _is_good(folder, now + _RENEWED_AHEAD):
        return
    until = now + _VALID
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name(f"{name} authority {secrets.token_hex(4)}")
    basic = _builder(issuer, issuer, authority_key, _SINCE, until).add_extension(
        x509.BasicConstraints(True, 0), critical=True
    )
    authority = basic.sign(authority_key, hashes.SHA256())
    certificate = (
        _builder(_name(name), issuer, key, _SINCE, until)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    _write(folder / AUTHORITY, authority.public_bytes(serialization.Encoding.PEM))
    _write(folder / CERTIFICATE, certificate.public_bytes(serialization.Encoding.PEM))
    _write(folder / KEY, _pem_of(key))


def ensure_for_browsers(
    folder: Path, names: Collection[str], addresses: Iterable[str], now: datetime | None = None
) -> bool:
    """Puts a certificate for these names and addresses into `folder`, of an authority that people's devices trust once.

    The authority stays, with its key, for ten years; the certificate is made anew, by the same authority, in its last
    two months and when a name or an address was added. The authority may speak for these names, for those that are
    used within households, and for private addresses: whoever steals its key cannot be another site for those who
    trust it. Addresses of the internet are left out. Returns whether anything was made anew.
    """
    at_home = [one for one in _parsed(addresses) if _is_private(one)]
    return _ensure(folder, names, at_home, (), now or datetime.now(UTC), _FOR_BROWSERS, _FOR_BROWSERS_AHEAD)


def ensure_for_servers(
    folder: Path, names: Collection[str], addresses: Iterable[str], now: datetime | None = None
) -> bool:
    """The same for servers that programs alone ask: for ten years, and of whatever address.

    Both are made anew in their last two years. Returns whether anything was.
    """
    known = _parsed(addresses)
    public = [one for one in known if not _is_private(one)]
    return _ensure(folder, names, known, public, now or datetime.now(UTC), _VALID, _RENEWED_AHEAD)


def _ensure(
    folder: Path, names: Collection[str], addresses: Collection[_Address], public: Collection[_Address], now: datetime,
    valid: timedelta, ahead: timedelta,
) -> bool:  # fmt: skip
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted = _subject_names(names, addresses)
    issuer = _authority_for(folder, names, public, now)
    if issuer is None:
        issuer = _new_authority(folder, names, public, now)
    elif _is_good(folder, now + ahead) and wanted <= _names_in(folder / CERTIFICATE):
        return False
    authority, authority_key = issuer
    until = min(now + valid, authority.not_valid_after_utc)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(_name(min(names)), authority.subject, key, now - timedelta(days=1), until)
        .add_extension(x509.SubjectAlternativeName(sorted(wanted, key=repr)), critical=False)
        .add_extension(x509.BasicConstraints(False, None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    _write(folder / KEY, _pem_of(key))
    _write(folder / CERTIFICATE, certificate.public_bytes(serialization.Encoding.PEM))
    return True


@dataclass(frozen=True)
class Shown:
    """What a certificate says. names: whom it is for, host names and addresses, in lower case."""

    until: datetime
    names: frozenset[str]


def read_shown(certificate: bytes) -> Shown:
    """What a server's certificate, in DER, says. Raises ValueError."""
    found = x509.load_der_x509_certificate(certificate)
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound as error:
        raise ValueError("the certificate says of nobody that it is for them") from error
    told = [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]
    return Shown(found.not_valid_after_utc, frozenset(one.lower() for one in told))


def fingerprint(path: Path) -> str:
    """The SHA-256 of a certificate, as browsers and phones show it."""
    return x509.load_pem_x509_certificate(path.read_bytes()).fingerprint(hashes.SHA256()).hex(":").upper()


def _authority_for(
    folder: Path, names: Collection[str], public: Collection[_Address], now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
    """The authority there, where it may sign for these names for long enough."""
    try:
        authority = x509.load_pem_x509_certificate((folder / AUTHORITY).read_bytes())
        key = serialization.load_pem_private_key((folder / AUTHORITY_KEY).read_bytes(), None)
        limits = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    except (OSError, ValueError, TypeError, x509.ExtensionNotFound):
        return None
    permitted = {one.value for one in limits.permitted_subtrees or ()}
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != authority.public_key():
        return None
    if authority.not_valid_after_utc < now + _RENEWED_AHEAD or not permitted >= {*names, *_alone(public)}:
        return None
    return authority, key


def _new_authority(
    folder: Path, names: Collection[str], public: Collection[_Address], now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"ImmichVR on {min(names)}, {secrets.token_hex(4)}")
    permitted: list[x509.GeneralName] = [x509.DNSName(one) for one in sorted({*names, *_AT_HOME})]
    permitted += [x509.IPAddress(ipaddress.ip_network(one)) for one in _PRIVATE]
    permitted += [x509.IPAddress(one) for one in sorted(_alone(public), key=repr)]
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    authority = (
        _builder(name, name, key, _SINCE, now + _VALID)
        .add_extension(x509.BasicConstraints(True, 0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(folder / AUTHORITY_KEY, _pem_of(key))
    _write(folder / AUTHORITY, authority.public_bytes(serialization.Encoding.PEM))
    return authority, key


def _subject_names(names: Collection[str], addresses: Iterable[_Address]) -> set[x509.GeneralName]:
    found = {*addresses, *_parsed(("127.0.0.1", "::1"))}
    return {*(x509.DNSName(one) for one in (*names, "localhost")), *(x509.IPAddress(one) for one in found)}


def _parsed(addresses: Iterable[str]) -> list[_Address]:
    return [ipaddress.ip_address(one) for one in addresses]


def _is_private(address: _Address) -> bool:
    networks = [ipaddress.ip_network(one) for one in _PRIVATE]
    return any(address.version == one.version and address in one for one in networks)


def _alone(addresses: Iterable[_Address]) -> set[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """The networks that have one address each."""
    return {ipaddress.ip_network(one) for one in addresses}


def _names_in(certificate: Path) -> set[x509.GeneralName]:
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    return set(found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)


def _is_good(folder: Path, until: datetime) -> bool:
    """Whether the three files belong together and are valid until then."""
    try:
        authority = x509.load_pem_x509_certificate((folder / AUTHORITY).read_bytes())
        certificate = x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes())
        key = serialization.load_pem_private_key((folder / KEY).read_bytes(), None)
        certificate.verify_directly_issued_by(authority)
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False
    return key.public_key() == certificate.public_key() and until < min(
        authority.not_valid_after_utc, certificate.not_valid_after_utc
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:_LONGEST_NAME])])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, since: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
    )


def _pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    return key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)


def _write(path: Path, data: bytes) -> None:
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    unfinished.replace(path)
