"""Motion clips in Immich: linked once, never over what is there, taken off without a trace, mended after a crash."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from immichvr_common.bus.streams import KV_STATE
from immichvr_common.errors import Conflict
from immichvr_common.sources import Source
from immichvr_gateway.assets.index import AssetEntry
from immichvr_gateway.automation.moving import Moving
from immichvr_gateway.automation.records import AutomationRecords
from immichvr_gateway.automation.setup import Setup
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.library import LibraryUnavailable, NotPermitted, PhotoNotFound
from immichvr_gateway.library.immich import notes

CLIP = b"\0\0\0\x18ftypmp42" + b"\0" * 4000


class Stored:
    """Manifests, and the clips that they name."""

    async def read(self, key: str) -> Any:
        return SimpleNamespace(asset_key="motion-sway", files=[SimpleNamespace(role="motion", key=key)])

    async def get_bytes(self, key: str, limit: int) -> Any:
        return SimpleNamespace(data=CLIP + key.encode())


@pytest.fixture
def moving(workshop: Any) -> Moving:
    return another(workshop)


def another(workshop: Any, **more: Any) -> Moving:
    """Of another gateway, or of the same after a restart."""
    stored: Any = Stored()
    return Moving(
        workshop.client, workshop.keys, workshop.records, workshop.assets, stored, stored,
        lambda _: [workshop.ada.user_id], workshop.supervisor, **more,
    )  # fmt: skip


def with_clip(workshop: Any, photo: Any, recipe: str = "r") -> Any:
    """A photo of which there is a clip here."""
    workshop.assets.put(
        AssetEntry(
            source=Source.photo(photo.id), kind="motion", model_key="sway", recipe=recipe,
            manifest_key=f"motion/{photo.id}_sway/{recipe}/manifest.json", made_at=datetime.now(UTC),
        )
    )  # fmt: skip
    return photo


def told_of(photo: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(photo).items() if name != "updated_at"}


async def test_a_photo_moves_once_and_stands_still_as_it_was(workshop, moving, picture) -> None:
    photo = with_clip(workshop, workshop.upload(picture(), "IMG_7.jpg"))
    before, there = told_of(photo), set(workshop.stub.assets)
    clip_id = await moving.put(workshop.ada, photo.id, external=False)
    clip = workshop.stub.assets[clip_id]
    assert (photo.live_video, clip.visibility, clip.name) == (clip_id, "hidden", "IMG_7.immichvr.mp4")
    assert clip.notes == {notes.KEY: {"parent": photo.id, "recipe": "r"}}
    assert await moving.put(workshop.ada, photo.id, external=False) == clip_id
    assert len(workshop.stub.assets) == len(there) + 1
    await moving.take(workshop.ada, photo.id)
    await moving.take(workshop.ada, photo.id)
    workshop.stub.run_jobs()
    assert told_of(photo) == before and set(workshop.stub.assets) == there
    assert await workshop.records.all_clips(workshop.ada.user_id) == {}


async def test_a_newer_clip_takes_the_place_of_the_one_before(workshop, moving, picture) -> None:
    photo = with_clip(workshop, workshop.upload(picture()))
    first = await moving.put(workshop.ada, photo.id, external=False)
    with_clip(workshop, photo, recipe="s")
    second = await moving.put(workshop.ada, photo.id, external=False)
    workshop.stub.run_jobs()
    assert first != second and first not in workshop.stub.assets and photo.live_video == second


async def test_what_immich_has_of_its_own_and_what_is_not_agreed_to_is_left_alone(workshop, moving, picture) -> None:
    film = workshop.upload(picture())
    live, outside, full, theirs = (with_clip(workshop, workshop.upload(picture())) for _ in range(4))
    live.live_video, outside.library_id = film.id, "6d1b2b0e-2a3c-4d59-9a51-7a1c6f1e0c11"
    theirs.owner = workshop.stub.users[1]
    theirs.shared_with = [workshop.stub.users[0]]

    async def refused(photo: Any) -> str:
        with pytest.raises(Problem) as caught:
            await moving.put(workshop.ada, photo.id, external=False)
        return caught.value.code

    there = set(workshop.stub.assets)
    assert await refused(live) == "has_live_video" and live.live_video == film.id
    assert await refused(outside) == "external_library"
    assert await refused(workshop.upload(picture())) == "no_clip"
    with pytest.raises(NotPermitted):
        await moving.put(workshop.ada, theirs.id, external=False)
    for stranger in ("*", "0.>", "00000000-0000-4000-8000-000000000000"):
        with pytest.raises(PhotoNotFound):
            await moving.put(workshop.ada, stranger, external=False)
    workshop.stub.users[0].quota = 1000
    assert await refused(full) == "immich_full"
    workshop.stub.users[0].quota = None
    assert len(workshop.stub.assets) == len(there) + 1, "nothing was uploaded"
    assert await moving.put(workshop.ada, outside.id, external=True)
    await moving.take(workshop.ada, live.id)
    assert live.live_video == film.id


@pytest.mark.parametrize("in_their_absence", [True, False])
@pytest.mark.parametrize("at", ["POST /assets", "PUT /assets", "unlinked"])
async def test_a_crash_in_between_leaves_nothing_in_the_timeline(
    workshop, moving, picture, monkeypatch: pytest.MonkeyPatch, at: str, in_their_absence: bool
) -> None:
    """Immich did what it was asked, and the gateway died before it heard so.

    It is mended with the key that they left for their absence, or else while they are here themselves.
    """
    if in_their_absence:
        await workshop.set_up(motion_clips=False)
    else:
        workshop.keys.people.clear()
    photo = with_clip(workshop, workshop.upload(picture()))
    there = set(workshop.stub.assets)
    client = workshop.client
    whole = {name: getattr(client, name) for name in ("upload", "put", "delete")}
    name = {"POST /assets": "upload", "PUT /assets": "put", "unlinked": "delete"}[at]

    async def dies(*told: Any, **more: Any) -> Any:
        if at != "unlinked":
            await whole[name](*told, **more)
        raise LibraryUnavailable("the gateway died", down="immich")

    if at == "unlinked":
        await moving.put(workshop.ada, photo.id, external=False)
    monkeypatch.setattr(client, name, dies)
    with pytest.raises(LibraryUnavailable):
        await (
            moving.take(workshop.ada, photo.id)
            if at == "unlinked"
            else moving.put(workshop.ada, photo.id, external=False)
        )
    monkeypatch.undo()
    assert len(workshop.stub.assets) == len(there) + 1
    people: list[Any] = []
    again = another(workshop, patience_s=0, here=lambda: people)
    if in_their_absence:
        await again.recall(workshop.ada.user_id)
    else:
        await again.go_on()
        assert len(workshop.stub.assets) == len(there) + 1, "nobody is here"
        people.append(workshop.ada)
    await again.go_on()
    workshop.stub.run_jobs()
    assert photo.live_video is None and set(workshop.stub.assets) == there
    assert await workshop.records.all_clips(workshop.ada.user_id) == {}


async def test_what_was_broken_off_is_ended_by_the_gateway_that_began_it(
    workshop, moving, picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await workshop.set_up(motion_clips=True)
    photo = with_clip(workshop, workshop.upload(picture()))
    await moving.put(workshop.ada, photo.id, external=False)

    async def away(*told: Any, **more: Any) -> Any:
        raise LibraryUnavailable("Immich is away", down="immich")

    monkeypatch.setattr(workshop.client, "delete", away)
    with pytest.raises(LibraryUnavailable):
        await moving.take(workshop.ada, photo.id)
    monkeypatch.undo()
    await moving.go_on()
    workshop.stub.run_jobs()
    assert set(workshop.stub.assets) == {photo.id}
    assert await workshop.records.all_clips(workshop.ada.user_id) == {}


async def test_new_clips_are_linked_by_themselves_for_who_wants_it_and_all_of_them_undone(
    workshop, moving, picture
) -> None:
    await workshop.set_up(motion_clips=True)
    photos = [with_clip(workshop, workshop.upload(picture())) for _ in range(3)]
    for photo in photos:
        await moving._settle(workshop.ada.user_id, photo.id)
    assert all(photo.live_video in workshop.stub.assets for photo in photos)
    await moving.undo(workshop.ada)
    workshop.stub.run_jobs()
    assert not any(photo.live_video for photo in photos) and len(workshop.stub.assets) == 3
    await workshop.set_up(motion_clips=False)
    await moving._settle(workshop.ada.user_id, photos[0].id)
    assert photos[0].live_video is None, "only for who wants it"
    assert json.dumps(workshop.stub.calls).count('POST /api/assets"') == 3


async def test_a_clip_put_back_while_immich_deletes_the_one_before_stays(workshop, moving, picture) -> None:
    photo = with_clip(workshop, workshop.upload(picture()))
    first = await moving.put(workshop.ada, photo.id, external=False)
    await moving.take(workshop.ada, photo.id)
    second = await moving.put(workshop.ada, photo.id, external=False)
    workshop.stub.run_jobs()
    assert first != second and photo.live_video == second and second in workshop.stub.assets


@pytest.mark.parametrize("at", ["upload", "put"])
async def test_what_was_begun_is_gone_on_with_and_not_uploaded_again(
    workshop, moving, picture, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    await workshop.set_up(motion_clips=True)
    photo = with_clip(workshop, workshop.upload(picture()))
    whole = getattr(workshop.client, at)

    async def dies(*told: Any, **more: Any) -> Any:
        await whole(*told, **more)
        raise LibraryUnavailable("the gateway died", down="immich")

    monkeypatch.setattr(workshop.client, at, dies)
    with pytest.raises(LibraryUnavailable):
        await moving.put(workshop.ada, photo.id, external=False)
    monkeypatch.undo()
    again = another(workshop, patience_s=0)
    await again.recall(workshop.ada.user_id)
    await again.go_on()
    workshop.stub.run_jobs()
    clips = [one.id for one in workshop.stub.assets.values() if one.type == "VIDEO"]
    assert clips == [photo.live_video]
    assert workshop.stub.calls.count("POST /api/assets") == 1
    assert (await workshop.records.clip(workshop.ada.user_id, photo.id))["state"] == "linked"


async def test_a_photo_keeps_its_clip_until_the_newer_one_is_there(
    workshop, moving, picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await workshop.set_up(motion_clips=True)
    photo = with_clip(workshop, workshop.upload(picture()))
    first = await moving.put(workshop.ada, photo.id, external=False)
    with_clip(workshop, photo, recipe="s")

    async def away(*told: Any, **more: Any) -> Any:
        raise LibraryUnavailable("Immich is away", down="immich")

    monkeypatch.setattr(workshop.client, "upload", away)
    with pytest.raises(LibraryUnavailable):
        await moving.put(workshop.ada, photo.id, external=False)
    monkeypatch.undo()
    workshop.stub.run_jobs()
    assert photo.live_video == first and first in workshop.stub.assets
    # Nothing can come of it any more: what was begun goes, and what the photo had is known as before.
    photo.library_id = "6d1b2b0e-2a3c-4d59-9a51-7a1c6f1e0c11"
    with pytest.raises(Problem):
        await moving.put(workshop.ada, photo.id, external=False)
    known = await workshop.records.clip(workshop.ada.user_id, photo.id)
    assert (known["state"], known["clip"], photo.live_video) == ("linked", first, first)
    await moving.take(workshop.ada, photo.id)
    workshop.stub.run_jobs()
    assert photo.live_video is None and set(workshop.stub.assets) == {photo.id}


async def test_a_live_video_that_comes_meanwhile_stays(
    workshop, moving, picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Immich pairs a film with its photo when it has both: that may be while a clip of ours goes up."""
    photo, film = with_clip(workshop, workshop.upload(picture())), workshop.upload(picture())
    upload = workshop.client.upload

    async def paired(*told: Any, **more: Any) -> Any:
        photo.live_video = film.id
        return await upload(*told, **more)

    monkeypatch.setattr(workshop.client, "upload", paired)
    with pytest.raises(Problem) as caught:
        await moving.put(workshop.ada, photo.id, external=False)
    workshop.stub.run_jobs()
    assert caught.value.code == "has_live_video" and photo.live_video == film.id
    assert set(workshop.stub.assets) == {photo.id, film.id}
    assert await workshop.records.all_clips(workshop.ada.user_id) == {}


