"""A clip of ours in Immich as it is asked for: uploaded hidden, linked, unlinked and deleted."""

from __future__ import annotations

from immichvr_gateway.library.immich import linking, notes, owned

_PERMISSIONS = (
    "user.read", "asset.read", "asset.view", "asset.download", "asset.upload", "asset.update", "asset.delete",
)  # fmt: skip


async def test_a_photo_gets_a_hidden_clip_once_and_is_without_it_again(immich_stub, library, ada, picture):
    photo = immich_stub.add_photo(ada, picture())
    who = (await library.sign_in(api_key=immich_stub.add_key(ada, _PERMISSIONS))).credential
    clip = linking.Clip(b"\0\0\0\x18ftypmp42 a clip", "photo.immichvr.mp4", photo.id, "r", photo.taken_at)
    client = library.client
    assert await linking.room(client, who) is None
    ada.quota = 5000
    assert await linking.room(client, who) == 5000
    assert await linking.find(client, who, clip.checksum) is None
    clip_id = await linking.upload(client, who, clip)
    assert await linking.upload(client, who, clip) == clip_id
    assert await linking.find(client, who, clip.checksum) == clip_id
    await linking.link(client, who, photo.id, clip_id)
    assert (await owned.asset(client, who, photo.id)).live_photo_video_id == clip_id
    kept = immich_stub.assets[clip_id]
    assert (kept.visibility, kept.type, kept.original) == ("hidden", "VIDEO", clip.data)
    assert kept.notes == {notes.KEY: {"parent": photo.id, "recipe": "r"}}
    await notes.remove_clip(client, who, photo.id, clip_id)
    await linking.discard(client, who, clip_id)
    assert await linking.upload(client, who, clip) == clip_id, "Immich has it until it comes to deleting it"
    assert await linking.find(client, who, clip.checksum) is None
    assert await linking.find(client, who, clip.checksum, deleted=True) == clip_id
    immich_stub.run_jobs()
    assert await linking.find(client, who, clip.checksum, deleted=True) is None
    assert photo.live_video is None and clip_id not in immich_stub.assets
