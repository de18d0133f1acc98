"""Buckets are read whole, and written over nothing that was not seen."""

from __future__ import annotations

import asyncio
import time

import pytest
from immichvr_common.bus import Bucket, Bus, read_bucket
from immichvr_common.bus.buckets import _TRIES
from immichvr_common.errors import Conflict, Unavailable

BUCKET = "assets"


@pytest.fixture
async def bucket(gateway_bus: Bus) -> Bucket:
    """A bucket without a key."""
    await gateway_bus.js.purge_stream(f"KV_{BUCKET}")
    return Bucket(gateway_bus, BUCKET)


@pytest.mark.parametrize("times", [300, pytest.param(1000, marks=pytest.mark.long)])
async def test_a_bucket_is_never_read_short(gateway_bus: Bus, bucket: Bucket, times: int) -> None:
    kv = await gateway_bus.js.key_value(BUCKET)
    await asyncio.gather(*(kv.put(f"key-{count}", b"value" * 100) for count in range(40)))
    sizes = {len(await read_bucket(gateway_bus, BUCKET)) for _ in range(times)}
    assert sizes == {40}


@pytest.mark.alone
async def test_two_thousand_keys_are_read_within_a_second_with_their_newest_values(
    gateway_bus: Bus, bucket: Bucket
) -> None:
    kv = await gateway_bus.js.key_value(BUCKET)
    await asyncio.gather(*(kv.put(f"key-{count}", b"old") for count in range(2000)))
    await asyncio.gather(*(kv.put(f"key-{count}", b"x" * 2000) for count in range(2000)))
    await kv.delete("key-7")
    start = time.perf_counter()
    found = await bucket.load()
    assert time.perf_counter() - start < 1
    assert len(found) == 1999 and set(found.values()) == {b"x" * 2000}


async def test_an_empty_bucket_is_empty(bucket: Bucket) -> None:
    assert await bucket.load() == {}


async def test_a_bucket_that_shows_fewer_keys_than_are_counted_is_not_taken_for_all_there_is(
    gateway_bus: Bus, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await gateway_bus.js.key_value(BUCKET)).put("key", b"value")

    async def two(stream: str) -> int:
        return 2

    monkeypatch.setattr(gateway_bus, "count", two)
    with pytest.raises(Unavailable, match="1 of 2 keys"):
        await bucket.load()


async def test_what_another_wrote_meanwhile_is_settled_before_it_is_written_over(
    gateway_bus: Bus, bucket: Bucket
) -> None:
    other = Bucket(gateway_bus, BUCKET)
    assert await bucket.write("key", b"a", lambda theirs: b"never asked") == b"a"
    assert await other.write("key", b"b", lambda theirs: theirs + b"b") == b"ab"
    assert await bucket.write("key", b"c", lambda theirs: theirs) == b"ab"
    assert await bucket.write("key", b"ac", lambda theirs: b"never asked") == b"ac"
    assert await other.load() == {"key": b"ac"}


async def test_no_change_of_one_process_goes_over_another_of_it(bucket: Bucket) -> None:
    """A write of a value that was read before another was written went over that one, as the process had seen it."""
    await bucket.change("key", lambda there: b"0" if there is None else None)
    await asyncio.gather(*(bucket.change("key", lambda there, n=n: (there or b"") + b",%d" % n) for n in range(1, 6)))
    stands = await bucket.peek("key")
    assert stands is not None and sorted(stands.split(b",")) == [b"0", b"1", b"2", b"3", b"4", b"5"]
    await bucket.change("other", lambda there: there)
    assert await bucket.peek("other") is None


async def test_a_key_that_was_deleted_meanwhile_is_written_anew(gateway_bus: Bus, bucket: Bucket) -> None:
    await bucket.write("key", b"a", lambda theirs: theirs)
    await Bucket(gateway_bus, BUCKET).delete("key")
    assert await bucket.write("key", b"b", lambda theirs: b"never asked") == b"b"
    assert await bucket.load() == {"key": b"b"}


async def test_a_key_that_others_write_again_and_again_is_given_up_in_words(
    gateway_bus: Bus, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    kv, asked = gateway_bus.kv(BUCKET), list[bytes]()
    update = kv.update

    async def overtaken(key: str, value: bytes, last: int) -> int:
        await kv.put("key", b"theirs")
        return await update(key, value, last)

    monkeypatch.setattr(kv, "update", overtaken)

    def settle(theirs: bytes) -> bytes:
        asked.append(theirs)
        return b"mine"

    with pytest.raises(Conflict, match="again and again"):
        await bucket.write("key", b"mine", settle)
    assert len(asked) == _TRIES
