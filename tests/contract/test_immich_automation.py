"""What the gateway does in Immich for photos that become 3D by themselves, held against Immich's own description."""

from datetime import timedelta

import pytest
from immichvr_gateway.library import LibraryUnavailable, NotPermitted, PhotoNotFound
from immichvr_gateway.library.immich import notes, owned, workflows
from immichvr_gateway.library.immich.client import ImmichClient
from immichvr_gateway.library.immich.limits import ImmichLimits
from pydantic import SecretStr

_PERMISSIONS = (
    "user.read", "asset.read", "asset.view", "asset.download", "asset.update", "workflow.create", "workflow.read",
    "workflow.delete", "tag.read", "tag.create", "tag.asset", "tag.delete",
)  # fmt: skip


@pytest.fixture
async def client(immich_stub):
    client = ImmichClient(immich_stub.url, ImmichLimits())
    yield client
    await client.close()


@pytest.fixture
async def her(library, immich_stub, ada):
    return (await library.sign_in(api_key=immich_stub.add_key(ada, _PERMISSIONS))).credential


async def test_a_workflow_is_made_found_and_removed_with_its_webhook(immich_stub, client, her, ada, picture):
    url = "http://127.0.0.1:9/api/webhooks/immich/ada"
    assert await workflows.triggers(client, her) == {"AssetCreate", workflows.EXTRACTED}
    made = await workflows.create(client, her, workflows.EXTRACTED, url, SecretStr("s3cret"))
    [found] = await workflows.workflows(client, her)
    assert (found.id, found.trigger, found.enabled, found.calls(url)) == (made, workflows.EXTRACTED, True, True)
    assert not found.calls(f"{url}x") and "s3cret" not in repr(found)
    config = immich_stub.workflows[made].steps[0]["config"]
    assert (config["url"], config["headerName"], config["headerValue"]) == (url, "Authorization", "Bearer s3cret")
    await workflows.remove(client, her, made)
    await workflows.remove(client, her, made)
    assert await workflows.workflows(client, her) == []


async def test_a_key_that_may_not_make_workflows_is_told_which_permission_is_missing(immich_stub, library, client, ada):
    who = await library.sign_in(api_key=immich_stub.add_key(ada))
    with pytest.raises(NotPermitted, match=r"workflow\.create"):
        await workflows.create(client, who.credential, workflows.EXTRACTED, "http://x", SecretStr("s"))


async def test_an_immich_without_workflows_is_told_so(immich_stub, client, her):
    immich_stub.triggers = ()
    assert await workflows.triggers(client, her) == set()
    with pytest.raises(LibraryUnavailable):
        await workflows.create(client, her, workflows.EXTRACTED, "http://x", SecretStr("s"))


async def test_a_note_is_put_read_and_removed_and_tells_our_own_clips_from_what_has_a_pointer(
    immich_stub, client, her, ada, ben, picture
):
    asset, other = immich_stub.add_photo(ada, picture()), immich_stub.add_photo(ben, picture())
    assert await notes.note_on(client, her, asset.id) is None
    await notes.put_note(client, her, asset.id, {"is": notes.POINTER, "state": "done"})
    note = await notes.note_on(client, her, asset.id)
    assert note == {"is": "pointer", "state": "done"} and not notes.is_made_here(note)
    assert notes.is_made_here({"role": "clip"}) and not notes.is_made_here(None)
    await notes.remove_note(client, her, asset.id)
    await notes.remove_note(client, her, asset.id)
    assert asset.notes == {}
    with pytest.raises(PhotoNotFound):
        await notes.put_note(client, her, other.id, {"is": notes.POINTER})


async def test_a_tag_is_made_once_put_on_and_taken_off(immich_stub, client, her, ada, picture):
    asset = immich_stub.add_photo(ada, picture())
    tag = await notes.make_tag(client, her, "3D")
    assert await notes.make_tag(client, her, "3D") == tag
    await notes.put_tag(client, her, tag.id, asset.id)
    await notes.put_tag(client, her, tag.id, asset.id)
    assert [one.value for one in (await owned.asset(client, her, asset.id)).tags] == ["3D"]
    await notes.take_tag(client, her, tag.id, [asset.id])
    await notes.remove_tag(client, her, tag.id)
    await notes.remove_tag(client, her, tag.id)
    assert asset.tags == [] and immich_stub.tags == {}


async def test_what_was_changed_is_found_and_what_is_in_an_album_tagged_or_a_favourite(
    immich_stub, client, her, ada, ben, picture
):
    old, new, other = (immich_stub.add_photo(one, picture()) for one in (ada, ada, ben))
    new.updated_at += timedelta(days=5)
    new.uploaded_at += timedelta(days=5)
    new.duration_ms = 2500
    tag = immich_stub.add_tag(old, "Make 3D")
    album = immich_stub.add_album(ada, "Summer").id
    old.albums, old.favourite = [album], True
    other.albums, other.favourite = [album], True

    async def ids(**wanted):
        return [one.id for one in (await owned.search(client, her, owned.Wanted(**wanted))).items]

    assert await ids(updated_after=old.updated_at) == [new.id]
    assert await ids(updated_after=new.updated_at) == []
    assert await ids(created_after=old.uploaded_at) == [new.id]
    assert await ids(favourites=True) == [old.id]
    assert await ids(of="albums", name=album) == [other.id, old.id]  # whoever put it there
    assert await ids(of="tag", name=tag.id) == [old.id]
    assert await ids(of="tag", name=tag.id, asset=new.id) == []
    first = await owned.search(client, her, owned.Wanted(), size=1)
    second = await owned.search(client, her, owned.Wanted(), page=first.next_page, size=1)
    assert [one.id for one in (*first.items, *second.items)] == [old.id, new.id] and second.next_page is None
    found = await owned.asset(client, her, new.id)
    assert (found.duration, found.created_at, found.tags, found.people) == (2500, new.uploaded_at, [], [])
    assert [(one.id, one.value) for one in await owned.tags(client, her)] == [(tag.id, "Make 3D")]
    unshared = immich_stub.add_photo(ben, picture())
    with pytest.raises(PhotoNotFound):
        await owned.asset(client, her, unshared.id)
