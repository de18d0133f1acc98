"""A folder is looked through by months, folders, places, tags, stars, memories and words."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from immichvr_catalog import PHOTO, VIDEO
from immichvr_common.sources import Source
from immichvr_gateway.library import (
    FolderLibrary,
    Identity,
    InvalidCursor,
    LibraryPhoto,
    NoSuchRange,
    PhotoNotFound,
    SearchUnavailable,
    Selection,
    Span,
)
from immichvr_gateway.library.folder.walking import MediaFile

XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
    'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" {}>'
    "<dc:subject><rdf:Bag>{}</rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
)
PARIS = 'exif:GPSLatitude="48,51.5N" exif:GPSLongitude="2,17.7E"'
Put = Callable[..., Path]


def beside(path: Path, attributes: str = "", *tags: str) -> Path:
    """Puts a sidecar beside a photo."""
    sidecar = path.with_name(f"{path.name}.xmp")
    sidecar.write_text(XMP.format(attributes, "".join(f"<rdf:li>{tag}</rdf:li>" for tag in tags)))
    return sidecar


def box(kind: bytes, *content: bytes) -> bytes:
    whole = b"".join(content)
    return struct.pack(">I", len(whole) + 8) + kind + whole


def film(seconds: float = 2.9, content_id: str = "") -> bytes:
    """The head of a MOV, and some bytes for its frames."""
    mvhd = box(b"mvhd", bytes(12), struct.pack(">II", 1000, int(seconds * 1000)), bytes(80))
    key, value = b"com.apple.quicktime.content.identifier", content_id.encode()
    keys = box(b"keys", bytes(4), struct.pack(">I", 1), box(b"mdta", key))
    values = box(b"ilst", box(struct.pack(">I", 1), box(b"data", bytes(8), value)))
    words = box(b"meta", keys, values) if content_id else b""
    matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
    tkhd = bytes(40) + matrix + struct.pack(">II", 640 << 16, 480 << 16)
    trak = box(b"trak", box(b"tkhd", tkhd), box(b"mdia", box(b"hdlr", bytes(8), b"vide", bytes(13))))
    return box(b"ftyp", b"qt  ") + box(b"moov", mvhd, trak, words) + box(b"mdat", bytes(range(256)) * 8)


async def names(library: FolderLibrary, me: Identity, limit: int = 100, **selection: object) -> list[str]:
    """Everything that a selection means, page by page."""
    cursor, found = None, []
    while True:
        page = await library.browsing.select(me, Selection(**selection), cursor, limit)  # type: ignore[arg-type]
        assert len(page.items) <= limit
        found += [item.name for item in page.items]
        if (cursor := page.next_cursor) is None:
            return found


async def body(content) -> bytes:
    async with content:
        return b"".join([chunk async for chunk in content.chunks])


async def test_months_are_those_that_clocks_showed_there(library, me, put: Put) -> None:
    put("a.jpg", taken="2024:05:31 23:30:00", offset="-05:00")  # June in UTC
    put("b.jpg", taken="2024:05:01 00:00:00", offset="+14:00")  # April in UTC
    put("c.jpg", taken="2022:01:02 03:04:05")
    months = await library.browsing.months(me, Selection())
    assert [(one.month, one.count) for one in months] == [("2024-05", 2), ("2022-01", 1)]
    page = await library.browsing.month(me, Selection(), "2024-05", None, 1)
    rest = await library.browsing.month(me, Selection(), "2024-05", page.next_cursor, 10)
    photos = {item.id: item.name for item in (await library.items(PHOTO, me, None, 10)).items}
    assert [photos[one.id] for one in (*page.items, *rest.items)] == ["a.jpg", "b.jpg"]
    assert (page.items[0].kind, page.items[0].ratio, rest.next_cursor) == (PHOTO, 64 / 48, None)
    assert (await library.browsing.month(me, Selection(), "1999-01", None, 10)).items == []


async def test_folders_are_albums_the_one_with_the_newest_photo_first(library, me, put: Put, root: Path) -> None:
    put("loose.jpg", taken="2020:01:01 00:00:00")
    put("trips/Italy/one.jpg", taken="2024:01:01 00:00:00")
    put("trips/Italy/two.jpg", taken="2024:01:03 00:00:00")
    put("trips/Malta/three.jpg", taken="2025:01:01 00:00:00")
    page = await library.browsing.albums(me, None, 2)
    rest = await library.browsing.albums(me, page.next_cursor, 2)
    albums = [*page.items, *rest.items]
    assert [(one.name, one.count) for one in albums] == [("Malta", 1), ("Italy", 2), (root.name, 1)]
    italy = albums[1]
    assert (italy.description, italy.owned, italy.shared) == ("trips/Italy", True, False)
    assert italy.first is not None and italy.last is not None and (italy.last - italy.first).days == 2
    assert await names(library, me, album=italy.id) == ["two.jpg", "one.jpg"]
    assert italy.cover == (await library.browsing.select(me, Selection(album=italy.id), None, 1)).items[0].id
    assert await library.browsing.album(me, italy.id) == italy
    assert [one.month for one in await library.browsing.months(me, Selection(album=italy.id))] == ["2024-01"]


async def test_what_is_not_there_is_not_found_and_a_folder_knows_nobody(library, me, put: Put) -> None:
    put("a.jpg")
    for missing in (Selection(album="x"), Selection(tag="x"), Selection(person="x")):
        with pytest.raises(PhotoNotFound):
            await library.browsing.select(me, missing, None, 10)
    with pytest.raises(PhotoNotFound):
        await library.browsing.album(me, "x")
    assert (await library.browsing.people(me, None, 10)).items == []
    assert await names(library, me, archived=True) == []
    for cursor in ("", "x", "1"):
        with pytest.raises(InvalidCursor):
            await library.browsing.albums(me, cursor, 10)
        with pytest.raises(InvalidCursor):
            await library.browsing.select(me, Selection(), cursor, 10)


async def test_places_are_towns_by_name_and_else_coordinates(library, me, put: Put) -> None:
    beside(put("a.jpg", taken="2024:01:01 00:00:00"), PARIS)
    beside(put("b.jpg", taken="2024:01:02 00:00:00"), 'exif:GPSLatitude="48,52.1N" exif:GPSLongitude="2,18.2E"')
    beside(put("c.jpg"), f'{PARIS} photoshop:City="Paris" photoshop:Country="France"')
    beside(put("d.jpg"), 'exif:GPSLatitude="33,51.0S" exif:GPSLongitude="70,40.0W"')
    put("e.jpg")
    towns = (await library.browsing.places(me, None, 10)).items
    assert [(one.city, one.country) for one in towns] == [
        ("33.9° S, 70.7° W", None), ("48.9° N, 2.3° E", None), ("Paris", "France")
    ]  # fmt: skip
    assert towns[1].cover.name == "b.jpg"
    assert await names(library, me, city="48.9° N, 2.3° E") == ["b.jpg", "a.jpg"]
    assert await names(library, me, city="Paris", country="France") == ["c.jpg"]
    place = towns[2].cover.place
    assert place is not None and (place.city, place.latitude, place.longitude) == ("Paris", 48.858333, 2.295)


async def test_tags_lie_within_tags(library, me, put: Put) -> None:
    beside(put("a.jpg"), "", "trips/2024", "Sea")
    beside(put("b.jpg"), "", "trips/2023")
    tags = (await library.browsing.tags(me, None, 10)).items
    assert [(one.value, one.name) for one in tags] == [
        ("Sea", "Sea"), ("trips", "trips"), ("trips/2023", "2023"), ("trips/2024", "2024")
    ]  # fmt: skip
    assert tags[3].parent == tags[1].id and tags[1].parent is None
    assert sorted(await names(library, me, tag=tags[1].id)) == ["a.jpg", "b.jpg"]
    assert await names(library, me, tag=tags[3].id) == ["a.jpg"]


async def test_five_stars_make_a_favourite(library, me, put: Put) -> None:
    beside(put("loved.jpg"), 'xmp:Rating="5"')
    beside(put("good.jpg"), 'xmp:Rating="4"')
    assert await names(library, me, favorite=True) == ["loved.jpg"]
    stars = {item.name: (item.rating, item.favorite) for item in (await library.items(PHOTO, me, None, 9)).items}
    assert stars == {"loved.jpg": (5, True), "good.jpg": (4, False)}


async def test_a_sidecar_that_comes_or_changes_shows_at_once(library, me, put: Put) -> None:
    photo = put("a.jpg", modified=1_500_000_000)
    [before] = (await library.items(PHOTO, me, None, 9)).items
    sidecar = beside(photo, 'xmp:Rating="5"')
    [after] = (await library.items(PHOTO, me, None, 9)).items
    assert (before.rating, after.rating) == (None, 5)
    assert before.source_version == after.source_version, "the picture is the same"
    sidecar.unlink()
    assert (await library.items(PHOTO, me, None, 9)).items == [before]
    (photo.parent / "A.XMP").write_text(XMP.format('xmp:Rating="2"', ""))
    assert (await library.items(PHOTO, me, None, 9)).items[0].rating == 2


async def test_memories_are_what_was_taken_on_this_day_of_earlier_years(library, me, put: Put) -> None:
    for number, taken in enumerate(["2019:11:29", "2021:11:29", "2021:11:29", "2021:11:30", "2026:11:29"]):
        put(f"{number}.jpg", taken=f"{taken} 12:00:0{number}")
    memories = await library.browsing.memories(me, date(2026, 11, 29))
    assert [(one.year, [item.name for item in one.items]) for one in memories] == [
        (2021, ["2.jpg", "1.jpg"]), (2019, ["0.jpg"])
    ]  # fmt: skip
    assert memories[0].taken_on == date(2021, 11, 29)
    assert await library.browsing.memories(me, date(2026, 11, 28)) == []


async def test_words_are_found_in_names_folders_dates_tags_places_and_cameras(library, me, put: Put) -> None:
    beside(
        put("Norway/IMG_1.jpg", taken="2024:05:06 12:00:00"),
        f'{PARIS} photoshop:City="Oslo" tiff:Make="FUJIFILM" tiff:Model="X100V"', "midnight sun",
    )  # fmt: skip
    put("other.jpg", taken="2020:01:01 00:00:00")
    for words in ("img_1", "norway", "2024-05", "may", "MIDNIGHT", "oslo", "fujifilm x100", "norway oslo sun"):
        assert await names(library, me, words=words) == ["IMG_1.jpg"], words
    assert await names(library, me, words="norway other") == []
    assert await names(library, me, words="jpg", limit=1) == ["IMG_1.jpg", "other.jpg"]


async def test_what_a_folder_cannot_search_by_it_says(library, me, put: Put) -> None:
    put("a.jpg")
    for selection in (Selection(words="sun", smart=True), Selection(words="sun", field="ocr")):
        with pytest.raises(SearchUnavailable, match="Immich"):
            await library.browsing.select(me, selection, None, 10)


async def test_a_live_photo_and_its_film_are_one_item(library, me, put: Put, root: Path) -> None:
    put("IMG_1.jpg", modified=1_500_000_000)
    (root / "img_1.MOV").write_bytes(film())
    put("IMG_2.jpg", modified=1_500_000_000)
    (root / "IMG_2.MOV").write_bytes(film(seconds=60))  # a camera that numbers photos and videos alike
    assert await names(library, me, kind=VIDEO) == ["IMG_2.MOV"]
    photos = {item.name: item for item in (await library.items(PHOTO, me, None, 9)).items}
    assert (photos["IMG_1.jpg"].live, photos["IMG_2.jpg"].live) == (True, False)
    content = await library.playback(me, photos["IMG_1.jpg"].source)
    assert content.media_type == "video/quicktime" and await body(content) == film()
    assert content.source_version == photos["IMG_1.jpg"].source_version
    with pytest.raises(PhotoNotFound):
        await library.playback(me, photos["IMG_2.jpg"].source)
    await is_a_video_too(library, me, photos["IMG_1.jpg"], "img_1.MOV", film())
    still = Source(VIDEO, photos["IMG_2.jpg"].id)
    assert await library.visible(me, [still], singly=9) == set()
    with pytest.raises(PhotoNotFound):
        await library.item(me, still)


async def is_a_video_too(library, me, photo: LibraryPhoto, name: str, data: bytes) -> None:
    """The film of a live photo is a video by the photo's id."""
    video = Source(VIDEO, photo.id)
    item = await library.item(me, video, fresh=True)
    assert (item.source, item.name, item.size, item.live) == (video, name, len(data), False)
    assert await library.visible(me, [video], singly=9) == {video}
    for give in (library.original, library.source, library.playback):
        content = await give(me, video)
        assert content.source_version == item.source_version != photo.source_version
        assert await body(content) == data
    await (await library.thumbnail(me, video)).close()
    assert not await library.is_gone(me, video, (await library.trace(me, video)).mark)


