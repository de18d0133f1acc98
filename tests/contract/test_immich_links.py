"""What a share link shows, and to whom nothing: read from Immich with the link, and with nothing else."""

import pytest
from immichvr_catalog import PHOTO, VIDEO
from immichvr_common.sources import Source
from immichvr_gateway.library import (
    ImmichLibrary,
    NotPermitted,
    PasswordRequired,
    PhotoNotFound,
    SignInFailed,
)
from immichvr_gateway.library.immich.sharing import visitor_with


@pytest.fixture
def library(open_library, clock) -> ImmichLibrary:
    return open_library(clock=clock)


@pytest.fixture
def photos(immich_stub, ada, picture):
    """Six photos of Ada's, the last the newest, forty days apart."""
    found = [immich_stub.add_photo(ada, picture(8, 6), f"{number}.jpg") for number in range(6)]
    for number, one in enumerate(found):
        one.taken_at = one.taken_at.replace(month=1 + number * 2)
    return found


async def _all(library, who, kind=PHOTO, limit=2):
    """Every page, and the ids on all of them."""
    pages, cursor = [], None
    while True:
        page = await library.items(kind, who, cursor, limit)
        pages.append([one.id for one in page.items])
        cursor = page.next_cursor
        if cursor is None:
            return pages


@pytest.mark.parametrize("album", [None, "Summer"])
async def test_a_link_lists_what_it_shows_newest_first_in_pages(immich_stub, library, ada, photos, album):
    photos[1].type = "VIDEO"
    link = immich_stub.add_link(ada, photos[:4], album=album)
    visitor = visitor_with(link.key)
    assert visitor.credential.kind == "share_key"
    shown = [one.id for one in (photos[3], photos[2], photos[0])]
    pages = await _all(library, visitor)
    assert [one for page in pages for one in page] == shown
    assert len(pages[0]) == 2
    assert [one for page in await _all(library, visitor, VIDEO) for one in page] == [photos[1].id]
    assert await library.visible(visitor, [Source.photo(one.id) for one in photos], singly=20) == {
        Source.photo(one) for one in shown
    }
    for hidden in (photos[4], photos[5]):
        with pytest.raises(PhotoNotFound):
            await library.item(visitor, Source.photo(hidden.id))
        for what in (library.thumbnail, library.preview, library.original):
            with pytest.raises(PhotoNotFound):
                await what(visitor, Source.photo(hidden.id))


async def test_a_page_of_an_album_takes_one_call_for_the_months_and_one_for_each_it_shows(
    immich_stub, library, ada, photos
):
    link = immich_stub.add_link(ada, photos, album="Summer")
    visitor = visitor_with(link.key)
    await library.confirm(visitor)
    immich_stub.calls.clear()
    await library.items(PHOTO, visitor, None, 2)
    assert immich_stub.calls == ["GET /api/timeline/buckets", *["GET /api/timeline/bucket"] * 2]


async def test_a_link_with_a_name_is_found_by_it(immich_stub, library, ada, photos):
    immich_stub.add_link(ada, photos[:1], slug="summer")
    visitor = visitor_with("summer")
    assert visitor.credential.kind == "share_slug"
    photo = await library.item(visitor, Source.photo(photos[0].id))
    assert (photo.name, photo.external_url) == ("0.jpg", None)
    async with await library.original(visitor, Source.photo(photos[0].id)) as content:
        assert b"".join([chunk async for chunk in content.chunks]) == photos[0].original


async def test_a_link_without_metadata_tells_no_name_and_one_without_downloads_gives_no_file(
    immich_stub, library, ada, photos
):
    link = immich_stub.add_link(ada, photos[:2], show_metadata=False, allow_download=False)
    visitor = visitor_with(link.key)
    [page] = await _all(library, visitor, limit=10)
    assert len(page) == 2
    photo = await library.item(visitor, Source.photo(photos[0].id), fresh=True)
    assert (photo.name, photo.source_version, photo.size) == ("photo", "", None)
    async with await library.preview(visitor, Source.photo(photos[0].id)) as content:
        assert [chunk async for chunk in content.chunks]
    with pytest.raises(NotPermitted, match="save"):
        await library.original(visitor, Source.photo(photos[0].id))


async def test_a_link_with_a_password_shows_nothing_without_it_though_immich_would_show_photos_by_their_ids(
    immich_stub, library, ada, photos
):
    link = immich_stub.add_link(ada, photos[:1], password="tulip")
    with pytest.raises(PasswordRequired):
        await library.confirm(visitor_with(link.key))
    with pytest.raises(PasswordRequired):
        await library.items(PHOTO, visitor_with(link.key), None, 10)
    with pytest.raises(SignInFailed):
        await library.links.open(link.key, "rose")
    opened = await library.links.open(link.key, "tulip")
    await library.confirm(opened)
    assert len((await library.items(PHOTO, opened, None, 10)).items) == 1
    with pytest.raises(PasswordRequired):
        await library.confirm(visitor_with(link.key))
    assert "tulip" not in str(immich_stub.calls)


@pytest.mark.parametrize("how", ["taken back", "expired", "password changed"])
async def test_a_link_ends_within_a_minute_of_its_end_in_immich_and_at_once_when_immich_says_so(
    immich_stub, library, clock, ada, photos, how
):
    link = immich_stub.add_link(ada, photos[:2], password="tulip")
    visitor = await library.links.open(link.key, "tulip")
    await library.item(visitor, Source.photo(photos[0].id))
    if how == "taken back":
        immich_stub.links.clear()
    elif how == "expired":
        link.is_expired = True
    else:
        link.password = "rose"
    if how != "password changed":
        with pytest.raises(SignInFailed):
            await library.item(visitor, Source.photo(photos[1].id))
        assert library.recall(visitor, Source.photo(photos[0].id)) is None
    else:
        clock.now += 51
    with pytest.raises(SignInFailed):
        await library.confirm(visitor)


async def test_a_link_is_nobodys_account(immich_stub, library, ada, photos):
    visitor = visitor_with(immich_stub.add_link(ada, photos[:1]).key)
    assert await library.may_manage(visitor) is False
    assert await library.owns(visitor, Source.photo(photos[0].id)) is False
    await library.sign_out(visitor)
    assert immich_stub.links
