"""Writes what a SeaweedFS server reads, where it is started by others: an init container, a compose file.

python -m immichvr_common.seaweed_setup --directory /config --secrets /run/secrets/immichvr --bucket immichvr

The server is then started in that directory with `-s3.config=s3.json`. Secrets are files `s3-<service>-access-key`
and `s3-<service>-secret-key`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from immichvr_catalog import SERVICES

from immichvr_common.certificates import ensure_certificates
from immichvr_common.private_files import write_private
from immichvr_common.seaweed import TLS, configuration
from immichvr_common.storage_rights import Account, identities


def accounts_of(secrets: Path) -> dict[str, Account]:
    """The account of each service, from the files of a directory. Raises OSError for one that is missing."""
    return {
        service: Account(_read(secrets / f"s3-{service}-access-key"), _read(secrets / f"s3-{service}-secret-key"))
        for service in SERVICES
    }


def write_configuration(directory: Path, accounts: Mapping[str, Account], buckets: tuple[str, ...]) -> None:
    """Puts accounts with the rights of their services, certificates and the rest into `directory`."""
    ensure_certificates(directory / TLS, "immichvr storage")
    for name, text in {**configuration(), "s3.json": json.dumps(identities(accounts, buckets))}.items():
        write_private(directory / name, text)


def _read(path: Path) -> str:
    return path.read_text("utf-8").strip()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="Writes what a SeaweedFS server reads.")
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--secrets", type=Path, required=True)
    parser.add_argument("--bucket", required=True)
    given = parser.parse_args(arguments)
    write_configuration(given.directory, accounts_of(given.secrets), (given.bucket,))


if __name__ == "__main__":
    main(sys.argv[1:])
