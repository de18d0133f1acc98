"""What lies in a stack is one item, with its members within reach."""

import pytest
from immichvr_catalog import PHOTO, VIDEO
from immichvr_common.sources import Source
from immichvr_gateway.library import (
    Selection,
)
from reading import all_of, names_of
from starlette.responses import JSONResponse

EVERYTHING = Selection()


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


@pytest.fixture
def pile(immich_stub, ada, picture):
    """Photos of Ada's, the second and third below the first, and one alone; the newest first in lists: 3, 2, 1, 0."""
    photos = [immich_stub.add_photo(ada, picture(40, 30), f"{n}.jpg") for n in range(4)]
    stack = immich_stub.add_stack(*photos[:3])
    return photos, stack


async def test_lists_show_the_one_on_top_alone_and_say_of_how_many(immich_stub, library, me, pile):
    (top, *_, alone), stack = pile
    immich_stub.calls.clear()
    for wanted in (Selection(), Selection(PHOTO)):
        [first, second] = (await library.browsing.select(me, wanted, None, 10)).items
        assert (first.id, first.stack, second.id) == (alone.id, None, top.id)
        assert (second.stack.id, second.stack.top, second.stack.count) == (stack.id, top.id, 3)
    found = await all_of(lambda cursor, limit: library.browsing.select(me, EVERYTHING, cursor, limit), 1)
    assert [one.name for one in found] == ["3.jpg", "0.jpg"]
    assert immich_stub.calls.count("GET /api/stacks") == 1, "believed for a minute"


async def test_a_stack_of_which_a_list_lacks_the_top_is_shown_by_what_it_has(immich_stub, library, ada, me, pile):
    (top, below, lower, _), stack = pile
    below.favourite = lower.favourite = True
    person = immich_stub.add_person(ada, "Cleo", below, lower)
    below.looks_like = lower.looks_like = "sea"
    for wanted in (
        Selection(favorite=True), Selection(person=person.id), Selection(words="sea", smart=True),
    ):  # fmt: skip
        [found] = (await library.browsing.select(me, wanted, None, 10)).items
        assert found.id in (below.id, lower.id) and (found.stack.id, found.stack.top) == (stack.id, top.id)
    assert await names_of(library.browsing, me, Selection(words="1.jpg")) == ["1.jpg"]


async def test_a_stack_whose_top_is_in_the_trash_is_shown_by_the_next(library, me, pile):
    pile[0][0].trashed = True
    [first, second] = (await library.browsing.select(me, EVERYTHING, None, 10)).items
    assert (first.name, second.name, second.stack.count) == ("3.jpg", "2.jpg", 2)


async def test_an_album_shows_each_member_as_it_does_in_immich(immich_stub, library, ada, me, pile):
    album = immich_stub.add_album(ada, "Summer", *pile[0])
    immich_stub.calls.clear()
    assert await names_of(library.browsing, me, Selection(album=album.id)) == ["3.jpg", "2.jpg", "1.jpg", "0.jpg"]
    assert "GET /api/stacks" not in immich_stub.calls


async def test_a_video_on_top_leaves_the_photos_below_it_within_reach(library, me, pile):
    (top, *_), _ = pile
    top.type, top.name = "VIDEO", "film.mp4"
    assert await names_of(library.browsing, me, Selection(PHOTO)) == ["3.jpg", "2.jpg"]
    assert await names_of(library.browsing, me, Selection(VIDEO)) == ["film.mp4"]
    assert await names_of(library.browsing, me, EVERYTHING) == ["3.jpg", "film.mp4"]


async def test_without_the_permission_or_an_answer_members_are_shown_one_by_one(immich_stub, library, as_ada, me, pile):
    async def fails(_):
        return JSONResponse({"message": "too much"}, 500)

    everything = ["3.jpg", "2.jpg", "1.jpg", "0.jpg"]
    assert await names_of(library.browsing, as_ada, EVERYTHING) == everything
    immich_stub.instead["stacks$"] = fails
    assert await names_of(library.browsing, me, EVERYTHING) == everything
    immich_stub.calls.clear()
    for who in (as_ada, me):
        assert await names_of(library.browsing, who, EVERYTHING) == everything
    assert "GET /api/stacks" not in immich_stub.calls, "it is not asked for each page again"


async def test_what_is_no_stack_any_more_is_shown_after_a_minute(immich_stub, open_library, ada, clock, pile):
    library = open_library(clock=clock)
    me = await library.sign_in(api_key=immich_stub.add_key(ada, ("all",)))
    assert await names_of(library.browsing, me, EVERYTHING) == ["3.jpg", "0.jpg"]
    immich_stub.stacks.clear()
    clock.now += 61
    assert await names_of(library.browsing, me, EVERYTHING) == ["3.jpg", "2.jpg", "1.jpg", "0.jpg"]
