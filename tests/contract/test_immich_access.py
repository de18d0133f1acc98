"""Who may see what: Immich decides, for each person, and believes no cookie of ours."""

import pytest
from immichvr_catalog import PHOTO
from immichvr_common.sources import Source
from immichvr_gateway.library import ImmichLimits, NotPermitted, PhotoNotFound, SignInFailed


async def test_a_key_signs_its_owner_in(immich_stub, library, ada):
    who = await library.sign_in(api_key=f" {immich_stub.add_key(ada)}\n")
    assert (who.user_id, who.name) == (ada.id, "Ada")


async def test_a_key_that_may_do_everything_is_enough(immich_stub, library, ada):
    assert (await library.sign_in(api_key=immich_stub.add_key(ada, ("all",)))).name == "Ada"


@pytest.mark.parametrize(
    ("permissions", "missing"),
    [
        (("asset.read",), "user.read, asset.view, asset.download"),
        (("user.read", "asset.read", "asset.view"), "asset.download"),
    ],
)
async def test_a_key_that_may_do_too_little_is_told_exactly_what_is_missing(
    immich_stub, library, ada, permissions, missing
):
    with pytest.raises(SignInFailed) as caught:
        await library.sign_in(api_key=immich_stub.add_key(ada, permissions, name="my key"))
    assert "'my key' lacks the permission" in caught.value.message
    assert f" {missing};" in caught.value.message


@pytest.mark.parametrize("key", ["wrong", "", "line\nbreak", "ключ", "x" * 5000])
async def test_a_wrong_key_is_refused_in_words(library, key):
    with pytest.raises(SignInFailed, match="Immich"):
        await library.sign_in(api_key=key)


async def test_a_password_signs_in_and_its_session_reads_photos(immich_stub, library, ada, picture):
    asset = immich_stub.add_photo(ada, picture())
    who = await library.sign_in(email="ada@example.org", password=ada.password)
    assert (who.user_id, who.name, who.credential.kind) == (ada.id, "Ada", "bearer")
    assert [photo.id for photo in (await library.items(PHOTO, who, None, 10)).items] == [asset.id]


async def test_a_wrong_password_is_refused_in_words(library, ada):
    with pytest.raises(SignInFailed, match="Incorrect email or password"):
        await library.sign_in(email="ada@example.org", password="guess")


async def test_signing_out_ends_the_session_in_immich(immich_stub, library, ada):
    who = await library.sign_in(email="ada@example.org", password=ada.password)
    await library.sign_out(who)
    assert immich_stub.tokens == {}
    with pytest.raises(SignInFailed):
        await library.items(PHOTO, who, None, 10)
    await library.sign_out(who)


async def test_signing_out_leaves_a_key_alone(immich_stub, library, as_ada):
    before = list(immich_stub.calls)
    await library.sign_out(as_ada)
    assert immich_stub.calls == before


async def test_a_cookie_from_one_sign_in_never_travels_with_another_request(immich_stub, library, ada, ben, picture):
    asset = immich_stub.add_photo(ben, picture())
    await library.sign_in(email="ada@example.org", password=ada.password)  # Immich answers with a cookie
    immich_stub.tokens.clear()
    as_ben = await library.sign_in(api_key=immich_stub.add_key(ben))
    assert (await library.item(as_ben, Source.photo(asset.id))).id == asset.id


async def test_nobody_sees_the_photos_of_another(immich_stub, library, ada, as_ada, as_ben, picture):
    asset = immich_stub.add_photo(ada, picture())
    assert len((await library.items(PHOTO, as_ada, None, 10)).items) == 1
    await library.item(as_ada, Source.photo(asset.id))
    assert (await library.items(PHOTO, as_ben, None, 10)).items == []
    for call in (
        library.item,
        library.original,
        library.source,
        library.thumbnail,
        library.preview,
    ):
        with pytest.raises(PhotoNotFound):
            await call(as_ben, Source.photo(asset.id))


async def test_what_one_may_see_through_one_key_is_asked_anew_for_another_key(
    immich_stub, library, ada, as_ada, picture
):
    asset = immich_stub.add_photo(ada, picture())
    await library.item(as_ada, Source.photo(asset.id))
    narrow = await library.sign_in(email="ada@example.org", password=ada.password)
    immich_stub.tokens.clear()
    with pytest.raises(SignInFailed):
        await library.item(narrow, Source.photo(asset.id))


