"""What a folder lists, in which order, and how it notices change."""

import asyncio
import os
import re
import struct
import threading
import time
import tracemalloc
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from operator import truediv
from pathlib import Path

import pytest
from immichvr_catalog import PHOTO
from immichvr_common.sources import Source
from immichvr_gateway.library import InvalidCursor, LibraryUnavailable, PhotoNotFound
from immichvr_gateway.library.folder.header import UNREADABLE
from immichvr_gateway.library.folder.walking import walk
from immichvr_media import decode_photo
from PIL import Image


async def _names(library, who, limit=100):
    cursor, names = None, []
    while True:
        page = await library.items(PHOTO, who, cursor, limit)
        assert len(page.items) <= limit
        names += [photo.name for photo in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return names


async def test_photos_come_newest_first_by_when_they_were_taken(library, me, put):
    put("old.jpg", taken="2001:02:03 04:05:06", modified=2_000_000_000)
    put("undated.jpg", modified=1_500_000_000)
    put("new.jpg", taken="2020:02:03 04:05:06", modified=1_000_000_000)
    assert await _names(library, me) == ["new.jpg", "undated.jpg", "old.jpg"]


async def test_pages_give_every_photo_once_though_many_have_the_same_time(library, me, put):
    for number in range(11):
        put(f"{number}.jpg", modified=1_500_000_000 + number // 4)
    names = await _names(library, me, limit=3)
    assert sorted(names) == sorted(f"{number}.jpg" for number in range(11))
    assert names[:3] and set(names[:3]) == {"8.jpg", "9.jpg", "10.jpg"}


async def test_a_photo_added_or_removed_between_pages_repeats_and_skips_none_of_the_others(library, me, put):
    for number in range(6):
        put(f"{number}.jpg", modified=1_500_000_000 + number)
    first = await library.items(PHOTO, me, None, 2)
    put("newer.jpg", modified=1_600_000_000)
    second = await library.items(PHOTO, me, first.next_cursor, 2)
    put("3.jpg").unlink()
    third = await library.items(PHOTO, me, second.next_cursor, 2)
    names = [photo.name for page in (first, second, third) for photo in page.items]
    assert names == ["5.jpg", "4.jpg", "3.jpg", "2.jpg", "1.jpg", "0.jpg"]
    assert third.next_cursor is None


@pytest.mark.parametrize("cursor", ["", "x", "!!", "é", "YWJj", "OjEyMw"])
async def test_an_invented_cursor_is_refused(library, me, put, cursor):
    put("photo.jpg")
    with pytest.raises(InvalidCursor):
        await library.items(PHOTO, me, cursor, 10)


async def test_a_photo_is_described(library, me, put):
    path = put("beach.jpg", (80, 40), taken="2024:05:01 12:00:00", offset="+02:00")
    [photo] = (await library.items(PHOTO, me, None, 10)).items
    assert (photo.name, photo.media_type, photo.external_url) == ("beach.jpg", "image/jpeg", None)
    assert (photo.width, photo.height, photo.size) == (80, 40, path.stat().st_size)
    assert photo.taken_at == datetime(2024, 5, 1, 10, tzinfo=UTC)
    assert photo.taken_at.isoformat() == "2024-05-01T12:00:00+02:00"
    assert not photo.dated_by_file
    assert re.fullmatch("[a-z0-9-]{16,}", photo.id) and re.fullmatch("[0-9a-f]{16}", photo.source_version)
    assert photo == await library.item(me, Source.photo(photo.id))


@pytest.mark.parametrize("moment", [-(2**33), 2**33, 2**34, 300_000_000_000])
async def test_a_file_of_an_impossible_time_does_no_harm_to_the_list(library, me, put, monkeypatch, moment):
    put("good.jpg", modified=1_500_000_000)
    put("odd.jpg")
    found = list(walk(library._root, 10))
    odd = [replace(file, mtime_ns=moment * 10**9) if file.name == "odd.jpg" else file for file in found]
    monkeypatch.setattr("immichvr_gateway.library.folder.index.walk", lambda *_: odd)
    assert sorted(await _names(library, me)) == ["good.jpg", "odd.jpg"]


async def test_a_file_that_a_reader_chokes_on_does_no_harm_to_the_list(library, me, put, monkeypatch):
    def choke(file, size):
        if size == odd.stat().st_size:
            raise RecursionError
        return UNREADABLE

    put("good.jpg")
    odd = put("odd.jpg", (640, 480))
    monkeypatch.setattr("immichvr_gateway.library.folder.index.read_header", choke)
    assert sorted(await _names(library, me)) == ["good.jpg", "odd.jpg"]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Tokyo"])
async def test_a_photo_without_a_zone_was_taken_in_that_of_the_machine(library, me, put, monkeypatch, zone):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        put("here.jpg", taken="2014-04-02T12:56:32.25")
        put("there.jpg", taken="2014:04:02 12:56:32+05:30")
        photos = {photo.name: photo.taken_at.isoformat() for photo in (await library.items(PHOTO, me, None, 10)).items}
    finally:
        monkeypatch.undo()
        time.tzset()
    offset = {"Europe/Berlin": "+02:00", "Asia/Tokyo": "+09:00"}[zone]
    assert photos == {
        "here.jpg": f"2014-04-02T12:56:32.250000{offset}", "there.jpg": "2014-04-02T12:56:32+05:30"
    }  # fmt: skip


@pytest.mark.parametrize(
    "taken", ["0000:00:00 00:00:00", "yesterday", "2024:13:01 00:00:00", "", "9999:12:31 23:59:59"]
)
@pytest.mark.parametrize("offset", ["-99:99", "+25:00", "east", None])
async def test_a_date_that_makes_no_sense_does_no_harm(library, me, put, taken, offset):
    put("photo.jpg", taken=taken, offset=offset, modified=1_500_000_000)
    [photo] = (await library.items(PHOTO, me, None, 10)).items
    assert photo.taken_at is not None
    assert photo.dated_by_file == (photo.taken_at.timestamp() == 1_500_000_000)
    assert photo.width == 64


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.jpg", "JPEG"),
        ("a.png", "PNG"),
        ("a.webp", "WEBP"),
        ("a.tif", "TIFF"),
        ("a.avif", "AVIF"),
        ("a.HEIC", "HEIF"),
    ],
)
@pytest.mark.parametrize("orientation", [1, 3, 6])
async def test_the_size_is_that_of_the_picture_as_it_is_decoded(library, me, put, name, format, orientation):
    import pillow_heif

    pillow_heif.register_heif_opener()
    path = put(name, (64, 48), format=format, orientation=orientation)
    [photo] = (await library.items(PHOTO, me, None, 10)).items
    decoded = decode_photo(path)
    assert (photo.width, photo.height) == (decoded.width, decoded.height)


