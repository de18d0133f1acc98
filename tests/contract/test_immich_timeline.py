"""Immich's timeline by month: counts, tiles, and few requests however many there are."""

from datetime import UTC, datetime, timedelta

import pytest
from immichvr_catalog import PHOTO, VIDEO
from immichvr_common.sources import Source
from immichvr_gateway.library import (
    PhotoNotFound,
    Selection,
)
from reading import all_of, bytes_of
from starlette.responses import JSONResponse

EVERYTHING = Selection()


async def test_a_timeline_of_a_hundred_thousand_costs_a_request_for_its_months_and_one_for_each_page(
    immich_stub, library, me
):
    months = [f"{2016 + number // 12}-{number % 12 + 1:02}-01" for number in range(100)]
    size = 1000

    async def buckets(_):
        return JSONResponse([{"timeBucket": month, "count": size} for month in months])

    async def bucket(request):
        month = request.query_params["timeBucket"]
        ids = [f"{month[:4]}{month[5:7]}00-0000-4000-8000-{number:012x}" for number in range(size)]
        same = {"isImage": True, "isTrashed": False, "visibility": "timeline", "ratio": 1.5, "isFavorite": False}
        columns = {name: [value] * size for name, value in same.items()}
        return JSONResponse({"id": ids, "fileCreatedAt": [f"{month}T10:00:00.000"] * size, **columns})

    immich_stub.instead |= {"timeline/buckets": buckets, "timeline/bucket$": bucket}
    immich_stub.calls.clear()
    found = await library.browsing.months(me, EVERYTHING)
    assert sum(one.count for one in found) == 100_000
    assert (found[0].month, found[-1].month) == ("2024-04", "2016-01")
    page = await library.browsing.month(me, EVERYTHING, "2024-04", None, 300)
    assert len(page.items) == 300 and page.next_cursor
    assert len(immich_stub.calls) == 2
    rest = await all_of(lambda cursor, limit: library.browsing.month(me, EVERYTHING, "2024-04", cursor, limit), 300)
    assert len({one.id for one in rest}) == size


async def test_months_are_those_that_people_saw_and_a_page_is_cut_from_one(immich_stub, library, ada, me, picture):
    early, late = (immich_stub.add_photo(ada, picture(40, 30)) for _ in range(2))
    early.taken_at = datetime(2024, 5, 31, 22, 0, tzinfo=UTC)
    early.zone = timedelta(hours=5.75)
    late.taken_at = datetime(2024, 6, 2, 12, 0, tzinfo=UTC)
    assert [(one.month, one.count) for one in await library.browsing.months(me, EVERYTHING)] == [("2024-06", 2)]
    [first, second] = await all_of(
        lambda cursor, limit: library.browsing.month(me, EVERYTHING, "2024-06", cursor, limit), 1
    )
    assert (first.id, second.id) == (late.id, early.id)
    assert second.taken_at == early.taken_at and second.taken_at.isoformat() == "2024-06-01T03:45:00+05:45"


async def test_a_month_tells_what_a_tile_needs(immich_stub, library, ada, me, picture, clip_of):
    sphere = immich_stub.add_photo(ada, picture(400, 200))
    sphere.projection, sphere.city, sphere.country, sphere.favourite = "EQUIRECTANGULAR", "Lund", "Sweden", True
    live, film = (immich_stub.add_photo(ada, picture(300, 400), name) for name in ("live.jpg", "film.mp4"))
    clip_of(live)
    film.type, film.duration_ms = "VIDEO", 2500
    page = await library.browsing.month(me, EVERYTHING, "2024-05", None, 10)
    told = {one.id: one for one in page.items}
    assert len(told) == 3
    one = told[sphere.id]
    assert (one.kind, one.ratio, one.projection, one.favorite, one.live) == (PHOTO, 2, "EQUIRECTANGULAR", True, False)
    assert (one.place.city, one.place.country) == ("Lund", "Sweden")
    assert told[live.id].live and told[live.id].ratio == 0.75
    assert (told[film.id].kind, told[film.id].duration_s) == (VIDEO, 2.5)
    assert one.external_url == f"{immich_stub.url}/photos/{sphere.id}"


async def test_a_picture_glimpsed_in_a_timeline_is_as_edited_and_gone_when_it_is_gone(
    immich_stub, library, ada, me, picture
):
    photo = immich_stub.add_photo(ada, picture(40, 30))
    await library.browsing.month(me, EVERYTHING, "2024-05", None, 10)
    photo.edit(picture(60, 30, "red"))
    assert await bytes_of(await library.thumbnail(me, Source.photo(photo.id))) == photo.edited["thumbnail"][1]
    del immich_stub.assets[photo.id]
    with pytest.raises(PhotoNotFound):
        await library.thumbnail(me, Source.photo(photo.id))
