"""Albums, people, places, tags and memories of Immich, and what they lead to."""

from datetime import date

import pytest
from immichvr_catalog import PHOTO, VIDEO
from immichvr_common.sources import Source
from immichvr_gateway.library import (
    PhotoNotFound,
    Selection,
)
from reading import all_of, bytes_of, names_of


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
    assert await names_of(library.browsing, me, Selection(album=shared.id)) == ["hers.mp4", "hers.jpg", "mine.jpg"]
    assert await names_of(library.browsing, me, Selection(VIDEO, album=shared.id)) == ["hers.mp4"]
    [month] = await library.browsing.months(me, Selection(album=shared.id))
    assert month.count == 3
    assert await names_of(library.browsing, me, Selection(PHOTO)) == ["mine.jpg"]
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


async def test_people_are_listed_page_by_page_with_their_faces_and_photos(immich_stub, library, ada, ben, me, picture):
    one, other = (immich_stub.add_photo(ada, picture(), name) for name in ("one.jpg", "other.jpg"))
    cleo = immich_stub.add_person(ada, "Cleo", one)
    dan, hidden = immich_stub.add_person(ada, "", other), immich_stub.add_person(ada, "Eve", other)
    hidden.hidden = True
    strangers = immich_stub.add_person(ben, "Fay")
    found = await all_of(lambda cursor, limit: library.browsing.people(me, cursor, limit), 1)
    assert [(person.id, person.name) for person in found] == [(cleo.id, "Cleo"), (dan.id, "")]
    assert found[0].external_url == f"{immich_stub.url}/people/{cleo.id}"
    assert await library.browsing.person(me, cleo.id) == found[0]
    assert await bytes_of(await library.browsing.face(me, cleo.id)) == cleo.face[1]
    assert await names_of(library.browsing, me, Selection(person=cleo.id)) == ["one.jpg"]
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
    towns = await all_of(lambda cursor, limit: library.browsing.places(me, cursor, limit), 1)
    assert [(town.city, town.country, town.cover.name) for town in towns] == [
        ("Lund", "Sweden", "hill.jpg"), ("Visby", "Sweden", "sea.jpg"),
    ]  # fmt: skip
    assert towns[0].external_url.startswith(f"{immich_stub.url}/search?query=%7B%22city%22%3A%22Lund%22")
    assert await names_of(library.browsing, me, Selection(city="Visby", country="Sweden")) == ["sea.jpg"]
    assert await names_of(library.browsing, me, Selection(city="Visby", country="Norway")) == []
    [found] = (await library.browsing.tags(me, None, 10)).items
    assert (found.id, found.name, found.value) == (tag.id, "2024", "trips/2024")
    assert found.external_url == f"{immich_stub.url}/tags?path=trips%2F2024"
    assert await names_of(library.browsing, me, Selection(tag=tag.id)) == ["sea.jpg"]
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
