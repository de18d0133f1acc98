"""Photos that move in Immich: by rule, by batch and one by one, from the request to the clip, through real servers."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

URL = "/api/integrations/immich"
CAPABILITY = "immichvr_video_depth.motion.job:make_motion"
OUTSIDE = "6d1b2b0e-2a3c-4d59-9a51-7a1c6f1e0c11"
# The first clip of a process waits for its kernels to be compiled.
pytestmark = pytest.mark.timeout(300)
PATIENCE_S = 200


@pytest.fixture
def picture() -> Callable[[], bytes]:
    """Makes small photos, no two alike."""
    count = iter(range(100))

    def make() -> bytes:
        out = io.BytesIO()
        pixels = np.random.default_rng(next(count)).integers(60, 190, (12, 18, 3)).repeat(4, 0).repeat(4, 1)
        Image.fromarray(pixels.astype(np.uint8)).save(out, "JPEG")
        return out.getvalue()

    return make


@pytest.fixture
async def home(household: Any, working: Any) -> AsyncIterator[Any]:
    """Ada before a gateway whose photos really become clips."""
    async with household(every_minutes=0.005) as home, working("video-depth", CAPABILITY):
        yield home


def upload(home: Any, picture: bytes, name: str, library: str | None = None) -> Any:
    """A photo that came just now; nobody is told of it. library: of which it is, where that is an external one."""
    asset = home.stub.add_photo(home.ada, picture, name)
    asset.uploaded_at = asset.updated_at = datetime.now(UTC)
    asset.library_id = library
    return asset


def told_of(photo: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(photo).items() if name != "updated_at"}


async def moves(home: Any, photo: Any) -> Any:
    """The clip of a photo, once Immich has it and it is linked."""

    async def linked() -> Any:
        return photo.live_video and home.stub.assets[photo.live_video]

    return await home.until(linked, PATIENCE_S)


async def listed(home: Any) -> set[str]:
    """The ids of all photos and videos that Ada is shown."""
    return {item["id"] for kind in ("photos", "videos") for item in (await home.call("GET", f"/api/{kind}"))["items"]}


async def batch_of_clips(home: Any) -> dict[str, Any]:
    """A batch of Ada's, once it is done."""
    begun = await home.call("POST", "/api/batches", json={"kind": "motion", "start": True})

    async def done() -> Any:
        batch = await home.call("GET", f"/api/batches/{begun['id']}")
        return batch if batch["state"] == "done" else None

    batch: dict[str, Any] = await home.until(done, PATIENCE_S)
    return batch


async def test_a_rule_has_new_photos_move_in_immich_once_and_all_of_it_is_undone(home, picture) -> None:
    rules = [{"of": "all", "kind": "motion"}]
    shown = await home.call("POST", URL, json={"rules": rules, "motion_clips": True})
    assert shown["left"]["motion_clips"] == {**shown["left"]["motion_clips"], "wanted": True, "missing": []}
    photo = upload(home, picture(), "IMG_7.jpg")
    before = told_of(photo)
    assert await asyncio.to_thread(home.stub.run_workflows, photo) == [202]
    clip = await moves(home, photo)
    assert (clip.visibility, clip.name, clip.owner) == ("hidden", "IMG_7.immichvr.mp4", home.ada)
    [note] = clip.notes.values()
    assert note["parent"] == photo.id and clip.original[4:8] == b"ftyp"
    assets = (await home.call("GET", f"/api/photos/{photo.id}/assets"))["assets"]
    assert [(one["kind"], one["model_key"]) for one in assets] == [("motion", "sway")]
    # The upload tells our own workflow of the clip, and linking it of the photo: neither is new work, nor seen here.
    for asset in (clip, photo, clip):
        await asyncio.to_thread(home.stub.run_workflows, asset)
    assert (await home.call("GET", URL))["clips"] == 1
    assert [job["kind"] for job in await home.jobs()] == ["motion"]
    assert await listed(home) == {photo.id}
    gone = await home.call("DELETE", URL, params={"undo": True})
    home.stub.run_jobs()
    assert (gone["state"], gone["clips"]) == ("off", 0)
    assert told_of(photo) == before and set(home.stub.assets) == {photo.id}


async def test_a_batch_has_a_selection_move_but_for_what_is_not_agreed_to_until_it_is_taken_off(home, picture) -> None:
    await home.call("POST", URL, json={"rules": [], "motion_clips": True})
    one, other = (upload(home, picture(), f"IMG_{at}.jpg") for at in range(2))
    outside, live = upload(home, picture(), "NAS_1.jpg", OUTSIDE), upload(home, picture(), "IMG_9.jpg")
    film = upload(home, picture(), "IMG_9.mov")
    film.type, film.visibility, live.live_video = "VIDEO", "hidden", film.id
    before = [told_of(photo) for photo in (one, other, outside, live)]
    assert (await batch_of_clips(home))["progress"]["made"] == 4
    for photo in (one, other):
        await moves(home, photo)
    assert (outside.live_video, live.live_video) == (None, film.id)
    # Once more: everything is there.
    there = set(home.stub.assets)
    assert (await batch_of_clips(home))["progress"] == {
        "looked_at": 4, "made": 0, "existing": 4, "failed": 0, "skipped": 0,
    }  # fmt: skip
    for _ in range(2):
        put = await home.call("PUT", f"{URL}/clips/{one.id}")
        assert put["clip"] == one.live_video
    assert set(home.stub.assets) == there
    for photo in (one, outside, live):
        shown = await home.call("GET", f"{URL}/clips/{photo.id}")
        assert shown == {"clip": one.live_video if photo is one else None}
    # One by one, what needs a yes of its own.
    path, key = f"{URL}/clips/{outside.id}", {"x-api-key": home.key}
    assert (await home.client.put(path, headers=key)).json()["code"] == "external_library"
    home.ada.quota = 10
    assert (await home.client.put(f"{path}?external=true", headers=key)).json()["code"] == "immich_full"
    home.ada.quota = None
    await home.call("PUT", f"{path}?external=true")
    assert outside.live_video is not None and (await home.call("GET", URL))["clips"] == 3
    shown = await home.call("DELETE", f"{URL}/clips")
    home.stub.run_jobs()
    assert (shown["clips"], shown["left"]["motion_clips"]["wanted"]) == (0, True)
    assert [told_of(photo) for photo in (one, other, outside, live)] == before
    assert set(home.stub.assets) == {photo.id for photo in (one, other, outside, live, film)}


async def test_a_clip_that_was_unlinked_and_not_deleted_is_nobodys_video_and_goes_when_it_is_asked_again(
    home, picture
) -> None:
    await home.call("POST", URL, json={"rules": [], "motion_clips": True})
    photo = upload(home, picture(), "IMG_1.jpg")
    await home.call("POST", f"/api/photos/{photo.id}/motion", json={"seconds": 2})
    clip, path, key = await moves(home, photo), f"{URL}/clips/{photo.id}", {"x-api-key": home.key}

    async def away(request: Request) -> Response:
        return JSONResponse({"message": "away"}, 503)

    home.stub.instead["^/api/assets$"] = away
    assert (await home.client.delete(path, headers=key)).status_code == 503
    home.stub.instead.clear()
    assert (photo.live_video, clip.visibility) == (None, "timeline"), "as unlinking leaves it in Immich"
    assert await listed(home) == {photo.id}
    assert (await home.call("GET", URL))["clips"] == 1
    assert (await home.client.delete(path, headers=key)).status_code == 204
    home.stub.run_jobs()
    assert set(home.stub.assets) == {photo.id} and (await home.call("GET", URL))["clips"] == 0
