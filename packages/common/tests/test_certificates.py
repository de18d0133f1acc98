"""Certificates that a server makes for itself."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import verification
from immichvr_common.certificates import (
    AUTHORITY,
    AUTHORITY_KEY,
    CERTIFICATE,
    KEY,
    ensure_certificates,
    ensure_for_browsers,
    ensure_for_servers,
)

FILES = (AUTHORITY, CERTIFICATE, KEY)


def contents(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in FILES]


def test_they_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "Jürgen, 写真" / "tls"
    ensure_certificates(folder, "storage")
    first = contents(folder)
    ensure_certificates(folder, "storage")
    assert contents(folder) == first
    assert {(folder / name).stat().st_mode & 0o777 for name in FILES} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    context = ssl.create_default_context(cafile=folder / AUTHORITY)
    context.load_cert_chain(folder / CERTIFICATE, folder / KEY)


def test_they_are_renewed_years_before_they_expire(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, "storage")
    first = contents(tmp_path)
    ensure_certificates(tmp_path, "storage", datetime.now(UTC) + timedelta(days=365 * 7))
    assert contents(tmp_path) == first
    ensure_certificates(tmp_path, "storage", datetime.now(UTC) + timedelta(days=365 * 9))
    assert not set(contents(tmp_path)) & set(first)


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_made_anew_with_those_it_belongs_to(tmp_path: Path, name: str) -> None:
    ensure_certificates(tmp_path / "other", "storage")
    ensure_certificates(tmp_path, "storage")
    for damage in (b"", b"-----BEGIN", (tmp_path / "other" / name).read_bytes()):
        (tmp_path / name).write_bytes(damage)
        ensure_certificates(tmp_path, "storage")
        context = ssl.create_default_context(cafile=tmp_path / AUTHORITY)
        context.load_cert_chain(tmp_path / CERTIFICATE, tmp_path / KEY)
        assert (tmp_path / name).read_bytes() != damage


class Browser:
    """A client that trusts one authority and asks for a server by a name, with both ends in memory."""

    def __init__(self, folder: Path) -> None:
        self.trust = ssl.create_default_context(cafile=folder / AUTHORITY)
        self.serves = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.serves.load_cert_chain(folder / CERTIFICATE, folder / KEY)

    def trusts(self, name: str) -> bool:
        """Whether the handshake ends well."""
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = self.trust.wrap_bio(to_client, to_server, server_hostname=name)
        server = self.serves.wrap_bio(to_server, to_client, server_side=True)
        for _ in range(4):
            for end in (client, server):
                try:
                    end.do_handshake()
                except ssl.SSLWantReadError:
                    continue
                except ssl.SSLCertVerificationError:
                    return False
        return True


def test_browsers_that_trust_the_authority_once_trust_every_certificate_of_it(tmp_path: Path) -> None:
    assert ensure_for_browsers(tmp_path, ["nas", "nas.local"], ["192.168.1.5", "8.8.8.8"])
    assert not ensure_for_browsers(tmp_path, ["nas", "nas.local"], ["192.168.1.5", "8.8.8.8"])
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in (*FILES, AUTHORITY_KEY)} == {0o600}
    phone = Browser(tmp_path)
    for name in ("nas", "nas.local", "localhost", "127.0.0.1", "192.168.1.5"):
        assert phone.trusts(name), name
    assert not phone.trusts("8.8.8.8") and not phone.trusts("192.168.1.6")
    authority = (tmp_path / AUTHORITY).read_bytes()
    assert ensure_for_browsers(tmp_path, ["nas", "nas.local"], ["192.168.1.6"])
    assert not ensure_for_browsers(tmp_path, ["nas"], []), "what is there says more than is asked for"
    assert Browser(tmp_path).trusts("192.168.1.6") and (tmp_path / AUTHORITY).read_bytes() == authority
    phone.serves = Browser(tmp_path).serves
    assert phone.trusts("192.168.1.6"), "it trusted the authority before"


def test_a_certificate_for_browsers_is_renewed_before_it_ends_and_is_for_no_longer_than_phones_take(
    tmp_path: Path,
) -> None:
    now = datetime.now(UTC)
    ensure_for_browsers(tmp_path, ["nas"], [], now)
    certificate = x509.load_pem_x509_certificate((tmp_path / CERTIFICATE).read_bytes())
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc < timedelta(days=400)
    assert not ensure_for_browsers(tmp_path, ["nas"], [], now + timedelta(days=330))
    authority = (tmp_path / AUTHORITY).read_bytes()
    assert ensure_for_browsers(tmp_path, ["nas"], [], now + timedelta(days=340))
    assert (tmp_path / AUTHORITY).read_bytes() == authority
    assert ensure_for_browsers(tmp_path, ["nas"], [], now + timedelta(days=365 * 9))
    assert (tmp_path / AUTHORITY).read_bytes() != authority


def test_who_has_the_authoritys_key_is_still_no_other_site(tmp_path: Path) -> None:
    ensure_for_browsers(tmp_path, ["nas"], [])
    phone = Browser(tmp_path)
    authority = x509.load_pem_x509_certificate((tmp_path / AUTHORITY).read_bytes())
    key = serialization.load_pem_private_key((tmp_path / AUTHORITY_KEY).read_bytes(), None)
    own = ec.generate_private_key(ec.SECP256R1())
    for name, trusted in (("bank.example", False), ("router.lan", True)):
        forged = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(authority.subject)
            .public_key(own.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.now(UTC) - timedelta(days=1))
            .not_valid_after(datetime.now(UTC) + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=True)
            .sign(key, hashes.SHA256())  # type: ignore[arg-type]  # of an elliptic curve
        )
        pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        (tmp_path / CERTIFICATE).write_bytes(forged.public_bytes(pem))
        (tmp_path / KEY).write_bytes(own.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
        phone.serves = Browser(tmp_path).serves
        assert phone.trusts(name) == trusted


def test_servers_that_programs_ask_have_years_and_their_address_wherever_it_is(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    ensure_for_browsers(tmp_path, {"nats"}, [])
    assert ensure_for_servers(tmp_path, {"nats"}, ["203.0.113.7"])
    assert not ensure_for_servers(tmp_path, {"nats"}, ["203.0.113.7"], now + timedelta(days=365 * 7))
    certificate = x509.load_pem_x509_certificate((tmp_path / CERTIFICATE).read_bytes())
    authority = x509.load_pem_x509_certificate((tmp_path / AUTHORITY).read_bytes())
    store = verification.Store([authority])
    for of in (x509.IPAddress(ip_address("203.0.113.7")), x509.DNSName("nats")):
        verification.PolicyBuilder().store(store).build_server_verifier(of).verify(certificate, [])
    assert certificate.not_valid_after_utc > now + timedelta(days=3600)
    assert ensure_for_servers(tmp_path, {"nats"}, ["203.0.113.7"], now + timedelta(days=365 * 9))
