"""Whichever library it is: photos and videos are listed apart, found by kind and id, and given to be worked on."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from immichvr_catalog import PHOTO, SCENE, SET, VIDEO
from immichvr_common.sources import Source
from immichvr_gateway.library import (
    FolderLibrary,
    FolderLimits,
    Identity,
    ImmichLibrary,
    ImmichLimits,
    InvalidCursor,
    Library,
    NoSuchRange,
    PhotoNotFound,
    PhotoTooLarge,
    Selection,
    Span,
)

if TYPE_CHECKING:
    from immich_stub import ImmichStub, StubUser

MOST = 200_000
CLIP = bytes(range(256)) * 400
SIDECAR = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'photoshop:City="{city}" photoshop:Country="France">'
    "<dc:subject><rdf:Bag><rdf:li>{tag}</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
)


@dataclass
class Filled:
    """A library, who looks at it, and how something is put into it: each newer than what was put before.

    sort: has what was put under a name be in an album, carry a tag, and be taken in a town of France.
    """

    library: Library
    who: Identity
    put: Callable[[str, bytes], None]
    sort: Callable[[str, str, str, str], None]

    async def names(self, kind: str, limit: int = 10) -> list[str]:
        """Everything of a kind, page by page."""
        cursor, names = None, []
        while True:
            page = await self.library.items(kind, self.who, cursor, limit)
            assert len(page.items) <= limit
            assert {item.kind for item in page.items} <= {kind}
            names += [item.name for item in page.items]
            if (cursor := page.next_cursor) is None:
                return names

    async def one(self, kind: str) -> Source:
        """The only one of its kind."""
        [item] = (await self.library.items(kind, self.who, None, 10)).items
        return item.source


@pytest.fixture(params=["folder", "immich"])
async def filled(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Filled]:
    """Each kind of library."""
    async with AsyncExitStack() as closing:
        if request.param == "folder":
            made = _folder(tmp_path)
        else:
            made = await _immich(request.getfixturevalue("immich_stub"), request.getfixturevalue("picture")())
        closing.push_async_callback(made.library.close)
        yield made


def _folder(tmp_path: Path) -> Filled:
    root = tmp_path / "photos"
    root.mkdir()
    limits = FolderLimits(rescan_s=0, max_video_bytes=MOST)

    def put(name: str, data: bytes) -> None:
        moment = 1_500_000_000 + len(list(root.rglob("*")))
        (root / name).write_bytes(data)
        os.utime(root / name, (moment, moment))

    def sort(name: str, album: str, tag: str, city: str) -> None:
        (root / album).mkdir(exist_ok=True)
        (root / name).rename(root / album / name)
        (root / album / f"{name}.xmp").write_text(SIDECAR.format(city=city, tag=tag))

    return Filled(FolderLibrary(root, tmp_path / "cache", limits), Identity.local(), put, sort)


async def _immich(stub: ImmichStub, picture: bytes) -> Filled:
    library = ImmichLibrary(stub.url, limits=ImmichLimits(max_video_bytes=MOST))
    ada: StubUser = stub.add_user("Ada")

    def put(name: str, data: bytes) -> None:
        asset = stub.add_photo(ada, picture, name, original=data)
        asset.type = "VIDEO" if name.endswith(".mp4") else "IMAGE"

    def sort(name: str, album: str, tag: str, city: str) -> None:
        asset = next(one for one in stub.assets.values() if one.name == name)
        known = next((one for one in stub.albums.values() if one.name == album), None)
        if known is None:
            stub.add_album(ada, album, asset)
        else:
            asset.albums.append(known.id)
        stub.add_tag(asset, tag)
        asset.city, asset.country = city, "France"

    return Filled(library, await library.sign_in(api_key=stub.add_key(ada, ("all",))), put, sort)


async def test_photos_and_videos_are_listed_apart_newest_first(filled: Filled, picture: Callable[..., bytes]) -> None:
    for number in range(3):
        filled.put(f"{number}.jpg", picture())
        filled.put(f"{number}.mp4", CLIP)
    assert await filled.names(PHOTO) == ["2.jpg", "1.jpg", "0.jpg"]
    assert await filled.names(VIDEO) == ["2.mp4", "1.mp4", "0.mp4"]
    assert await filled.names(VIDEO, limit=2) == ["2.mp4", "1.mp4", "0.mp4"]
    assert await filled.names(SET) == await filled.names(SCENE) == []


async def test_what_is_asked_for_as_another_kind_is_not_there(filled: Filled, picture: Callable[..., bytes]) -> None:
    filled.put("one.jpg", picture())
    filled.put("one.mp4", CLIP)
    photo, video = await filled.one(PHOTO), await filled.one(VIDEO)
    assert (await filled.library.item(filled.who, video)).name == "one.mp4"
    assert (await filled.library.item(filled.who, video, fresh=True)).media_type == "video/mp4"
    assert await filled.library.owns(filled.who, video)
    wrong = [Source(VIDEO, photo.id), Source(PHOTO, video.id), Source(SCENE, video.id)]
    for item in wrong:
        with pytest.raises(PhotoNotFound):
            await filled.library.item(filled.who, item)
        with pytest.raises(PhotoNotFound):
            await filled.library.source(filled.who, item)
    assert await filled.library.visible(filled.who, [photo, video, *wrong], singly=9) == {photo, video}
    with pytest.raises(PhotoNotFound):
        await filled.library.thumbnail(filled.who, Source.photo(video.id))


async def test_a_video_is_given_as_it_is(filled: Filled) -> None:
    filled.put("clip.mp4", CLIP)
    video = await filled.one(VIDEO)
    async with await filled.library.source(filled.who, video) as content:
        assert (content.media_type, content.size, content.note) == ("video/mp4", len(CLIP), "")
        assert content.source_version == (await filled.library.item(filled.who, video)).source_version
        assert b"".join([chunk async for chunk in content.chunks]) == CLIP


async def test_a_video_beyond_the_limit_is_refused_before_it_is_read(filled: Filled) -> None:
    filled.put("long.mp4", bytes(MOST + 1))
    with pytest.raises(PhotoTooLarge, match=r"long\.mp4"):
        await filled.library.source(filled.who, await filled.one(VIDEO))


async def test_months_and_their_tiles_hold_everything_newest_first(
    filled: Filled, picture: Callable[..., bytes]
) -> None:
    for number in range(3):
        filled.put(f"{number}.jpg", picture())
    filled.put("film.mp4", CLIP)
    browsing = filled.library.browsing
    [month] = await browsing.months(filled.who, Selection())
    assert month.count == 4
    tiles, cursor = [], None
    while True:
        page = await browsing.month(filled.who, Selection(), month.month, cursor, 3)
        assert len(page.items) <= 3
        tiles += page.items
        if (cursor := page.next_cursor) is None:
            break
    assert [one.kind for one in tiles] == [VIDEO, PHOTO, PHOTO, PHOTO]
    found = [await filled.library.item(filled.who, one.source) for one in tiles]
    assert [one.name for one in found] == ["film.mp4", "2.jpg", "1.jpg", "0.jpg"]
    assert [one.taken_at for one in found] == [one.taken_at for one in tiles]
    assert (await browsing.month(filled.who, Selection(), "1990-01", None, 3)).items == []
    for one in tiles:
        if one.kind == PHOTO:
            await (await filled.library.thumbnail(filled.who, one.source)).close()


async def test_words_are_found_in_names_and_kinds_mixed_where_none_is_asked_for(
    filled: Filled, picture: Callable[..., bytes]
) -> None:
    for name, data in (("harbour.jpg", picture()), ("hill.jpg", picture()), ("harbour.mp4", CLIP)):
        filled.put(name, data)
    browsing = filled.library.browsing
    for selection, names in (
        (Selection(words="HARBOUR"), ["harbour.mp4", "harbour.jpg"]),
        (Selection(PHOTO, words="harbour"), ["harbour.jpg"]),
        (Selection(), ["harbour.mp4", "hill.jpg", "harbour.jpg"]),
        (Selection(favorite=True), []),
    ):
        found = (await browsing.select(filled.who, selection, None, 10)).items
        assert [one.name for one in found] == names, selection


async def test_what_a_library_has_not_is_not_found_and_invented_cursors_are_refused(filled: Filled) -> None:
    browsing, nothing = filled.library.browsing, "00000000-0000-4000-8000-000000000000"
    for call in (
        lambda: browsing.album(filled.who, nothing),
        lambda: browsing.cover(filled.who, nothing),
        lambda: browsing.person(filled.who, nothing),
        lambda: browsing.face(filled.who, nothing),
        lambda: browsing.select(filled.who, Selection(album=nothing), None, 10),
        lambda: browsing.select(filled.who, Selection(tag=nothing), None, 10),
        lambda: browsing.months(filled.who, Selection(album=nothing)),
    ):
        with pytest.raises(PhotoNotFound):
            await call()
    for page in (
        lambda: browsing.select(filled.who, Selection(), "!!!", 10),
        lambda: browsing.month(filled.who, Selection(), "2024-05", "!!!", 10),
        lambda: browsing.albums(filled.who, "!!!", 10),
        lambda: browsing.people(filled.who, "!!!", 10),
        lambda: browsing.places(filled.who, "!!!", 10),
        lambda: browsing.tags(filled.who, "!!!", 10),
    ):
        with pytest.raises(InvalidCursor):
            await page()
    assert await browsing.memories(filled.who, date(2026, 5, 1)) == []


async def test_albums_tags_and_towns_are_listed_page_by_page_and_lead_to_what_is_in_them(
    filled: Filled, picture: Callable[..., bytes]
) -> None:
    for number, (album, tag, city) in enumerate(
        [("Autumn", "boats", "Brest"), ("Autumn", "boats", "Nice"), ("Winter", "snow", "Nice")], 1
    ):
        filled.put(f"{number}.jpg", picture())
        filled.sort(f"{number}.jpg", album, tag, city)
    browsing, who = filled.library.browsing, filled.who

    async def inside(selection: Selection) -> list[str]:
        return [one.name for one in (await browsing.select(who, selection, None, 10)).items]

    first = await browsing.albums(who, None, 1)
    rest = await browsing.albums(who, first.next_cursor, 1)
    albums = [*first.items, *rest.items]
    assert [(one.name, one.count, one.owned) for one in albums] == [("Winter", 1, True), ("Autumn", 2, True)]
    assert rest.next_cursor is None
    for album, names in zip(albums, (["3.jpg"], ["2.jpg", "1.jpg"]), strict=True):
        assert await inside(Selection(album=album.id)) == names
        assert await browsing.album(who, album.id) == album
        await (await browsing.cover(who, album.id)).close()
        [month] = await browsing.months(who, Selection(album=album.id))
        tiles = (await browsing.month(who, Selection(album=album.id), month.month, None, 10)).items
        assert month.count == len(tiles) == len(names)
    tags = (await browsing.tags(who, None, 10)).items
    assert [one.value for one in tags] == ["boats", "snow"]
    assert [await inside(Selection(tag=one.id)) for one in tags] == [["2.jpg", "1.jpg"], ["3.jpg"]]
    towns = (await browsing.places(who, None, 10)).items
    assert [(one.city, one.country) for one in towns] == [("Brest", "France"), ("Nice", "France")]
    assert await inside(Selection(city="Nice", country="France")) == ["3.jpg", "2.jpg"]
    people = await browsing.people(who, None, 10)
    assert (people.items, people.next_cursor) == ([], None)


async def test_a_video_plays_whole_and_in_parts_and_lies_alone(filled: Filled) -> None:
    filled.put("clip.mp4", CLIP)
    video = await filled.one(VIDEO)
    for span, expected in ((None, CLIP), (Span(100, 50), CLIP[100:150]), (Span(-9), CLIP[-9:])):
        async with await filled.library.playback(filled.who, video, span) as content:
            assert b"".join([chunk async for chunk in content.chunks]) == expected
            assert content.media_type == "video/mp4" and content.etag
    with pytest.raises(NoSuchRange):
        await filled.library.playback(filled.who, video, Span(len(CLIP)))
    with pytest.raises(PhotoNotFound):
        await filled.library.playback(filled.who, Source.photo(video.id))
    assert [one.id for one in await filled.library.browsing.stack(filled.who, video)] == [video.id]
