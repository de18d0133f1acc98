"""SeaweedFS and NATS on disks that get full: said in words, lost is nothing, and well again when there is room."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from immichvr_common.bus import BusFull, connect, ensure_streams
from immichvr_common.disk import free_bytes, short_of_room
from immichvr_common.embedded import NatsServer, SeaweedServer
from immichvr_common.errors import StorageFull, full_elsewhere
from immichvr_common.settings import NatsSettings
from immichvr_common.storage import ObjectStore
from immichvr_common.testing.disks import fill, small_disk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 200) as place:
        yield place


def impatient(server: NatsServer) -> NatsSettings:
    return server.settings("gateway").model_copy(update={"connect_timeout_s": 1})


async def test_objects_take_what_a_disk_has_and_more_of_them_once_there_is_more(disk: Path) -> None:
    server = SeaweedServer(disk / "s3").start()
    store = ObjectStore(server.settings())
    try:
        await store.ensure_bucket()
        filler, data, stored = fill(disk, leave=100_000_000), bytes(4_000_000), 0
        began = time.monotonic()
        with pytest.raises(StorageFull, match="make room in the object storage"):
            while True:
                began = time.monotonic()
                await store.put_bytes(f"a/{stored}", data, "application/octet-stream")
                stored += 1
        assert time.monotonic() - began < 30
        assert stored * len(data) > 50e6
        assert (await store.get_bytes("a/0")).data == data
        filler.unlink()
        async with asyncio.timeout(60):
            while store.full is not None:
                with contextlib.suppress(StorageFull):
                    await store.put_bytes("b", data, "application/octet-stream")
    finally:
        store.close()
        server.kill()


async def test_what_was_to_be_told_on_a_full_disk_is_told_after_a_restart(disk: Path) -> None:
    server = NatsServer(disk / "nats").start()
    bus = await connect(impatient(server), "gateway")
    try:
        await ensure_streams(bus)
        filler = fill(disk)
        for _ in range(2):
            with pytest.raises(Exception, match="NATS"):
                await bus.publish("events.ai.job.large", bytes(200_000))
        assert isinstance(bus.full, BusFull) and bus.full.is_stuck
        with pytest.raises(StorageFull, match="make room on the disk of NATS"):
            await bus.publish("events.ai.job.small", b"x")
        telling = asyncio.create_task(bus.publish_until_stored("events.ai.job.end", b"{}", "end"))
        filler.unlink()
        server.stop()
        server.start()
        await asyncio.wait_for(telling, 20)
        assert bus.full is None
        assert (await bus.js.get_last_msg("EVENTS", "events.ai.job.end")).data == b"{}"
    finally:
        await bus.close()
        server.kill()


async def test_a_store_of_nats_that_has_all_it_may_take_says_so_at_once(tmp_path: Path) -> None:
    server = NatsServer(tmp_path / "nats", most_stored=1_000_000).start()
    bus = await connect(impatient(server), "gateway")
    try:
        await ensure_streams(bus)
        with pytest.raises(BusFull, match="the store of NATS is full"):
            for number in range(30):
                await bus.publish(f"events.ai.job.{number}", bytes(100_000))
        assert bus.full is not None and not bus.full.is_stuck
        await bus.js.purge_stream("EVENTS")
        await bus.publish("events.ai.job.z", b"x")
        assert bus.full is None
    finally:
        await bus.close()
        server.kill()


def test_a_disk_without_inodes_has_no_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 10, nr_inodes=20) as place:
        assert free_bytes(place) > 5_000_000
        for number in range(19):
            (place / str(number)).touch()
        assert free_bytes(place) == 0


def test_a_disk_short_of_room_is_said_to_be_until_there_is_a_little_more(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 10) as place:
        assert short_of_room(place, 5_000_000) is None
        full = short_of_room(place, 50_000_000)
        assert full is not None and full.where == "disk"
        assert "10.5 MB left, of which 50.0 MB are kept free" in full.message
        told = full_elsewhere(full.message)
        assert (told.where, told.message) == ("disk", full.message)
        assert short_of_room(place, 10_400_000) is None
        assert short_of_room(place, 10_400_000, was_short=True) is not None


def test_room_for_vacuuming_is_asked_of_a_running_server_alone(tmp_path: Path) -> None:
    with pytest.raises((urllib3.exceptions.HTTPError, OSError)):
        SeaweedServer(tmp_path, ports=[1] * 8).vacuum()
