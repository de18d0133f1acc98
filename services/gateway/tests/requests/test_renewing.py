"""Jobs that are tried again, of what there is by then."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from google.protobuf import json_format
from immichvr.common.v1.common_pb2 import ObjectRef
from immichvr.events.v1.events_pb2 import Grants, Job
from immichvr_catalog import PHOTO, VIDEO
from immichvr_common.grants import grants_of, put_grants
from immichvr_common.storage import ObjectStore
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.jobs.askers import Askers
from immichvr_gateway.jobs.records import JobError, JobRecord, new_record
from immichvr_gateway.library import Content, FolderLibrary, Identity, LibraryPhoto
from immichvr_gateway.requests.renewing import Renewal
from immichvr_gateway.requests.staging import Stager
from immichvr_gateway.settings import LimitSettings, RetentionSettings
from immichvr_gateway.sources.composites import Composites
from PIL import Image

ME = Identity.local()


@pytest.fixture
async def library(tmp_path: Path) -> Any:
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos/clip.mov").write_bytes(b"a video")
    library = FolderLibrary(tmp_path / "videos", tmp_path / "cache")
    yield library
    await library.close()


@pytest.fixture
def renewal(library: FolderLibrary, storage: ObjectStore) -> Renewal:
    stager = Stager(library, storage, LimitSettings(), RetentionSettings(), lambda who, source: None)
    nobody: Any = None
    jobs: Any = SimpleNamespace(askers=Askers())
    return Renewal(jobs, stager, storage, nobody, nobody, Composites(storage))


def a_record(video: LibraryPhoto, bucket: str) -> JobRecord:
    """A job of a video whose staged copy has expired."""
    job = Job(id=f"play-{video.id}-r", kind="play", run=1, bucket=bucket, source_version=video.source_version)
    video.source.put(job)
    job.inputs["source"].CopyFrom(ObjectRef(bucket=bucket, key=f"sources/{video.id}/expired"))
    return new_record(job, "jobs.toy-maker.cpu.interactive.play.x", ME.user_id, {})


async def test_a_video_is_staged_anew_where_its_copy_has_expired(
    renewal: Renewal, library: FolderLibrary, storage: ObjectStore
) -> None:
    [video] = (await library.items(VIDEO, ME, None, 10)).items
    message = await renewal.renewed(ME, a_record(video, storage.bucket))
    assert (await storage.get_bytes(message["inputs"]["source"]["key"])).data == b"a video"


async def test_a_video_that_has_changed_since_is_asked_for_anew(
    renewal: Renewal, library: FolderLibrary, storage: ObjectStore, tmp_path: Path
) -> None:
    [video] = (await library.items(VIDEO, ME, None, 10)).items
    (tmp_path / "videos/clip.mov").write_bytes(b"another video")
    with pytest.raises(Problem, match=r"clip\.mov has changed since") as refused:
        await renewal.renewed(ME, a_record(video, storage.bucket))
    assert refused.value.code == "changed"


@pytest.mark.parametrize("recipe", [None, "another"])
async def test_stereo_of_depth_that_was_replaced_is_asked_for_anew(
    renewal: Renewal, library: FolderLibrary, storage: ObjectStore, recipe: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    [video] = (await library.items(VIDEO, ME, None, 10)).items
    job = Job(id=f"stereo-{video.id}-r", kind="stereo", run=1, bucket=storage.bucket)
    job.source_version = video.source_version
    video.source.put(job)
    job.inputs["source"].CopyFrom(ObjectRef(bucket=storage.bucket, key=f"sources/{video.id}/expired"))
    job.recipes["depth-video"] = "one"
    job.params.update({"modelKey": "heuristic"})
    stands = recipe and SimpleNamespace(recipe=recipe)
    monkeypatch.setattr(renewal, "_assets", SimpleNamespace(get=lambda source, key: stands))
    record = new_record(job, "jobs.video-depth.cpu.interactive.stereo.x", ME.user_id, {})
    with pytest.raises(Problem, match="depth that stereo was to be made of is gone") as refused:
        await renewal.renewed(ME, record)
    assert refused.value.code == "changed"


async def test_the_photos_of_a_scene_are_staged_anew_in_their_order_unless_one_has_changed(
    renewal: Renewal, library: FolderLibrary, storage: ObjectStore, tmp_path: Path
) -> None:
    for number, colour in enumerate(("teal", "coral")):
        Image.new("RGB", (32, 32), colour).save(tmp_path / f"videos/{number}.png")
    photos = sorted((await library.items(PHOTO, ME, None, 10)).items, key=lambda one: one.name)
    composites = Composites(storage)
    scene = await composites.add_scene(await composites.add_set([one.id for one in photos]), "f00d")
    job = Job(id=f"reconstruct-{scene.id}-r", kind="reconstruct", run=1, bucket=storage.bucket)
    scene.put(job)
    for place, photo in enumerate(photos):
        job.inputs[f"photo_{place:03}"].key = f"sources/{photo.id}/{photo.source_version}-expired"
    record = new_record(job, "jobs.inpaint.cpu.interactive.reconstruct.x", ME.user_id, {})
    message = await renewal.renewed(ME, record)
    for place in range(2):
        staged = await storage.get_bytes(message["inputs"][f"photo_{place:03}"]["key"])
        assert staged.data == (tmp_path / f"videos/{place}.png").read_bytes()
    Image.new("RGB", (32, 32), "black").save(tmp_path / "videos/1.png")
    with pytest.raises(Problem, match=r"1\.png has changed since"):
        await renewal.renewed(ME, record)


async def test_for_photos_of_a_scene_that_cannot_be_decoded_the_library_s_pictures_stand_in_and_that_is_told(
    renewal: Renewal, library: FolderLibrary, storage: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, colour in enumerate(("teal", "coral", "navy")):
        Image.new("RGB", (32, 32), colour).save(tmp_path / f"videos/{number}.png")

    async def rendition(who: Identity, photo_id: str, *, small: bool) -> Content | None:
        if photo_id == photos[2].id:
            return None
        return Content("image/jpeg", 7, "1.jpeg", one_chunk(b"picture"), note="this is the preview of it")

    monkeypatch.setattr(library, "rendition", rendition)
    photos = sorted((await library.items(PHOTO, ME, None, 10)).items, key=lambda one: one.name)
    composites = Composites(storage)
    scene = await composites.add_scene(await composites.add_set([one.id for one in photos]), "f00d")
    job = Job(id=f"reconstruct-{scene.id}-r", kind="reconstruct", run=1, bucket=storage.bucket)
    scene.put(job)
    put_grants(job, Grants(stand_ins=True))
    for place, photo in enumerate(photos):
        job.inputs[f"photo_{place:03}"].key = f"sources/{photo.id}/{photo.source_version}-expired"
    record = new_record(job, "jobs.inpaint.cpu.interactive.reconstruct.x", ME.user_id, {})
    record.undecoded = ["photo_001", "photo_002"]
    record.refusal = JobError(code="invalid_image", message="not an image")
    message = await renewal.renewed(ME, record)
    assert (await storage.get_bytes(message["inputs"]["photo_001"]["key"])).data == b"picture"
    for place in (0, 2):
        staged = await storage.get_bytes(message["inputs"][f"photo_{place:03}"]["key"])
        assert staged.data == (tmp_path / f"videos/{place}.png").read_bytes()
    assert message["sourceNote"] == "1.png: this is the preview of it (not an image)"
    assert not grants_of(json_format.ParseDict(message, Job())).stand_ins, "what is left undecoded is left out now"
    assert "standIns" not in message.get("params", {})
    record.message = message
    again = await renewal.renewed(ME, record)
    assert {role: ref["sha256"] for role, ref in again["inputs"].items()} == {
        role: ref["sha256"] for role, ref in message["inputs"].items()
    }, "and so it is however often it is tried"


async def one_chunk(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def test_a_scene_whose_given_cameras_are_kept_no_longer_is_asked_for_anew_with_them(
    renewal: Renewal, library: FolderLibrary, storage: ObjectStore, tmp_path: Path
) -> None:
    composites = Composites(storage)
    scene = await composites.add_scene(await composites.add_set(["a", "b"]), "f00d")
    job = Job(id=f"reconstruct-{scene.id}-r", kind="reconstruct", run=1, bucket=storage.bucket)
    scene.put(job)
    job.inputs["transforms"].key = f"sources/{scene.id}/carried-0123"
    record = new_record(job, "jobs.inpaint.cpu.interactive.reconstruct.x", ME.user_id, {})
    with pytest.raises(Problem, match="ask for the scene anew"):
        await renewal.renewed(ME, record)
