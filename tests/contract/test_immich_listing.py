"""Pages of the timeline, and which photos are not in it."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from immich_answers import asset_answer
from immichvr_catalog import PHOTO
from immichvr_common.sources import Source
from immichvr_gateway.library import InvalidCursor, LibraryUnavailable, PhotoNotFound
from immichvr_gateway.library.immich.answers import UNREADABLE
from starlette.responses import JSONResponse


async def _all(library, who, limit):
    cursor, names = None, []
    while True:
        page = await library.items(PHOTO, who, cursor, limit)
        assert len(page.items) <= limit
        names += [photo.name for photo in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return names


async def test_pages_give_every_photo_once_newest_first(immich_stub, library, ada, as_ada, picture):
    for number in range(7):
        immich_stub.add_photo(ada, picture(40, 30), f"{number}.jpg")
    assert await _all(library, as_ada, 3) == [f"{number}.jpg" for number in reversed(range(7))]


async def test_a_cursor_keeps_the_size_of_its_pages(immich_stub, library, ada, as_ada, picture):
    for number in range(5):
        immich_stub.add_photo(ada, picture(40, 30), f"{number}.jpg")
    first = await library.items(PHOTO, as_ada, None, 2)
    second = await library.items(PHOTO, as_ada, first.next_cursor, 50)
    assert [photo.name for photo in second.items] == ["2.jpg", "1.jpg"]


@pytest.mark.parametrize("cursor", ["", "2", "!!!", "MHgxMA", "MXgxMDAx", "é", "MXgxMA" * 1000, "MXgxMDsx"])
async def test_an_invented_cursor_is_refused_without_asking_immich(immich_stub, library, as_ada, cursor):
    before = list(immich_stub.calls)
    with pytest.raises(InvalidCursor):
        await library.items(PHOTO, as_ada, cursor, 10)
    assert immich_stub.calls == before


async def test_a_photo_is_described_as_immich_describes_it(immich_stub, open_library, ada, as_ada, picture):
    asset = immich_stub.add_photo(ada, picture(400, 300), "Löwe am See.jpg")
    library = open_library(external_url="https://photos.example.org/")
    [photo] = (await library.items(PHOTO, as_ada, None, 10)).items
    assert photo == await library.item(as_ada, Source.photo(asset.id), fresh=True)
    assert (photo.id, photo.name, photo.media_type) == (asset.id, "Löwe am See.jpg", "image/jpeg")
    assert (photo.width, photo.height, photo.size) == (400, 300, len(asset.original))
    assert photo.taken_at == asset.taken_at
    assert photo.external_url == f"https://photos.example.org/photos/{asset.id}"


async def test_what_immich_knows_of_a_photo_s_projection_is_told(immich_stub, library, ada, as_ada, picture):
    sphere = immich_stub.add_photo(ada, picture(400, 200))
    sphere.projection = "EQUIRECTANGULAR"
    immich_stub.add_photo(ada, picture())
    assert [one.projection for one in (await library.items(PHOTO, as_ada, None, 10)).items] == [None, "EQUIRECTANGULAR"]
    assert (await library.item(as_ada, Source.photo(sphere.id), fresh=True)).projection == "EQUIRECTANGULAR"


@pytest.mark.parametrize(
    ("hours", "day"), [(14, "2024-06-01"), (-11, "2024-05-30"), (5.75, "2024-05-31"), (0, "2024-05-31")]
)
async def test_the_day_of_a_photo_is_the_one_that_people_saw(
    immich_stub, library, ada, as_ada, picture, hours: float, day: str
):
    asset = immich_stub.add_photo(ada, picture(), "sea.jpg")
    asset.taken_at, asset.zone = datetime(2024, 5, 31, 10, 0, tzinfo=UTC), timedelta(hours=hours)
    photo = await library.item(as_ada, Source.photo(asset.id))
    assert photo.taken_at == asset.taken_at
    assert photo.taken_at.isoformat()[:10] == day
    assert (await library.items(PHOTO, as_ada, None, 10)).items[0].taken_at.isoformat()[:10] == day


async def test_links_lead_to_immich_where_no_setting_says_where_people_reach_it(
    immich_stub, library, ada, as_ada, picture
):
    asset = immich_stub.add_photo(ada, picture())
    for told, base in [
        ("", immich_stub.url), ("not an address", immich_stub.url), ("https://fotos.example.org/", "https://fotos.example.org"),
    ]:  # fmt: skip
        immich_stub.external_domain = told
        assert await library.check() == []
        assert (await library.item(as_ada, Source.photo(asset.id))).external_url == f"{base}/photos/{asset.id}"


@pytest.mark.parametrize(
    "change",
    [{"trashed": True}, {"visibility": "locked"}, {"visibility": "hidden"}, {"type": "VIDEO", "name": "film.mp4"}],
)
async def test_trash_locked_hidden_and_videos_are_out(immich_stub, library, ada, as_ada, picture, change):
    asset = immich_stub.add_photo(ada, picture())
    for name, value in change.items():
        setattr(asset, name, value)
    assert (await library.items(PHOTO, as_ada, None, 10)).items == []
    for call in (
        library.item,
        library.original,
        library.source,
        library.thumbnail,
        library.preview,
    ):
        with pytest.raises(PhotoNotFound):
            await call(as_ada, Source.photo(asset.id))


async def test_an_archived_photo_is_off_the_timeline_and_still_opens(immich_stub, library, ada, as_ada, picture):
    asset = immich_stub.add_photo(ada, picture())
    asset.visibility = "archive"
    assert (await library.items(PHOTO, as_ada, None, 10)).items == []
    assert (await library.item(as_ada, Source.photo(asset.id))).id == asset.id


@pytest.mark.parametrize(
    "photo_id",
    [
        "00000000-0000-4000-8000-000000000000",
        "../users/me",
        "00000000-0000-4000-8000-00000000000g",
        "00000000-0000-4000-8000-000000000000\n",
        "",
        "a" * 10_000,
    ],
)
async def test_what_is_no_photo_is_not_found(library, as_ada, photo_id):
    with pytest.raises(PhotoNotFound):
        await library.item(as_ada, Source.photo(photo_id))


async def test_what_is_no_id_never_reaches_immich(immich_stub, library, as_ada):
    before = list(immich_stub.calls)
    with pytest.raises(PhotoNotFound):
        await library.thumbnail(as_ada, Source.photo("../../server/version"))
    assert immich_stub.calls == before


async def test_the_version_follows_the_picture_and_nothing_else(immich_stub, library, ada, as_ada, picture):
    asset = immich_stub.add_photo(ada, picture(colour="teal"))

    async def version():
        return (await library.item(as_ada, Source.photo(asset.id), fresh=True)).source_version

    first = await version()
    asset.favourite = True
    asset.updated_at = asset.updated_at.replace(year=2030)
    assert await version() == first
    asset.edit(picture(colour="red"))
    edited = await version()
    asset.edit(picture(colour="green"))
    edited_again = await version()
    asset.favourite = False
    assert await version() == edited_again
    asset.edited = {}
    assert await version() == first
    asset.replace(picture(colour="navy"))
    assert len({first, edited, edited_again, await version()}) == 4
    assert len(first) == 16


async def test_the_listing_and_the_photo_agree_on_the_version(immich_stub, library, ada, as_ada, picture):
    asset = immich_stub.add_photo(ada, picture())
    asset.edit(picture(colour="red"))
    [listed] = (await library.items(PHOTO, as_ada, None, 10)).items
    assert listed.source_version == (await library.item(as_ada, Source.photo(asset.id), fresh=True)).source_version


async def test_names_from_outside_cannot_break_headers(immich_stub, library, ada, as_ada, picture):
    immich_stub.add_photo(ada, picture(), 'a"b\r\nset-cookie: x=1;../../etc.jpg')
    [photo] = (await library.items(PHOTO, as_ada, None, 10)).items
    assert photo.name.isprintable()
    assert not set('"\\/') & set(photo.name)


BAD = [
    {"fileCreatedAt": "not a date"},
    {"fileCreatedAt": "+275760-09-13T00:00:00.000Z", "localDateTime": "2024-02-30T00:00:00.000Z"},
    {"fileCreatedAt": "0001-01-01T00:00:00.000Z", "localDateTime": "0001-01-01T00:00:00.000+14:00"},
    {"fileCreatedAt": "9999-12-31T23:59:59.999Z", "localDateTime": "9999-12-31T10:00:00.000Z"},
    {"fileCreatedAt": "0001-01-01T01:00:00.000Z", "localDateTime": "0001-01-01T00:00:00.000Z"},
    {"fileCreatedAt": None, "localDateTime": None},
    {"fileCreatedAt": "2024-05-01T12:00:00", "localDateTime": "2024-05-01T14:00:00"},
    {"width": "wide", "height": 1e300, "thumbhash": 7, "originalMimeType": ["image/jpeg"]},
    {"exifInfo": "none"},
    {"exifInfo": {"fileSizeInByte": "many", "projectionType": 5}},
]


@pytest.mark.parametrize("bad", BAD)
async def test_an_asset_with_something_unreadable_is_shown_without_it(immich_stub, library, ada, as_ada, picture, bad):
    odd, _ = (immich_stub.add_photo(ada, picture(40, 30), f"{number}.jpg") for number in range(2))
    _say(immich_stub, {odd.id: bad})
    photos = (await library.items(PHOTO, as_ada, None, 10)).items
    assert [photo.name for photo in photos] == ["1.jpg", "0.jpg"]
    assert await library.item(as_ada, Source.photo(odd.id), fresh=True) == photos[1]


@pytest.mark.parametrize("bad", [{"checksum": None}, {"isTrashed": "perhaps"}, {"originalFileName": 5}, {"ownerId": 7}])
async def test_an_asset_of_which_too_little_is_known_is_left_out_and_counted(
    immich_stub, library, ada, as_ada, picture, bad
):
    odd, _ = (immich_stub.add_photo(ada, picture(40, 30), f"{number}.jpg") for number in range(2))
    before = UNREADABLE._value.get()
    _say(immich_stub, {odd.id: bad})
    assert [photo.name for photo in (await library.items(PHOTO, as_ada, None, 10)).items] == ["1.jpg"]
    assert UNREADABLE._value.get() == before + 1
    assert len(await library.visible(as_ada, [Source.photo(str(uuid.uuid4())) for _ in range(20)], singly=0)) == 0


def _say(immich_stub, changes):
    """Has Immich say these things of assets instead of what is so; its document knows no such answers."""

    def told(asset):
        return {**asset_answer(asset, with_exif=True), **changes.get(asset.id, {})}

    async def search(_):
        items = [told(asset) for asset in reversed(immich_stub.assets.values())]
        return JSONResponse({"assets": {"items": items, "nextPage": None}})

    async def one(request):
        return JSONResponse(told(immich_stub.assets[request.url.path.rpartition("/")[2]]))

    immich_stub.instead["search/metadata"] = search
    immich_stub.instead["assets/[0-9a-f-]{36}$"] = one


@pytest.mark.parametrize(
    "answer",
    [{}, {"assets": {"items": [{"id": "x"}], "nextPage": None}}, {"assets": {"items": [], "nextPage": "two"}}, []],
)
async def test_an_answer_that_is_not_immichs_is_explained(immich_stub, library, as_ada, answer):
    async def other(_):
        return JSONResponse(answer)

    immich_stub.instead["search/metadata"] = other
    with pytest.raises(LibraryUnavailable, match="is the address right"):
        await library.items(PHOTO, as_ada, None, 10)
