"""Looking through Immich: by time, album, person, place, tag, memory and words, at few requests."""

from datetime import UTC, date, datetime, timedelta

import pytest
from immichvr_catalog import PHOTO, VIDEO
from immichvr_common.sources import Source
from immichvr_gateway.library import (
    InvalidCursor,
    LibraryUnavailable,
    NoSuchRange,
    NotPermitted,
    PhotoNotFound,
    SearchUnavailable,
    Selection,
    Span,
)
from immichvr_gateway.library.immich.answers import UNREADABLE
from starlette.responses import JSONResponse

ALL = ("all",)
NOTE = {"immichvr.v1": {"model": "da2-small"}}
POINTER = {"immichvr.v1": {"is": "pointer", "model": "da2-small", "link": "https://3d.example/photos/1"}}
EVERYTHING = Selection()


@pytest.fixture
async def me(immich_stub, library, ada):
    """Ada, with a key that may do everything."""
    return await library.sign_in(api_key=immich_stub.add_key(ada, ALL))


async def _names(browsing, who, selection, limit=100):
    page = await browsing.select(who, selection, None, limit)
    return [one.name for one in page.items]


async def _everything(page, limit):
    cursor, found = None, []
    while True:
        one = await page(cursor, limit)
        assert len(one.items) <= limit
        found += one.items
        if (cursor := one.next_cursor) is None:
            return found


async def _bytes(content):
    async with content:
        return b"".join([chunk async for chunk in content.chunks])


@pytest.fixture
def clip_of(immich_stub, picture):
    """Gives a photo a clip, as phones make them."""

    def add(photo, name="IMG_1.mov.mp4", **about):
        clip = immich_stub.add_photo(photo.owner, picture(40, 30), name, original=b"the moving part")
        clip.type, clip.visibility = "VIDEO", "hidden"
        for field, value in about.items():
            setattr(clip, field, value)
        photo.live_video = clip.id
        return clip

    return add


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
    rest = await _everything(
        lambda cursor, limit: library.browsing.month(me, EVERYTHING, "2024-04", cursor, limit), 300
    )
    assert len({one.id for one in rest}) == size


