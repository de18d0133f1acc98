"""Certificates that a server makes for itself."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from immichvr_common.certificates import AUTHORITY, CERTIFICATE, KEY, ensure_certificates

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