async def test_a_shared_photo_is_seen_by_both_half_a_minute_after_it_is_shared_at_the_latest(
    immich_stub, open_library, clock, ada, ben, as_ben, picture
):
    library = open_library(clock=clock)
    asset = immich_stub.add_photo(ada, picture())
    with pytest.raises(PhotoNotFound):
        await library.item(as_ben, Source.photo(asset.id))
    asset.shared_with.append(ben)
    immich_stub.calls.clear()
    with pytest.raises(PhotoNotFound):
        await library.item(as_ben, Source.photo(asset.id))
    assert immich_stub.calls == []
    clock.now += 30
    assert (await library.item(as_ben, Source.photo(asset.id))).id == asset.id


async def test_a_decision_is_believed_for_a_while_and_then_asked_for_again(
    immich_stub, open_library, ada, ben, as_ben, picture
):
    asset = immich_stub.add_photo(ada, picture())
    asset.shared_with.append(ben)
    believing, doubting = open_library(), open_library(limits=ImmichLimits(decision_s=0))
    for library in (believing, doubting):
        await library.item(as_ben, Source.photo(asset.id))
    asset.shared_with.clear()
    assert (await believing.item(as_ben, Source.photo(asset.id))).id == asset.id
    with pytest.raises(PhotoNotFound):
        await believing.item(as_ben, Source.photo(asset.id), fresh=True)
    with pytest.raises(PhotoNotFound):
        await believing.item(as_ben, Source.photo(asset.id))
    with pytest.raises(PhotoNotFound):
        await doubting.item(as_ben, Source.photo(asset.id))


async def test_files_of_a_photo_no_longer_shared_are_not_served_on_an_old_decision(
    immich_stub, library, ada, ben, as_ben, picture
):
    asset = immich_stub.add_photo(ada, picture())
    asset.shared_with.append(ben)
    await library.item(as_ben, Source.photo(asset.id))
    asset.shared_with.clear()
    with pytest.raises(PhotoNotFound):
        await library.thumbnail(as_ben, Source.photo(asset.id))


async def test_a_listed_photo_is_not_asked_about_again_for_its_thumbnail(immich_stub, library, ada, as_ada, picture):
    asset = immich_stub.add_photo(ada, picture())
    await library.items(PHOTO, as_ada, None, 10)
    immich_stub.calls.clear()
    async with await library.thumbnail(as_ada, Source.photo(asset.id)):
        pass
    assert immich_stub.calls == [f"GET /api/assets/{asset.id}/thumbnail"]


async def test_who_may_manage_is_immichs_word_believed_for_a_while_and_asked_anew_before_a_deed(
    immich_stub, library, ada, as_ben
):
    who = await library.sign_in(email="ada@example.org", password=ada.password)
    assert not await library.may_manage(who)
    ada.is_admin = True
    assert not await library.may_manage(who)
    assert await library.may_manage(who, fresh=True)
    before = len(immich_stub.calls)
    assert await library.may_manage(who)
    assert len(immich_stub.calls) == before
    assert not await library.may_manage(as_ben)


@pytest.mark.parametrize(
    ("permissions", "may"),
    [
        (("user.read", "asset.read", "asset.view", "asset.download"), False),
        (("user.read", "asset.read", "asset.view", "asset.download", "server.about", "adminUser.read"), False),
        (("user.read", "asset.read", "asset.view", "asset.download", "systemConfig.update"), True),
        (("all",), True),
    ],
)
async def test_an_administrators_key_manages_only_where_it_may_change_the_servers_settings(
    immich_stub, library, ada, ben, permissions, may
):
    ada.is_admin = True
    who = await library.sign_in(api_key=immich_stub.add_key(ada, permissions))
    assert await library.may_manage(who) == may
    other = await library.sign_in(api_key=immich_stub.add_key(ben, permissions))
    assert not await library.may_manage(other)


async def test_a_permission_taken_away_later_is_named(immich_stub, library, ada, as_ada, picture):
    asset = immich_stub.add_photo(ada, picture())
    immich_stub.keys[as_ada.credential.secret.get_secret_value()].permissions = ("asset.read", "user.read")
    with pytest.raises(NotPermitted) as caught:
        await library.thumbnail(as_ada, Source.photo(asset.id))
    assert caught.value.permissions == ("asset.view",)
    assert "asset.view" in caught.value.message


async def test_a_key_deleted_in_immich_no_longer_works(immich_stub, library, ada, as_ada, picture):
    immich_stub.add_photo(ada, picture())
    immich_stub.keys.clear()
    with pytest.raises(SignInFailed, match="Invalid API key"):
        await library.items(PHOTO, as_ada, None, 10)


async def test_secrets_are_in_no_text(immich_stub, library, ada):
    key = immich_stub.add_key(ada)
    who = await library.sign_in(api_key=key)
    assert key not in f"{who!r} {who.credential!r} {who.credential.secret} {vars(who)}"