async def test_only_photos_that_are_decoded_are_listed_and_nothing_hidden(library, me, root, put):
    put("seen.jpg")
    put("deep/er/SEEN.JPEG")
    for name in (".hidden.jpg", ".git/inside.jpg", "@eaDir/seen.jpg/SYNOPHOTO_THUMB_M.jpg", "#recycle/gone.jpg"):
        put(name)
    for name in ("film.mp4", "raw.dng", "notes.txt", "jpg.txt", "noextension"):
        (root / name).write_bytes(b"x")
    (root / "directory.jpg").mkdir()
    assert sorted(await _names(library, me)) == ["SEEN.JPEG", "seen.jpg"]


async def test_a_cache_inside_the_folder_is_not_listed(open_library, me, root, put):
    put("seen.jpg")
    library = open_library(cache=root / "cache")
    [photo] = (await library.items(PHOTO, me, None, 10)).items
    async with await library.thumbnail(me, photo.source):
        pass
    assert await _names(library, me) == ["seen.jpg"]


@pytest.mark.parametrize(
    "name", ["räksmörgås.jpg", "写真 📷.jpg", "with space & % #?.jpg", "-rf.jpg", "a..jpg.jpg", "x" * 200 + ".jpg"]
)
async def test_any_name_that_a_file_system_allows_is_listed_and_opens(library, me, put, name):
    data = put(f"räksmörgås/{name}").read_bytes()
    [photo] = (await library.items(PHOTO, me, None, 10)).items
    assert photo.name == name
    async with await library.original(me, photo.source) as content:
        assert b"".join([chunk async for chunk in content.chunks]) == data


@pytest.mark.parametrize(
    "name", [b"line\nbreak.jpg", b"\xff\xfe.jpg", b'quote".jpg', b"back\\slash.jpg", b"\x1b[2J.jpg"]
)
async def test_names_that_would_break_headers_or_terminals_are_cleaned(library, me, root, put, name):
    path = put("plain.jpg")
    try:
        path.rename(root / os.fsdecode(name))
    except OSError:
        pytest.skip("this file system refuses the name")
    [photo] = (await library.items(PHOTO, me, None, 10)).items
    assert photo.name.isprintable() and not set('"\\/') & set(photo.name)
    photo.name.encode()
    async with await library.original(me, photo.source) as content:
        assert content.name == photo.name


async def test_the_id_stays_and_the_version_changes_when_the_content_does(library, me, put):
    put("photo.jpg", colour="red", modified=1_500_000_000)
    [before] = (await library.items(PHOTO, me, None, 10)).items
    put("photo.jpg", colour="blue", modified=1_500_000_001)
    [after] = (await library.items(PHOTO, me, None, 10)).items
    assert after.id == before.id
    assert after.source_version != before.source_version
    assert (await library.items(PHOTO, me, None, 10)).items == [after]


async def test_a_change_is_seen_when_the_photo_is_asked_for_even_between_walks(open_library, me, put):
    put("photo.jpg", (64, 48), modified=1_500_000_000)
    library = open_library(rescan_s=3600)
    [before] = (await library.items(PHOTO, me, None, 10)).items
    put("photo.jpg", (32, 24), modified=1_500_000_001)
    after = await library.item(me, Source.photo(before.id))
    assert after.source_version != before.source_version
    assert (after.width, after.height) == (32, 24)


