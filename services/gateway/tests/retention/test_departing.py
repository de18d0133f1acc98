"""What was made of a photo goes when the library has deleted the photo for good, and for no other reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from immichvr_common.bus import Bus
from immichvr_common.manifests import AssetFile, Manifest, commit_manifest
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore
from immichvr_gateway.library import FolderLibrary, Identity, LibraryUnavailable, Trace
from immichvr_gateway.requests.recipes import job_id
from immichvr_gateway.retention.departed import Departed
from immichvr_gateway.sources.composites import Composites

NOW, WEEK = datetime(2026, 6, 1, tzinfo=UTC), timedelta(days=7)
PHOTO = Source.photo("photo")
ANN, BOB = (Identity(name, name, Identity.local().credential) for name in ("ann", "bob"))


class Answers:
    """A library that says of Ann's photos whether they are gone; nobody else may be asked."""

    def __init__(self) -> None:
        self.gone: bool | Exception = False
        self.asked = 0

    async def trace(self, who: Identity, item: Source) -> Trace:
        return Trace("ann", "checksum")

    async def is_gone(self, who: Identity, item: Source, mark: str) -> bool:
        assert (who, mark) == (ANN, "checksum")
        self.asked += 1
        if isinstance(self.gone, Exception):
            raise self.gone
        return self.gone

    async def identity_of_service(self) -> Identity | None:
        return None


async def looked(departed: Departed, *days: float) -> set[Source]:
    found: set[Source] = set()
    for day in days:
        found = await departed.look({PHOTO}, NOW + timedelta(days=day), WEEK)
    return found


async def test_a_photo_is_gone_when_its_owner_has_missed_it_again_and_again_for_the_whole_grace(empty_bus: Bus) -> None:
    library = Answers()
    departed = Departed(empty_bus, library, list)  # type: ignore[arg-type]  # as much of a library as is asked
    await departed.note(ANN, PHOTO)
    assert await looked(departed, 0, 20) == set()
    library.gone = True
    assert await looked(departed, 30, 33, 36.9) == set()
    # A gateway that starts anew goes on counting, once the owner is there.
    again = Departed(empty_bus, library, lambda: [ANN])  # type: ignore[arg-type]  # as above
    assert await looked(again, 37.1) == {PHOTO}
    library.gone = False
    assert await looked(again, 38) == set(), "it was restored"
    library.gone = True
    assert await looked(again, 39) == set(), "the time begins anew"


async def test_a_library_that_is_away_and_people_who_do_not_own_a_photo_prove_nothing(empty_bus: Bus) -> None:
    library = Answers()
    departed = Departed(empty_bus, library, lambda: [BOB])  # type: ignore[arg-type]  # as above
    await departed.note(BOB, PHOTO)
    assert await looked(departed, 0, 10, 20, 30) == set() and not library.asked
    library.gone = LibraryUnavailable("Immich does not answer", down="immich")
    departed = Departed(empty_bus, library, lambda: [ANN])  # type: ignore[arg-type]  # as above
    assert await looked(departed, 0, 10, 20, 30) == set() and library.asked == 4


@pytest.mark.parametrize("what", ["file", "folder", "disk"])
async def test_a_folder_tells_a_deleted_photo_from_one_whose_disk_is_not_there(photos, tmp_path, what: str) -> None:
    (photos / "album").mkdir()
    (photos / "beach.jpg").rename(photos / "album" / "beach.jpg")
    library, me = FolderLibrary(photos, tmp_path / "cache"), Identity.local()
    page = await library.items("photo", me, None, 100)
    [photo] = [one for one in page.items if one.name == "beach.jpg"]
    trace = await library.trace(me, photo.source)
    assert not await library.is_gone(me, photo.source, trace.mark)
    (photos / "album" / "beach.jpg").unlink()
    if what == "folder":
        (photos / "album").rmdir()
    mark = trace.mark if what != "disk" else "1" + trace.mark
    assert await library.is_gone(me, photo.source, mark) is (what != "disk")
    await library.close()


async def splat_of(source: Source, storage: ObjectStore) -> str:
    """Stores a splat of a source, as a worker does; the key of its file."""
    manifest = Manifest(
        kind="splat", source=source, source_version="v", model_key="sharp", recipe="f00d", files=[],
        job_id=job_id("splat", source, "f00d"), run=1, attempt=1, requested_at=datetime.now(UTC),
    )  # fmt: skip
    key = f"{manifest.key.rpartition('/')[0]}/splat-1-1/splat.spz"
    ref = await storage.put_bytes(key, b"spz", "application/x-spz")
    file = AssetFile(
        name="splat.spz", role="splat", format="spz", key=key, size=ref.size, sha256=ref.sha256,
        media_type=ref.media_type,
    )  # fmt: skip
    await commit_manifest(storage, manifest.model_copy(update={"files": [file]}))
    return key


async def test_what_was_made_of_a_set_or_is_a_scene_of_it_goes_when_one_photo_of_it_is_deleted(
    gateway, workers, live, keeping, stored, photos, storage
) -> None:
    composites, ids = Composites(storage), gateway.ids
    for name in ("beach.jpg", "hut.png"):  # whose they are is noted when they are staged
        await gateway.make(live, name, "depth")
    going = await composites.add_set([ids["beach.jpg"], ids["hut.png"]])
    staying = await composites.add_set([ids["hut.png"], ids["Ünder way.jpg"]])
    scene = await composites.add_scene(going, "f00d")
    files = [await splat_of(one, storage) for one in (going, scene, staying)]
    (photos / "beach.jpg").unlink()
    for days in (1, 4, 7.5, 9, 11):
        assert await (await keeping(timedelta(days=days))).look()
        keys, _ = await stored()
        if days < 7:
            assert set(files) <= keys
    assert set(files) & keys == {files[2]}


async def test_what_was_made_of_a_deleted_photo_goes_with_its_original(
    gateway, workers, live, keeping, stored, photos, settings
) -> None:
    await gateway.make(live, "beach.jpg", "splat")
    await gateway.make(live, "hut.png", "splat")
    beach = gateway.ids["beach.jpg"]
    (photos / "beach.jpg").unlink()
    for days in (1, 4, 7.5, 9, 11):
        assert await (await keeping(timedelta(days=days))).look()
        keys, _ = await stored()
        if days < 7:
            assert [key for key in keys if key.startswith(f"splats/{beach}_") and key.endswith(".spz")]
    left = [key for key in keys if beach in key]
    assert left and all(key.endswith("/manifest.json") for key in left), "only the graves stay"
    assert [key for key in keys if gateway.ids["hut.png"] in key and key.endswith(".spz")]
