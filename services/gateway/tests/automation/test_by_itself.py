"""From an upload in Immich to 3D and a pointer to it, through real servers, with Immich's calls and without."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any


def upload(stub: Any, owner: Any, picture: bytes, name: str = "IMG_1.jpg") -> Any:
    """A photo that came just now; nobody is told of it."""
    asset = stub.add_photo(owner, picture, name)
    asset.uploaded_at = asset.updated_at = datetime.now(UTC)
    return asset


async def test_a_photo_that_is_uploaded_becomes_3d_and_immich_is_left_a_pointer_until_that_is_undone(
    household, workers, picture
) -> None:
    async with household() as home:
        shown = await home.call("POST", "/api/integrations/immich", json={"pointer": True, "tag": True})
        assert (shown["state"], shown["workflows"]) == (
            "on", [{"trigger": "AssetMetadataExtraction", "exists": True}],
        )  # fmt: skip
        photo = upload(home.stub, home.ada, picture())
        assert await asyncio.to_thread(home.stub.run_workflows, photo) == [202]

        async def pointer() -> Any:
            # To its depth map, until the splat is known.
            note = photo.notes.get("immichvr.v1", {})
            return note if photo.tags and note.get("kind") == "splat" else None

        note = await home.until(pointer)
        assert note == {
            "is": "pointer", "state": "done", "kind": "splat", "model": note["model"],
            "link": f"https://vr.example.org/#/photo/{photo.id}",
        }  # fmt: skip
        assert [tag.value for tag in photo.tags] == ["3D"]
        assets = (await home.call("GET", f"/api/photos/{photo.id}/assets"))["assets"]
        assert "splat" in {one["kind"] for one in assets}
        [job] = await home.jobs()
        assert (job["kind"], job["source"]["id"]) == ("splat", photo.id)
        assert (await home.call("GET", "/api/integrations/immich"))["last_call"] is not None

        # What Immich reads of the file anew, as after the tag, is no new work.
        for _ in range(3):
            assert await asyncio.to_thread(home.stub.run_workflows, photo) == [202]
        gone = await home.call("DELETE", "/api/integrations/immich", params={"undo": True})
        assert (gone["state"], home.stub.workflows, photo.notes, photo.tags) == ("off", {}, {}, [])
        assert home.stub.tags == {}, "we made the tag, and nothing carries it any more"
        assert list(home.stub.keys) == [home.key], "the key for work in her absence is gone, too"
        assert len(await home.jobs()) == 1


async def test_what_immich_never_told_of_is_found_and_said(household, workers, picture) -> None:
    async with household(every_minutes=0.005) as home:
        await home.call("POST", "/api/integrations/immich", json={"rules": [{"of": "all"}]})
        photo = upload(home.stub, home.ada, picture())

        async def made() -> Any:
            answer = await home.call("GET", f"/api/photos/{photo.id}/assets")
            return {one["kind"] for one in answer["assets"]} >= {"splat"}

        async def told() -> Any:
            # Whoever looked says so at the end of the look: what it found may be made by then.
            answer = await home.call("GET", "/api/integrations/immich")
            return answer if answer["missed"] else None

        await home.until(made)
        shown = await home.until(told)
        assert shown["missed"] == 1 and any("does its server reach" in note for note in shown["notes"])
