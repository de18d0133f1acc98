"""How long Immich's word on a key, a session or a photo is believed, and at how many requests much is found out."""

import asyncio

import pytest
from immichvr_catalog import PHOTO
from immichvr_common.sources import Source
from immichvr_gateway.library import Caller, ImmichLibrary, LibraryUnavailable, PhotoNotFound, SignInFailed
from starlette.responses import JSONResponse


@pytest.fixture
def library(open_library, clock) -> ImmichLibrary:
    """A library whose minutes pass when a test says so."""
    return open_library(clock=clock)


def _asked(stub, path: str) -> int:
    return sum(call.endswith(path) for call in stub.calls)


@pytest.mark.parametrize("way", ["key", "password"])
async def test_a_credential_is_confirmed_once_a_minute_at_most_and_not_beyond_a_minute(
    immich_stub, library, clock, ada, way
):
    if way == "key":
        who = await library.sign_in(api_key=immich_stub.add_key(ada))
    else:
        who = await library.sign_in(email="ada@example.org", password=ada.password)
    immich_stub.calls.clear()
    await asyncio.gather(*(library.confirm(who) for _ in range(50)))
    clock.now += 49
    await library.confirm(who)
    assert len(immich_stub.calls) == 1
    immich_stub.keys.clear()
    immich_stub.tokens.clear()
    clock.now += 2
    with pytest.raises(SignInFailed):
        await library.confirm(who)
    with pytest.raises(SignInFailed):
        await library.confirm(who)


async def test_a_key_from_which_a_needed_permission_was_taken_is_not_good_any_more_and_says_why(
    immich_stub, library, clock, ada
):
    secret = immich_stub.add_key(ada, name="my key")
    who = await library.sign_in(api_key=secret)
    await library.confirm(who)
    immich_stub.keys[secret].permissions = ("asset.read", "asset.view")
    clock.now += 51
    with pytest.raises(SignInFailed, match=r"'my key' lacks the permissions user\.read, asset\.download"):
        await library.confirm(who)


async def test_the_account_of_a_session_that_is_deleted_takes_the_session_with_it(immich_stub, library, clock, ada):
    who = await library.sign_in(email="ada@example.org", password=ada.password)
    await library.confirm(who)
    ada.is_deleted = True
    clock.now += 51
    with pytest.raises(SignInFailed, match="deleted"):
        await library.confirm(who)


async def test_that_immich_is_away_is_no_refusal(immich_stub, library, clock, as_ada):
    async def broken(_):
        return JSONResponse({"message": "starting"}, 503)

    await library.confirm(as_ada)
    immich_stub.instead["api-keys/me"] = broken
    await library.confirm(as_ada)
    clock.now += 51
    with pytest.raises(LibraryUnavailable):
        await library.confirm(as_ada)
    immich_stub.instead.clear()
    await library.confirm(as_ada)


async def test_what_immich_refuses_in_passing_is_not_believed_a_moment_longer(immich_stub, library, as_ada):
    await library.confirm(as_ada)
    immich_stub.keys.clear()
    with pytest.raises(SignInFailed):
        await library.items(PHOTO, as_ada, None, 10)
    with pytest.raises(SignInFailed):
        await library.confirm(as_ada)


async def test_a_decision_on_a_photo_serves_a_minute_and_one_request_serves_all_who_ask_at_once(
    immich_stub, library, clock, ada, ben, as_ben, picture
):
    asset = immich_stub.add_photo(ada, picture())
    asset.shared_with.append(ben)
    assert library.recall(as_ben, Source.photo(asset.id)) is None
    immich_stub.calls.clear()
    await asyncio.gather(*(library.item(as_ben, Source.photo(asset.id)) for _ in range(1000)))
    assert len(immich_stub.calls) == 1
    asset.shared_with.clear()
    clock.now += 59
    assert library.recall(as_ben, Source.photo(asset.id)) is True
    clock.now += 1
    assert library.recall(as_ben, Source.photo(asset.id)) is None
    results = await asyncio.gather(
        *(library.item(as_ben, Source.photo(asset.id)) for _ in range(1000)), return_exceptions=True
    )
    assert all(isinstance(one, PhotoNotFound) for one in results)
    assert library.recall(as_ben, Source.photo(asset.id)) is False
    assert len(immich_stub.calls) == 2