async def test_the_folder_is_walked_no_more_often_than_it_may_be(open_library, me, put):
    put("first.jpg")
    library = open_library(rescan_s=3600)
    assert await _names(library, me) == ["first.jpg"]
    put("second.jpg")
    assert await _names(library, me) == ["first.jpg"]


async def test_nobody_waits_for_a_walk_that_somebody_else_began(library, me, put, monkeypatch):
    path = put("photo.jpg")
    [photo] = (await library.items(PHOTO, me, None, 10)).items
    walking, go_on = threading.Event(), threading.Event()
    real = os.scandir

    def scandir(path):
        walking.set()
        go_on.wait(5)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    slow = asyncio.create_task(library.items(PHOTO, me, None, 10))
    await asyncio.to_thread(walking.wait, 5)
    async with await library.original(me, photo.source) as content:
        assert content.size == path.stat().st_size
    assert not slow.done()
    go_on.set()
    assert (await slow).items == [photo]


async def test_moved_photos_are_other_photos(library, me, root, put):
    path = put("photo.jpg")
    [before] = (await library.items(PHOTO, me, None, 10)).items
    path.rename(root / "moved.jpg")
    [after] = (await library.items(PHOTO, me, None, 10)).items
    assert after.id != before.id
    with pytest.raises(PhotoNotFound):
        await library.item(me, Source.photo(before.id))


async def test_a_folder_that_is_gone_is_unavailable_and_comes_back(library, me, root, put):
    put("photo.jpg")
    assert await library.check() == []
    away = root.rename(root.with_name("away"))
    with pytest.raises(LibraryUnavailable, match=re.escape(str(root))):
        await library.items(PHOTO, me, None, 10)
    [problem] = await library.check()
    assert str(root) in problem
    away.rename(root)
    assert await _names(library, me) == ["photo.jpg"]


async def test_a_folder_above_the_limit_lists_what_it_may_and_says_so(open_library, me, put):
    for number in range(5):
        put(f"{number}.jpg")
    library = open_library(max_photos=3)
    assert len(await _names(library, me)) == 3
    [problem] = await library.check()
    assert "3 photos" in problem


async def test_a_folder_of_exactly_the_limit_has_no_problem(open_library, me, put):
    for number in range(3):
        put(f"{number}.jpg")
    library = open_library(max_photos=3)
    assert len(await _names(library, me)) == 3
    assert await library.check() == []


async def test_a_directory_that_may_not_be_read_is_passed_over(library, me, root, put, monkeypatch):
    put("seen.jpg")
    put("locked/unseen.jpg")
    real = os.scandir

    def scandir(path):
        if os.fspath(path).rstrip("/").endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert await _names(library, me) == ["seen.jpg"]


@pytest.mark.alone
async def test_two_thousand_photos_are_listed_with_little_more_work_than_reading_their_headers(
    open_library, me, root, put
):
    data = put("0.jpg", (320, 240), taken="2024:05:01 12:00:00").read_bytes()
    for number in range(1, 2000):
        (root / f"{number}.jpg").write_bytes(data)
    # Machines differ by more than twofold, and one does from second to second: what Pillow takes in turn to read the
    # headers alone says what this one can do.
    firsts, headers = [], []
    for _ in range(3):
        headers.append(_seconds_of_headers(root))
        library = open_library(patience_s=60.0)
        began = time.process_time()
        page = await library.items(PHOTO, me, None, 60)
        firsts.append(time.process_time() - began)
        assert len(page.items) == 60 and all(photo.width == 320 for photo in page.items)
    began = time.process_time()
    await library.items(PHOTO, me, page.next_cursor, 60)
    again = time.process_time() - began
    assert min(map(truediv, firsts, headers)) < 8, (firsts, headers)
    assert again < 1.5 * min(headers), (again, headers)


def _seconds_of_headers(root: Path) -> float:
    """CPU seconds that it takes to read size and EXIF of each photo of a folder."""
    began = time.process_time()
    for path in root.iterdir():
        with Image.open(path) as image:
            image.getexif().get_ifd(0x8769)
    return time.process_time() - began


async def test_a_page_does_not_wait_for_the_dates_of_a_slow_folder(open_library, me, put):
    for number in range(20):
        put(f"{number}.jpg", taken=f"2024:05:{number + 1:02} 12:00:00", modified=1_500_000_000)
    library = open_library(patience_s=0.0)
    photos = (await library.items(PHOTO, me, None, 50)).items
    assert len(photos) == 20 and all(photo.width for photo in photos)
    assert await _names(library, me) == [f"{number}.jpg" for number in reversed(range(20))]


async def test_a_png_that_claims_to_be_huge_is_listed_without_decoding_it(library, me, root, put):
    put("good.jpg")
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    (root / "huge.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b""))
    )
    tracemalloc.start()
    page = await library.items(PHOTO, me, None, 10)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert {photo.name for photo in page.items} == {"good.jpg", "huge.png"}
    assert peak < 64 * 1024 * 1024


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
