"""NATS and S3 with certificates of a private authority: known by its file, and refused in words without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from immichvr_common.bus import connect, ensure_streams
from immichvr_common.certificates import AUTHORITY, ensure_certificates
from immichvr_common.embedded import NatsServer, SeaweedServer
from immichvr_common.errors import ServiceError, Unavailable
from immichvr_common.storage import ObjectStore


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("authority")
    ensure_certificates(folder, "servers")
    return folder


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authority of somebody else."""
    folder = tmp_path_factory.mktemp("another")
    ensure_certificates(folder, "others")
    return folder / AUTHORITY


@pytest.fixture(scope="module")
def nats(tls: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path_factory.mktemp("nats"), tls=tls).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def s3(tls: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedServer]:
    server = SeaweedServer(tmp_path_factory.mktemp("weed"), tls=tls).start()
    yield server
    server.stop()


async def test_nats_is_known_by_its_authority_alone(nats: NatsServer, another: Path) -> None:
    told = nats.settings("gateway")
    bus = await connect(told, "gateway")
    await ensure_streams(bus)
    await bus.close()
    for ca in (None, another):
        with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await connect(told.model_copy(update={"ca_file": ca}), "gateway")


async def test_nobody_is_served_in_plain(nats: NatsServer) -> None:
    plain = nats.settings("gateway").model_copy(update={"url": f"nats://127.0.0.1:{nats.port}", "ca_file": None})
    with pytest.raises(Unavailable):
        await connect(plain, "gateway")


async def test_s3_is_known_by_its_authority_alone(s3: SeaweedServer, another: Path) -> None:
    told = s3.settings()
    store = ObjectStore(told)
    await store.ensure_bucket()
    await store.put_bytes("sources/one", b"photo", "image/jpeg")
    assert (await store.get_bytes("sources/one")).data == b"photo"
    store.close()
    for ca in (None, another):
        strange = ObjectStore(told.model_copy(update={"ca_file": ca}))
        with pytest.raises(ServiceError, match="certificate"):
            await strange.get_bytes("sources/one")
        strange.close()