async def test_months_are_those_that_people_saw_and_a_page_is_cut_from_one(immich_stub, library, ada, me, picture):
    early, late = (immich_stub.add_photo(ada, picture(40, 30)) for _ in range(2))
    early.taken_at = datetime(2024, 5, 31, 22, 0, tzinfo=UTC)
    early.zone = timedelta(hours=5.75)
    late.taken_at = datetime(2024, 6, 2, 12, 0, tzinfo=UTC)
    assert [(one.month, one.count) for one in await library.browsing.months(me, EVERYTHING)] == [("2024-06", 2)]
    [first, second] = await _everything(
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


async def test_what_lies_in_a_stack_is_one_entry_and_its_members_are_told(immich_stub, library, ada, me, picture):
    top, below, lower, alone = (immich_stub.add_photo(ada, picture(40, 30), f"{n}.jpg") for n in range(4))
    stack = immich_stub.add_stack(top, below, lower)
    page = await library.browsing.month(me, EVERYTHING, "2024-05", None, 10)
    assert [(one.id, one.stacked) for one in page.items] == [(alone.id, 0), (top.id, 3)]
    photo = await library.item(me, Source.photo(below.id))
    assert (photo.stack.id, photo.stack.top, photo.stack.count) == (stack.id, top.id, 3)
    immich_stub.calls.clear()
    members = await library.browsing.stack(me, Source.photo(below.id))
    assert [one.id for one in members] == [top.id, lower.id, below.id]
    assert len(immich_stub.calls) == 2
    assert [one.id for one in await library.browsing.stack(me, Source.photo(alone.id))] == [alone.id]


async def test_albums_shared_with_one_come_first_and_show_what_others_put_into_them(
    immich_stub, library, ada, ben, me, as_ben, picture
):
    mine, hers = immich_stub.add_photo(ada, picture(), "mine.jpg"), immich_stub.add_photo(ben, picture(), "hers.jpg")
    film = immich_stub.add_photo(ben, picture(), "hers.mp4")
    film.type = "VIDEO"
    own, shared = immich_stub.add_album(ada, "Own", mine), immich_stub.add_album(ben, "Shared", hers, film, mine)
    immich_stub.add_album(ben, "Not for Ada", hers)
    shared.members.append((ada, "viewer"))
    own.has_link = True
    [first, second] = (await library.browsing.albums(me, None, 10)).items
    assert (first.name, first.owned, first.owner_name, first.shared, first.count) == ("Shared", False, "Ben", True, 3)
    assert (second.name, second.owned, second.owner_name) == ("Own", True, "Ada")
    assert (first.shared_by_link, second.shared_by_link) == (False, True)
    assert second.external_url == f"{immich_stub.url}/albums/{own.id}"
    assert await library.browsing.album(me, shared.id) == first
    assert await _names(library.browsing, me, Selection(album=shared.id)) == ["hers.mp4", "hers.jpg", "mine.jpg"]
    assert await _names(library.browsing, me, Selection(VIDEO, album=shared.id)) == ["hers.mp4"]
    [month] = await library.browsing.months(me, Selection(album=shared.id))
    assert month.count == 3
    assert await _names(library.browsing, me, Selection(PHOTO)) == ["mine.jpg"]
    assert (await library.item(me, Source.photo(hers.id))).mine is False
    assert await library.visible(me, [Source.photo(hers.id), Source(VIDEO, film.id)], singly=2) == {
        Source.photo(hers.id), Source(VIDEO, film.id),
    }  # fmt: skip
    shared.members.clear()
    for call in (
        lambda: library.browsing.album(me, shared.id),
        lambda: library.browsing.select(me, Selection(album=shared.id), None, 10),
        lambda: library.browsing.months(me, Selection(album=shared.id)),
        lambda: library.item(me, Source.photo(hers.id), fresh=True),
    ):
        with pytest.raises(PhotoNotFound):
            await call()


@pytest.mark.parametrize("name", ["", "../users/me", "x", "00000000-0000-4000-8000-00000000000g"])
async def test_what_can_be_no_id_never_reaches_immich(immich_stub, library, me, name):
    immich_stub.calls.clear()
    browsing = library.browsing
    for call in (
        lambda: browsing.album(me, name),
        lambda: browsing.cover(me, name),
        lambda: browsing.person(me, name),
        lambda: browsing.face(me, name),
        *(
            lambda what=what: browsing.select(me, Selection(**{what: name}), None, 9)
            for what in ("album", "tag", "person")
        ),
        *(lambda what=what: browsing.months(me, Selection(**{what: name})) for what in ("album", "tag", "person")),
    ):
        with pytest.raises(PhotoNotFound):
            await call()
    assert immich_stub.calls == []


async def test_every_page_costs_as_few_requests_however_much_it_holds(immich_stub, library, ada, me, picture):
    photo = immich_stub.add_photo(ada, picture(40, 30))
    copies = [photo, *(immich_stub.add_copy(photo) for _ in range(59))]
    for one in copies:
        one.taken_at, one.city, one.favourite, one.description = copies[0].taken_at, "Lund", True, "sea"
        one.looks_like = "waves"
    albums = [immich_stub.add_album(ada, f"Album {number}", *copies) for number in range(60)]
    person, *_ = [immich_stub.add_person(ada, f"Person {number}", *copies) for number in range(60)]
    tag = immich_stub.add_tag(copies[0], "sea")
    immich_stub.add_memory(ada, date(2024, 5, 1), date(2026, 5, 1), *copies)
    browsing = library.browsing

    def selected(**wanted):
        return lambda: browsing.select(me, Selection(**wanted), None, 60)

    for most, call in (
        (1, selected(kind=PHOTO)), (1, selected(album=albums[0].id)), (2, selected(person=person.id)),
        (2, selected(tag=tag.id)), (1, selected(city="Lund")), (1, selected(favorite=True)),
        (1, selected(words="photo")), (1, selected(words="sea", field="description")),
        (1, selected(words="waves", smart=True)), (1, lambda: browsing.months(me, EVERYTHING)),
        (1, lambda: browsing.month(me, EVERYTHING, "2024-05", None, 60)), (1, lambda: browsing.albums(me, None, 60)),
        (1, lambda: browsing.people(me, None, 60)), (1, lambda: browsing.places(me, None, 60)),
        (1, lambda: browsing.tags(me, None, 60)), (1, lambda: browsing.memories(me, date(2026, 5, 1))),
    ):  # fmt: skip
        immich_stub.calls.clear()
        found = await call()
        assert found if isinstance(found, list) else found.items
        assert len(immich_stub.calls) <= most, immich_stub.calls
    immich_stub.calls.clear()
    for one in (await browsing.month(me, EVERYTHING, "2024-05", None, 60)).items:
        await (await library.thumbnail(me, one.source)).close()
    for one in albums:
        await (await browsing.cover(me, one.id)).close()
    assert len(immich_stub.calls) == 121


async def test_a_picture_glimpsed_in_a_timeline_is_as_edited_and_gone_when_it_is_gone(
    immich_stub, library, ada, me, picture
):
    photo = immich_stub.add_photo(ada, picture(40, 30))
    await library.browsing.month(me, EVERYTHING, "2024-05", None, 10)
    photo.edit(picture(60, 30, "red"))
    assert await _bytes(await library.thumbnail(me, Source.photo(photo.id))) == photo.edited["thumbnail"][1]
    del immich_stub.assets[photo.id]
    with pytest.raises(PhotoNotFound):
        await library.thumbnail(me, Source.photo(photo.id))


@pytest.mark.parametrize("change", [{"trashed": True}, {"visibility": "locked"}, {"visibility": "hidden"}])
async def test_trash_locked_and_hidden_are_in_no_list(immich_stub, library, ada, me, picture, change):
    photo = immich_stub.add_photo(ada, picture())
    photo.city, photo.favourite, photo.looks_like = "Lund", True, "sea"
    album, person = immich_stub.add_album(ada, "Summer", photo), immich_stub.add_person(ada, "Cleo", photo)
    tag = immich_stub.add_tag(photo, "sea")
    immich_stub.add_memory(ada, date(2024, 5, 1), date(2026, 5, 1), photo)
    top = immich_stub.add_photo(ada, picture())
    immich_stub.add_stack(top, photo)
    for name, value in change.items():
        setattr(photo, name, value)
    for selection in (
        Selection(), Selection(PHOTO), Selection(album=album.id), Selection(person=person.id), Selection(tag=tag.id),
        Selection(city="Lund"), Selection(favorite=True), Selection(archived=True), Selection(words="photo"),
        Selection(words="sea", smart=True),
    ):  # fmt: skip
        found = (await library.browsing.select(me, selection, None, 10)).items
        assert photo.id not in [one.id for one in found], selection
    for selection in (Selection(), Selection(album=album.id), Selection(favorite=True)):
        found = (await library.browsing.month(me, selection, "2024-05", None, 10)).items
        assert photo.id not in [one.id for one in found], selection
    assert (await library.browsing.places(me, None, 10)).items == []
    assert await library.browsing.memories(me, date(2026, 5, 1)) == []
    assert [one.id for one in await library.browsing.stack(me, Source.photo(top.id))] == [top.id]


async def test_a_live_photo_is_one_item_that_plays_its_clip(
    immich_stub, library, ada, ben, me, as_ben, picture, clip_of
):
    photo = immich_stub.add_photo(ada, picture(), "IMG_1.heic")
    clip = clip_of(photo)
    assert await _names(library.browsing, me, EVERYTHING) == ["IMG_1.heic"]
    item = await library.item(me, Source.photo(photo.id))
    assert item.live
    whole = await library.playback(me, item.source)
    assert (whole.media_type, whole.name) == ("video/mp4", "IMG_1.mp4")
    assert await _bytes(whole) == clip.original
    part = await library.playback(me, item.source, Span(4, 6))
    assert (await _bytes(part), part.part) == (b"moving", (4, 15))
    with pytest.raises(PhotoNotFound):
        await library.playback(as_ben, item.source)
    photo.shared_with.append(ben)
    assert await _bytes(
        await library.playback(await library.sign_in(email=ben.email, password=ben.password), item.source)
    )
    with pytest.raises(PhotoNotFound):
        await library.item(me, Source(VIDEO, clip.id))


async def test_a_photo_that_does_not_move_plays_nothing(immich_stub, library, ada, me, picture):
    photo = immich_stub.add_photo(ada, picture())
    assert not (await library.item(me, Source.photo(photo.id))).live
    with pytest.raises(PhotoNotFound):
        await library.playback(me, Source.photo(photo.id))


async def test_a_clip_made_here_is_no_live_video_no_frame_source_and_no_item(
    immich_stub, library, ada, me, picture, clip_of
):
    photo = immich_stub.add_photo(ada, picture())
    clip = clip_of(photo, name="photo.immichvr.mp4", notes=NOTE)
    with pytest.raises(PhotoNotFound):
        await library.playback(me, Source.photo(photo.id))
    assert not (await library.item(me, Source.photo(photo.id))).live
    assert not (await library.browsing.month(me, EVERYTHING, "2024-05", None, 10)).items[0].live
    clip.visibility = "timeline"  # as it becomes when it is taken from its photo
    assert await _names(library.browsing, me, EVERYTHING) == ["photo.jpg"]
    clip.name = "renamed.mp4"
    video = Source(VIDEO, clip.id)
    for call in (library.item, library.source, library.playback):
        with pytest.raises(PhotoNotFound):
            await call(me, video)
    with pytest.raises(PhotoNotFound):
        await library.item(me, video, fresh=True)


async def test_a_video_that_something_was_made_of_stays_one(immich_stub, library, ada, me, picture):
    film = immich_stub.add_photo(ada, picture(), "film.mp4", original=b"a film")
    film.type, film.notes = "VIDEO", POINTER
    assert (await library.item(me, Source(VIDEO, film.id))).name == "film.mp4"
    assert await _bytes(await library.playback(me, Source(VIDEO, film.id))) == b"a film"


async def test_a_video_is_played_as_immich_made_it_for_browsers_and_given_as_it_was_uploaded(
    immich_stub, library, ada, me, picture
):
    film = immich_stub.add_photo(ada, picture(), "film.mp4", original=b"as uploaded, in HEVC")
    film.type, film.transcoded = "VIDEO", ("video/mp4", bytes(range(256)))
    video = Source(VIDEO, film.id)
    assert await _bytes(await library.original(me, video)) == film.original
    for span, expected in (
        (None, film.transcoded[1]), (Span(10, 5), bytes(range(10, 15))), (Span(250), bytes(range(250, 256))),
        (Span(-6), bytes(range(250, 256))), (Span(250, 1000), bytes(range(250, 256))),
    ):  # fmt: skip
        content = await library.playback(me, video, span)
        assert content.etag and content.media_type == "video/mp4"
        assert await _bytes(content) == expected
        assert content.part is None if span is None else content.part[1] == 256
    for span in (Span(256), Span(999, 1), Span(0, 0)):
        with pytest.raises(NoSuchRange) as caught:
            await library.playback(me, video, span)
        assert caught.value.size == 256
    for call in (library.thumbnail, library.preview):
        await (await call(me, video)).close()


async def test_favourites_are_one_s_own_and_marked_only_where_the_key_may(
    immich_stub, library, ada, ben, me, as_ada, picture
):
    mine, hers = immich_stub.add_photo(ada, picture(), "mine.jpg"), immich_stub.add_photo(ben, picture(), "hers.jpg")
    ada.partners.append(ben)
    hers.favourite = True
    favourites = Selection(favorite=True)
    assert await _names(library.browsing, me, favourites) == []
    marked = await library.set_favorite(me, Source.photo(mine.id), True)
    assert marked.favorite and mine.favourite
    assert (await library.item(me, Source.photo(mine.id))).favorite
    assert await _names(library.browsing, me, favourites) == ["mine.jpg"]
    assert [one.count for one in await library.browsing.months(me, favourites)] == [1]
    assert not (await library.set_favorite(me, Source.photo(mine.id), False)).favorite
    with pytest.raises(NotPermitted, match="owns"):
        await library.set_favorite(me, Source.photo(hers.id), True)
    with pytest.raises(NotPermitted) as caught:
        await library.set_favorite(as_ada, Source.photo(mine.id), True)
    assert caught.value.permissions == ("asset.update",)
    assert not mine.favourite


async def test_what_is_archived_has_a_list_of_its_own(immich_stub, library, ada, me, picture):
    photo = immich_stub.add_photo(ada, picture(), "old.jpg")
    photo.visibility = "archive"
    assert await _names(library.browsing, me, EVERYTHING) == []
    [found] = (await library.browsing.select(me, Selection(archived=True), None, 10)).items
    assert found.name == "old.jpg" and found.archived
    assert [one.count for one in await library.browsing.months(me, Selection(archived=True))] == [1]
    assert await library.browsing.months(me, EVERYTHING) == []


async def test_people_are_listed_page_by_page_with_their_faces_and_photos(immich_stub, library, ada, ben, me, picture):
    one, other = (immich_stub.add_photo(ada, picture(), name) for name in ("one.jpg", "other.jpg"))
    cleo = immich_stub.add_person(ada, "Cleo", one)
    dan, hidden = immich_stub.add_person(ada, "", other), immich_stub.add_person(ada, "Eve", other)
    hidden.hidden = True
    strangers = immich_stub.add_person(ben, "Fay")
    found = await _everything(lambda cursor, limit: library.browsing.people(me, cursor, limit), 1)
    assert [(person.id, person.name) for person in found] == [(cleo.id, "Cleo"), (dan.id, "")]
    assert found[0].external_url == f"{immich_stub.url}/people/{cleo.id}"
    assert await library.browsing.person(me, cleo.id) == found[0]
    assert await _bytes(await library.browsing.face(me, cleo.id)) == cleo.face[1]
    assert await _names(library.browsing, me, Selection(person=cleo.id)) == ["one.jpg"]
    for call in (library.browsing.person, library.browsing.face):
        with pytest.raises(PhotoNotFound):
            await call(me, strangers.id)
    with pytest.raises(PhotoNotFound):
        await library.browsing.select(me, Selection(person=strangers.id), None, 10)


async def test_places_and_tags_lead_to_what_is_there(immich_stub, library, ada, ben, me, picture):
    sea, hill = (immich_stub.add_photo(ada, picture(), name) for name in ("sea.jpg", "hill.jpg"))
    sea.city, sea.country, hill.city, hill.country = "Visby", "Sweden", "Lund", "Sweden"
    tag, others = (
        immich_stub.add_tag(sea, "trips/2024"),
        immich_stub.add_tag(immich_stub.add_photo(ben, picture()), "x"),
    )
    towns = await _everything(lambda cursor, limit: library.browsing.places(me, cursor, limit), 1)
    assert [(town.city, town.country, town.cover.name) for town in towns] == [
        ("Lund", "Sweden", "hill.jpg"), ("Visby", "Sweden", "sea.jpg"),
    ]  # fmt: skip
    assert towns[0].external_url.startswith(f"{immich_stub.url}/search?query=%7B%22city%22%3A%22Lund%22")
    assert await _names(library.browsing, me, Selection(city="Visby", country="Sweden")) == ["sea.jpg"]
    assert await _names(library.browsing, me, Selection(city="Visby", country="Norway")) == []
    [found] = (await library.browsing.tags(me, None, 10)).items
    assert (found.id, found.name, found.value) == (tag.id, "2024", "trips/2024")
    assert found.external_url == f"{immich_stub.url}/tags?path=trips%2F2024"
    assert await _names(library.browsing, me, Selection(tag=tag.id)) == ["sea.jpg"]
    with pytest.raises(PhotoNotFound):
        await library.browsing.select(me, Selection(tag=others.id), None, 10)


async def test_memories_are_those_of_a_day_the_latest_year_first(immich_stub, library, ada, me, picture):
    old, older = (immich_stub.add_photo(ada, picture(), name) for name in ("old.jpg", "older.jpg"))
    today = date(2026, 11, 29)
    immich_stub.add_memory(ada, date(2019, 11, 29), today, older)
    immich_stub.add_memory(ada, date(2024, 11, 29), today, old)
    found = await library.browsing.memories(me, today)
    assert [(one.year, one.taken_on, [item.name for item in one.items]) for one in found] == [
        (2024, date(2024, 11, 29), ["old.jpg"]), (2019, date(2019, 11, 29), ["older.jpg"]),
    ]  # fmt: skip
    assert found[0].external_url == f"{immich_stub.url}/memory?id={old.id}"
    assert await library.browsing.memories(me, date(2026, 11, 30)) == []


async def test_words_are_found_in_names_and_descriptions_and_pictures_by_what_they_show(
    immich_stub, library, ada, me, picture
):
    cat, sea = (immich_stub.add_photo(ada, picture(), name) for name in ("cat.jpg", "IMG_2.jpg"))
    sea.description, sea.looks_like, cat.looks_like = "the cat by the sea", "a cat", "a cat on a mat"
    browsing = library.browsing
    assert await _names(browsing, me, Selection(words="CAT")) == ["cat.jpg"]
    assert await _names(browsing, me, Selection(words="cat", field="description")) == ["IMG_2.jpg"]
    assert await _names(browsing, me, Selection(words="a cat", smart=True)) == ["cat.jpg", "IMG_2.jpg"]
    found = await _everything(
        lambda cursor, limit: browsing.select(me, Selection(words="a cat", smart=True), cursor, limit), 1
    )
    assert [one.name for one in found] == ["cat.jpg", "IMG_2.jpg"]
    immich_stub.smart_search = False
    for selection in (Selection(words="a cat", smart=True), Selection(album=cat.id, words="a cat", smart=True)):
        with pytest.raises(SearchUnavailable, match="switched off"):
            await browsing.select(me, selection, None, 10)


@pytest.mark.parametrize("cursor", ["", "2", "!!!", "0x10", "2x1001", "2x10\n", "9" * 600])
async def test_an_invented_cursor_is_refused_by_every_list_without_asking_immich(immich_stub, library, me, cursor):
    browsing = library.browsing
    immich_stub.calls.clear()
    for call in (
        lambda: browsing.select(me, EVERYTHING, cursor, 10),
        lambda: browsing.month(me, EVERYTHING, "2024-05", cursor, 10),
        lambda: browsing.albums(me, cursor, 10),
        lambda: browsing.people(me, cursor, 10),
        lambda: browsing.places(me, cursor, 10),
        lambda: browsing.tags(me, cursor, 10),
    ):
        with pytest.raises(InvalidCursor):
            await call()
    assert immich_stub.calls == []


async def test_what_cannot_be_read_of_a_list_costs_only_itself(immich_stub, library, ada, me, picture):
    photo = immich_stub.add_photo(ada, picture())
    good = {"id": photo.id, "albumName": "Summer", "assetCount": 1, "albumUsers": [], "value": "x", "name": "x"}
    odd = {**good, "albumName": 5, "value": None, "name": [], "isHidden": "perhaps"}
    page = {"people": [odd, {**good, "isHidden": False}], "hasNextPage": "maybe"}

    async def listed(request):
        return JSONResponse(page if request.url.path.endswith("people") else [odd, good])

    async def columns(_):
        ids = [photo.id, "not an id", str(photo.id).replace("-4", "-5")]
        return JSONResponse(
            {
                "id": ids, "isImage": [True, True], "isTrashed": [False] * 3, "visibility": ["timeline"] * 3,
                "ratio": ["wide", 1, 1], "fileCreatedAt": ["never", None], "stack": [["x"], None, None],
            }
        )  # fmt: skip

    immich_stub.instead |= {"/(albums|tags|people)$": listed, "timeline/bucket$": columns}
    before = UNREADABLE._value.get()
    for call in (library.browsing.albums, library.browsing.tags, library.browsing.people):
        assert [one.name for one in (await call(me, None, 10)).items] in (["Summer"], ["x"])
    [found] = (await library.browsing.month(me, EVERYTHING, "2024-05", None, 10)).items
    assert (found.id, found.ratio, found.taken_at, found.stacked) == (photo.id, None, None, 0)
    assert UNREADABLE._value.get() == before + 5


async def test_a_permission_that_a_list_needs_is_named(immich_stub, library, as_ada):
    for permission, call in (
        ("album.read", lambda: library.browsing.albums(as_ada, None, 10)),
        ("person.read", lambda: library.browsing.people(as_ada, None, 10)),
        ("tag.read", lambda: library.browsing.tags(as_ada, None, 10)),
        ("memory.read", lambda: library.browsing.memories(as_ada, date(2026, 1, 1))),
    ):
        with pytest.raises(NotPermitted) as caught:
            await call()
        assert caught.value.permissions == (permission,)
    assert await library.browsing.months(as_ada, EVERYTHING) == []


async def test_immich_3_2_is_looked_through_alike(immich_stub, library, ada, me, picture):
    immich_stub.version = (3, 2, 2)
    for number in range(3):
        immich_stub.add_photo(ada, picture(40, 30), f"{number}.jpg")
    found = await _everything(lambda cursor, limit: library.browsing.select(me, EVERYTHING, cursor, limit), 2)
    assert [one.name for one in found] == ["2.jpg", "1.jpg", "0.jpg"]
    assert [one.count for one in await library.browsing.months(me, EVERYTHING)] == [3]


async def test_what_is_not_immichs_is_explained(immich_stub, library, me):
    async def other(_):
        return JSONResponse({"hello": "world"})

    immich_stub.instead["albums$"] = other
    with pytest.raises(LibraryUnavailable, match="is the address right"):
        await library.browsing.albums(me, None, 10)