async def test_which_of_2200_photos_somebody_sees_takes_five_requests_at_most_and_none_for_a_minute(
    immich_stub, library, clock, ada, ben, as_ada, as_ben, picture
):
    small = picture(4, 3)
    first = immich_stub.add_photo(ada, small)
    for _ in range(2199):
        immich_stub.add_copy(first)
    others = [Source.photo(immich_stub.add_copy(first, owner=ben).id) for _ in range(20)]
    everything = [*others, *(Source.photo(one.id) for one in immich_stub.assets.values() if one.owner is ada)]
    immich_stub.calls.clear()
    seen, again = await asyncio.gather(*(library.visible(as_ada, everything, singly=2) for _ in range(2)))
    assert seen == again == set(everything) - set(others)
    assert len(immich_stub.calls) <= 5
    immich_stub.calls.clear()
    clock.now += 29
    assert await library.visible(as_ada, everything, singly=0) == seen
    assert immich_stub.calls == []
    assert await library.visible(as_ben, everything, singly=2) == set(others)
    assert len(immich_stub.calls) <= 5


async def test_what_the_timeline_does_not_list_is_found_if_it_was_opened_before_and_gone_within_a_minute_of_its_loss(
    immich_stub, library, clock, ada, ben, as_ben, picture
):
    photos = [immich_stub.add_photo(ada, picture(4, 3)) for _ in range(40)]
    for one in (photos[35], photos[39]):
        one.shared_with.append(ben)
        await library.item(as_ben, Source.photo(one.id))
    everything = [Source.photo(one.id) for one in photos]
    clock.now += 61
    assert await library.visible(as_ben, everything, singly=0) == {everything[35], everything[39]}
    photos[35].shared_with.clear()
    clock.now += 61
    assert await library.visible(as_ben, everything, singly=0) == {everything[39]}


async def test_what_was_never_asked_about_is_found_a_few_at_a_time(
    immich_stub, library, clock, ada, ben, as_ben, picture
):
    photos = [immich_stub.add_photo(ada, picture(4, 3)) for _ in range(12)]
    photos[11].shared_with.append(ben)
    everything = [Source.photo(one.id) for one in photos]
    found = set()
    for _ in range(6):
        found |= await library.visible(as_ben, everything, singly=2)
        clock.now += 61
    assert found == {everything[11]}


async def test_immich_is_told_whose_address_and_device_signs_in_and_names_it_in_its_list(immich_stub, library, ada):
    caller = Caller("203.0.113.9", "Android")
    await library.sign_in(email="ada@example.org", password=ada.password, caller=caller)
    with pytest.raises(SignInFailed):
        await library.sign_in(api_key="x" * 43, caller=caller)
    assert len(immich_stub.headers) == 2
    for headers in immich_stub.headers:
        assert headers["x-forwarded-for"] == "203.0.113.9"
        assert (headers["devicemodel"], headers["devicetype"]) == ("ImmichVR", "Android")


async def test_a_video_is_seen_by_whom_immich_shows_it_and_is_no_photo(
    immich_stub, library, clock, ada, ben, as_ada, as_ben, picture
):
    asset = immich_stub.add_photo(ada, picture(4, 3))
    asset.type = "VIDEO"
    video, photo = Source("video", asset.id), Source.photo(asset.id)
    assert await library.visible(as_ada, [video, photo], singly=2) == {video}
    assert (library.recall(as_ada, video), library.recall(as_ada, photo)) == (True, False)
    assert await library.visible(as_ben, [video], singly=1) == set()
    asset.shared_with.append(ben)
    clock.now += 61
    assert await library.visible(as_ben, [video], singly=1) == {video}
    assert await library.owns(as_ada, video) and not await library.owns(as_ben, video)
    with pytest.raises(PhotoNotFound):
        await library.item(as_ada, Source.photo(asset.id))
    for hidden in ("locked", "hidden"):  # the second is what moves in a Live Photo
        asset.visibility = hidden
        clock.now += 61
        assert await library.visible(as_ada, [video], singly=1) == set()


async def test_photos_of_a_set_that_were_opened_before_are_all_asked_about(
    immich_stub, library, clock, ada, ben, as_ben, picture
):
    photos = [immich_stub.add_photo(ada, picture(4, 3)) for _ in range(40)]
    for one in photos:
        one.shared_with.append(ben)
        await library.item(as_ben, Source.photo(one.id))
    clock.now += 61
    members = [Source.photo(one.id) for one in photos]
    assert await library.visible(as_ben, members, singly=len(members)) == set(members)