async def test_a_video_tells_its_size_and_length_and_is_played_in_parts(library, me, root: Path) -> None:
    (root / "clip.mp4").write_bytes(film(seconds=12.5))
    [video] = (await library.items(VIDEO, me, None, 9)).items
    assert (video.width, video.height, video.duration_s) == (640, 480, 12.5)
    content = await library.playback(me, video.source, Span(10, 20))
    assert content.part == (10, len(film())) and await body(content) == film(seconds=12.5)[10:30]


def carry(path: Path, clip: bytes) -> None:
    """Makes a photo one that carries a film, as Android's do."""
    picture = path.read_bytes()
    packet = XMP.format(f'GCamera:MicroVideo="1" GCamera:MicroVideoOffset="{len(clip)}"', "").encode()
    segment = b"http://ns.adobe.com/xap/1.0/\0" + packet
    path.write_bytes(picture[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + picture[2:] + clip)


@pytest.mark.parametrize("place", ["inside", "beside"])
async def test_the_film_of_a_photo_is_known_though_headers_are_still_read(
    open_library, me, put: Put, root: Path, place: str
) -> None:
    still, other = put("PXL_1.jpg"), put("PXL_2.jpg")
    if place == "inside":
        carry(still, film())
    else:
        (root / "pxl_1.MOV").write_bytes(film())
        other.with_suffix(".MOV").write_bytes(film(seconds=60))
    photos = (await open_library().items(PHOTO, me, None, 9)).items
    films = {photo.name: Source(VIDEO, photo.id) for photo in photos}
    started_anew = open_library(patience_s=0.0)
    started_anew._index._readers.submit = lambda *_: Future()
    assert await started_anew.visible(me, films.values(), singly=9) == {films["PXL_1.jpg"]}
    shown = [await started_anew.item(me, photo.source) for photo in photos]
    assert {photo.name: photo.live for photo in shown} == {"PXL_1.jpg": True, "PXL_2.jpg": False}
    assert await body(await started_anew.playback(me, films["PXL_1.jpg"])) == film()


async def test_a_photo_that_changes_while_headers_are_still_read_is_shown_as_it_is(
    open_library, me, put: Put, root: Path
) -> None:
    path = put("PXL_1.jpg")
    (root / "PXL_1.MOV").write_bytes(film(seconds=60))
    (root / "other.MOV").write_bytes(film(seconds=60))
    library, waiting = open_library(patience_s=0.0, rescan_s=1000.0), list[tuple[Callable[..., None], MediaFile]]()

    def read_later(*call: Any) -> Future[None]:
        waiting.append(call)
        return Future()

    library._index._readers.submit = read_later
    [photo] = (await library.items(PHOTO, me, None, 9)).items
    assert await library.item(me, photo.source) == photo
    put(path.name, (80, 60), taken="2024:05:01 12:00:00")
    shown = await library.item(me, photo.source)
    assert (shown.width, shown.height, shown.dated_by_file) == (80, 60, False)
    assert shown.source_version != photo.source_version
    for read, file in waiting:
        read(file)
    [entry] = [one for one in library._index.catalogue().entries if one.file.id == photo.id]
    assert entry.header.width == 80, "what was to be read before it changed is not taken for it"


async def test_the_film_inside_a_motion_photo_is_played_in_parts(library, me, put: Put) -> None:
    path, clip = put("PXL_1.jpg"), film()
    carry(path, clip)
    [photo] = (await library.items(PHOTO, me, None, 9)).items
    assert photo.live
    whole = await library.playback(me, photo.source)
    assert (whole.media_type, whole.name, whole.size) == ("video/mp4", "PXL_1.mp4", len(clip))
    assert await body(whole) == clip
    assert whole.source_version == photo.source_version
    part = await library.playback(me, photo.source, Span(-5))
    assert part.part == (len(clip) - 5, len(clip)) and await body(part) == clip[-5:]
    await is_a_video_too(library, me, photo, "PXL_1.mp4", clip)
    with pytest.raises(NoSuchRange):
        await library.playback(me, photo.source, Span(len(clip)))
    original = await library.original(me, photo.source)
    assert (original.media_type, original.name) == ("image/jpeg", "PXL_1.jpg")
    await original.close()


async def test_a_film_is_found_by_what_it_shares_with_its_photo(open_library, me, put: Put, root: Path) -> None:
    content_id = "3F2504E0-4F89-11D3-9A0C-0305E82C3301"
    library = open_library()
    put("still.jpg", modified=1_500_000_000)
    (root / "moving.mov").write_bytes(film(seconds=60, content_id=content_id))
    await library.items(PHOTO, me, None, 9)
    _tell(library, "still.jpg", content_id)
    assert await names(library, me) == ["still.jpg"]
    _tell(library, "still.jpg", content_id.replace("3", "4"))
    assert sorted(await names(library, me)) == ["moving.mov", "still.jpg"]


def _tell(library: FolderLibrary, name: str, content_id: str) -> None:
    """What the maker's note of a photo would."""
    index = library._index
    [file] = [file for file in index._files.values() if file.name == name]
    state, header = index._headers[file.id]
    index._headers[file.id] = (state, replace(header, content_id=content_id))
    index._is_stale = True


async def test_a_copy_of_a_whole_folder_is_another_album(library, me, put: Put, root: Path) -> None:
    put("one/a.jpg")
    shutil.copytree(root / "one", root / "two")
    assert {one.name for one in (await library.browsing.albums(me, None, 9)).items} == {"one", "two"}
    assert await library.browsing.stack(me, Source.photo((await library.items(PHOTO, me, None, 1)).items[0].id))