async def test_what_immich_does_not_permit_is_not_asked_for_again_and_again(
    workshop, moving, picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await workshop.set_up(motion_clips=True)
    theirs, hers = (with_clip(workshop, workshop.upload(picture())) for _ in range(2))
    theirs.owner, theirs.shared_with = workshop.stub.users[1], [workshop.stub.users[0]]

    async def refused(*told: Any, **more: Any) -> Any:
        raise NotPermitted("the API key lacks Immich's permission asset.upload")

    monkeypatch.setattr(workshop.client, "upload", refused)
    for photo in (theirs, hers):
        await moving._settle(workshop.ada.user_id, photo.id)
    assert await workshop.records.all_clips(workshop.ada.user_id) == {}
    asked = len(workshop.stub.calls)
    await moving.go_on()
    assert len(workshop.stub.calls) == asked


async def test_several_gateways_put_one_clip_on_a_photo(workshop, moving, picture) -> None:
    await workshop.set_up(motion_clips=True)
    photo = with_clip(workshop, workshop.upload(picture()))
    gateways = [moving, another(workshop), another(workshop)]
    await asyncio.gather(*(one._settle(workshop.ada.user_id, photo.id) for one in gateways))
    for one in gateways:
        await one.go_on()
    workshop.stub.run_jobs()
    assert [one.id for one in workshop.stub.assets.values() if one.type == "VIDEO"] == [photo.live_video]
    assert workshop.stub.calls.count("POST /api/assets") == 1
    assert (await workshop.records.clip(workshop.ada.user_id, photo.id))["state"] == "linked"


async def test_what_another_gateway_left_over_is_looked_for_again_and_again(
    workshop, picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await workshop.set_up(motion_clips=True)
    ours, photo = another(workshop, patience_s=0, here=lambda: [workshop.ada]), workshop.upload(picture())
    await ours.go_on()
    await workshop.records.note_clip(workshop.ada.user_id, photo.id, {"state": "begun", "by": "another"}, None)
    await ours.go_on()
    assert (await workshop.records.clip(workshop.ada.user_id, photo.id))["by"] == "another"
    monkeypatch.setattr("immichvr_gateway.automation.moving._RECALLED_S", 0.0)
    await ours.go_on()
    assert await workshop.records.clip(workshop.ada.user_id, photo.id) is None, "there is no clip that it could have"


async def test_a_gateway_waits_for_what_another_has_begun_until_that_stands_still(
    workshop, moving, picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await workshop.set_up(motion_clips=True)
    photo = with_clip(workshop, workshop.upload(picture()))
    upload, others = workshop.client.upload, another(workshop)
    impatient = another(workshop, patience_s=0)

    async def slow(*told: Any, **more: Any) -> Any:
        monkeypatch.undo()
        for ask in (others.take(workshop.ada, photo.id), others.put(workshop.ada, photo.id, external=False)):
            with pytest.raises(Conflict):
                await ask
        # Taken for dead, it is gone on without; it sees so, and takes away what the other does not know of.
        await impatient.take(workshop.ada, photo.id)
        return await upload(*told, **more)

    monkeypatch.setattr(workshop.client, "upload", slow)
    with pytest.raises(Conflict):
        await moving.put(workshop.ada, photo.id, external=False)
    workshop.stub.run_jobs()
    assert photo.live_video is None and set(workshop.stub.assets) == {photo.id}
    assert await workshop.records.all_clips(workshop.ada.user_id) == {}


async def test_what_is_known_of_many_clips_at_once_is_all_kept(workshop) -> None:
    photos = [f"0000000{at % 10}-0000-4000-8000-0000000000{at:02}" for at in range(40)]
    user, records = workshop.ada.user_id, [workshop.records, AutomationRecords(workshop.bus)]
    await asyncio.gather(*(records[at % 2].note_clip(user, one, {"clip": one}, None) for at, one in enumerate(photos)))
    assert set(await workshop.records.all_clips(user)) == set(photos)
    with pytest.raises(Conflict):
        await workshop.records.note_clip(user, photos[0], {"clip": "another"}, {"clip": "what it was not"})


async def test_a_clip_linked_while_all_is_undone_is_taken_off_too(
    workshop, moving, picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await workshop.set_up(motion_clips=True)
    photo, opt_out = with_clip(workshop, workshop.upload(picture())), workshop.keys.opt_out

    async def late(who: Any) -> None:
        await moving.put(workshop.ada, photo.id, external=False)
        await opt_out(who)

    monkeypatch.setattr(workshop.keys, "opt_out", late)
    nothing: Any = SimpleNamespace(forget=lambda user: None)
    setup = Setup(
        workshop.client, workshop.keys, workshop.records, nothing, workshop.pointing, moving, lambda: None, ""
    )
    await setup.end(workshop.ada, undo=True)
    workshop.stub.run_jobs()
    assert photo.live_video is None and set(workshop.stub.assets) == {photo.id}
    assert await workshop.records.all_clips(workshop.ada.user_id) == {}


async def test_what_was_not_taken_off_stays_known(workshop, moving, picture) -> None:
    """However it came there in between."""
    user, photo = workshop.ada.user_id, with_clip(workshop, workshop.upload(picture()))
    await moving.put(workshop.ada, photo.id, external=False)
    await workshop.records.note_pointed(user, photo.id, {"note": True})
    await workshop.records.forget(user, undone=True)
    assert set(await workshop.records.all_clips(user)) == set(await workshop.records.all_pointed(user)) == {photo.id}


@pytest.mark.parametrize("then", ["put", "take"])
async def test_a_clip_of_ours_that_nothing_is_known_of_is_known_by_its_note(
    workshop, moving, picture, then: str
) -> None:
    photo, other = (with_clip(workshop, workshop.upload(picture())) for _ in range(2))
    clip_id = await moving.put(workshop.ada, photo.id, external=False)
    await workshop.bus.purge(f"KV_{KV_STATE}", f"$KV.{KV_STATE}.clips.>")
    if then == "put":
        assert await moving.put(workshop.ada, photo.id, external=False) == clip_id
        # It is the photo's own: linked to another, it is that one's live video.
        other.live_video = clip_id
        with pytest.raises(Problem):
            await moving.put(workshop.ada, other.id, external=False)
    await moving.take(workshop.ada, photo.id)
    workshop.stub.run_jobs()
    assert photo.live_video is None and clip_id not in workshop.stub.assets
    assert await workshop.records.all_clips(workshop.ada.user_id) == {}
