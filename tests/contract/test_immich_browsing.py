"""What holds for every list of Immich's, and what is searched for, marked and put away."""

from datetime import date

import pytest
from immichvr_catalog import PHOTO
from immichvr_common.sources import Source
from immichvr_gateway.library import (
    InvalidCursor,
    LibraryUnavailable,
    NotPermitted,
    PhotoNotFound,
    SearchUnavailable,
    Selection,
)
from immichvr_gateway.library.immich.answers import UNREADABLE
from reading import all_of, names_of
from starlette.responses import JSONResponse

EVERYTHING = Selection()


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
    await browsing.select(me, EVERYTHING, None, 1)  # what lies in stacks is asked for once a minute

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


async def test_favourites_are_one_s_own_and_marked_only_where_the_key_may(
    immich_stub, library, ada, ben, me, as_ada, picture
):
    mine, hers = immich_stub.add_photo(ada, picture(), "mine.jpg"), immich_stub.add_photo(ben, picture(), "hers.jpg")
    ada.partners.append(ben)
    hers.favourite = True
    favourites = Selection(favorite=True)
    assert await names_of(library.browsing, me, favourites) == []
    marked = await library.set_favorite(me, Source.photo(mine.id), True)
    assert marked.favorite and mine.favourite
    assert (await library.item(me, Source.photo(mine.id))).favorite
    assert await names_of(library.browsing, me, favourites) == ["mine.jpg"]
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
    assert await names_of(library.browsing, me, EVERYTHING) == []
    [found] = (await library.browsing.select(me, Selection(archived=True), None, 10)).items
    assert found.name == "old.jpg" and found.archived
    assert [one.count for one in await library.browsing.months(me, Selection(archived=True))] == [1]
    assert await library.browsing.months(me, EVERYTHING) == []


async def test_words_are_found_in_names_and_descriptions_and_pictures_by_what_they_show(
    immich_stub, library, ada, me, picture
):
    cat, sea = (immich_stub.add_photo(ada, picture(), name) for name in ("cat.jpg", "IMG_2.jpg"))
    sea.description, sea.looks_like, cat.looks_like = "the cat by the sea", "a cat", "a cat on a mat"
    browsing = library.browsing
    assert await names_of(browsing, me, Selection(words="CAT")) == ["cat.jpg"]
    assert await names_of(browsing, me, Selection(words="cat", field="description")) == ["IMG_2.jpg"]
    assert await names_of(browsing, me, Selection(words="a cat", smart=True)) == ["cat.jpg", "IMG_2.jpg"]
    found = await all_of(
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
    found = await all_of(lambda cursor, limit: library.browsing.select(me, EVERYTHING, cursor, limit), 2)
    assert [one.name for one in found] == ["2.jpg", "1.jpg", "0.jpg"]
    assert [one.count for one in await library.browsing.months(me, EVERYTHING)] == [3]


async def test_what_is_not_immichs_is_explained(immich_stub, library, me):
    async def other(_):
        return JSONResponse({"hello": "world"})

    immich_stub.instead["albums$"] = other
    with pytest.raises(LibraryUnavailable, match="is the address right"):
        await library.browsing.albums(me, None, 10)
