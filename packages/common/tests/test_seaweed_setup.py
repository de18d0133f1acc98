"""What an init container writes for a SeaweedFS that others start."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from immichvr_catalog import SERVICES
from immichvr_common.seaweed_setup import accounts_of


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    for service in SERVICES:
        (tmp_path / f"s3-{service}-access-key").write_text(f"key of {service}\n")
        (tmp_path / f"s3-{service}-secret-key").write_text(f"secret of {service}\n")
    return tmp_path


def test_every_service_gets_its_account_with_its_own_rights_for_its_owner_alone(secrets: Path, tmp_path: Path) -> None:
    target = tmp_path / "config"
    module = [sys.executable, "-m", "immichvr_common.seaweed_setup"]
    subprocess.run([*module, "--directory", target, "--secrets", secrets, "--bucket", "photos"], check=True)
    written = json.loads((target / "s3.json").read_text())
    assert {one["name"]: one["credentials"][0]["accessKey"] for one in written["identities"]} == {
        service: f"key of {service}" for service in SERVICES
    }
    rights = {one["name"]: one["content"] for one in written["policies"]}
    assert "s3:DeleteObject" in rights["gateway"]
    assert "s3:DeleteObject" not in rights["ai"]
    assert "arn:aws:s3:::photos/" in rights["ai"]
    assert (target / "security.toml").is_file()
    assert stat.S_IMODE((target / "s3.json").stat().st_mode) == 0o600


def test_a_missing_secret_is_named(secrets: Path) -> None:
    (secrets / "s3-ai-secret-key").unlink()
    with pytest.raises(FileNotFoundError, match="s3-ai-secret-key"):
        accounts_of(secrets)
