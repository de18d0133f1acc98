"""A photo that was deleted for good is told from one that is hidden; where that cannot be told, it is there."""

import pytest
from immichvr_common.sources import Source
from immichvr_gateway.library import LibraryUnavailable, NotPermitted, PhotoNotFound
from starlette.responses import Response

_PERMISSIONS = ("user.read", "asset.read", "asset.view", "asset.download", "asset.upload")


async def test_only_what_is_deleted_for_good_is_gone(immich_stub, library, ada, picture):
    asset = immich_stub.add_photo(ada, picture())
    who = await library.sign_in(api_key=immich_stub.add_key(ada, _PERMISSIONS))
    trace = await library.trace(who, Source.photo(asset.id))
    assert trace.owner == who.user_id
    for visibility in ("timeline", "archive", "hidden", "locked"):
        asset.visibility = visibility
        assert not await library.is_gone(who, Source.photo(asset.id), trace.mark), visibility
    asset.trashed = True
    assert not await library.is_gone(who, Source.photo(asset.id), trace.mark)
    del immich_stub.assets[asset.id]
    assert await library.is_gone(who, Source.photo(asset.id), trace.mark)


async def test_without_the_permission_to_check_uploads_nothing_is_held_to_be_gone(immich_stub, library, ada, picture):
    asset = immich_stub.add_photo(ada, picture())
    who = await library.sign_in(api_key=immich_stub.add_key(ada, _PERMISSIONS[:-1]))
    trace = await library.trace(who, Source.photo(asset.id))
    assert not await library.is_gone(who, Source.photo(asset.id), trace.mark)
    del immich_stub.assets[asset.id]
    with pytest.raises(NotPermitted, match=r"asset\.upload"):
        await library.is_gone(who, Source.photo(asset.id), trace.mark)


async def test_an_immich_that_fails_proves_nothing(immich_stub, library, ada, picture):
    asset = immich_stub.add_photo(ada, picture())
    who = await library.sign_in(api_key=immich_stub.add_key(ada, _PERMISSIONS))
    trace = await library.trace(who, Source.photo(asset.id))

    async def fails(_):
        return Response(status_code=502)

    immich_stub.instead["/api/assets"] = fails
    with pytest.raises(LibraryUnavailable):
        await library.is_gone(who, Source.photo(asset.id), trace.mark)


async def test_who_a_photo_is_shared_with_does_not_own_it(immich_stub, library, ada, picture):
    asset = immich_stub.add_photo(ada, picture())
    bob = immich_stub.add_user("Bob")
    asset.shared_with.append(bob)
    photo = Source.photo(asset.id)
    hers = await library.sign_in(api_key=immich_stub.add_key(ada))
    his = await library.sign_in(api_key=immich_stub.add_key(bob))
    assert await library.owns(hers, photo) and not await library.owns(his, photo)
    asset.shared_with.clear()
    with pytest.raises(PhotoNotFound):
        await library.owns(his, photo)
