"""The main job over HTTP, on the whole stack."""

from __future__ import annotations

import io

import httpx
import immichvr_splats
import numpy as np
from PIL import Image


async def test_a_photo_becomes_a_splat_and_other_formats_of_it(stack, api: httpx.AsyncClient, ended) -> None:
    photo_id = stack.photo_id("cat.jpg")
    answer = await api.post(f"/api/photos/{photo_id}/splat", json={"model": "lift-heuristic", "quality": "light"})
    assert answer.status_code in (200, 202)
    job = await ended(api, answer.json()["job"])
    assert job["state"] == "succeeded", job["error"]
    [splat] = [
        one for one in (await api.get(f"/api/photos/{photo_id}/assets")).json()["assets"] if one["kind"] == "splat"
    ]
    files = {(file["format"], file["variant"]): file for file in splat["files"]}
    assert {("spz", "full"), ("spz", "light"), ("ply", "full")} <= set(files)
    assert files["spz", "light"]["size"] <= 5_000_000
    counts = set()
    for wanted in ("ply", "spz", "splat"):
        if (wanted, "full") not in files:
            conversion = (await api.post(f"/api/photos/{photo_id}/splat/convert", json={"format": wanted})).json()[
                "job"
            ]
            assert (await ended(api, conversion))["state"] == "succeeded"
            again = (await api.get(f"/api/photos/{photo_id}/assets")).json()["assets"]
            splat = next(one for one in again if one["key"] == splat["key"])
            files = {(file["format"], file["variant"]): file for file in splat["files"]}
        file = files[wanted, "full"]
        body = await api.get(file["url"], params={"download": True})
        assert body.headers["content-disposition"].endswith(f"cat_lift-heuristic.{wanted}")
        counts.add(immichvr_splats.read(body.content, wanted).cloud.count)
    assert len(counts) == 1
    badges = (await api.get("/api/assets/map")).json()["map"][photo_id]
    assert badges["splat"] == ["lift-heuristic"]
    assert badges["depth"] == ["heuristic"]


async def test_levels_and_tiles_of_a_splat_are_files_that_their_index_names(
    stack, api: httpx.AsyncClient, ended
) -> None:
    photo_id = stack.photo_id("cat.jpg")
    await ended(api, (await api.post(f"/api/photos/{photo_id}/splat", json={"model": "lift-heuristic"})).json()["job"])
    for wish, name in (({"counts": [2000]}, "levels.json"), ({"tile_gaussians": 20_000}, "tiles.json")):
        answer = await api.post(f"/api/photos/{photo_id}/splat/levels", json=wish)
        job = await ended(api, answer.json()["job"])
        assert job["state"] == "succeeded", job["error"]
        assets = (await api.get(f"/api/photos/{photo_id}/assets")).json()["assets"]
        files = {file["name"]: file["url"] for one in assets if one["kind"] == "splat" for file in one["files"]}
        index = (await api.get(files[name])).json()
        for entry in index["levels"] if "levels" in index else [index["root"], *index["root"]["children"]]:
            body = (await api.get(files[entry["file"]])).content
            assert (len(body), immichvr_splats.read(body, "spz").cloud.count) == (entry["bytes"], entry["count"])


async def test_depth_files_are_pictures_of_one_scene(stack, api: httpx.AsyncClient, ended) -> None:
    photo_id = stack.photo_id("coffee.jpg")
    answer = await api.post(f"/api/photos/{photo_id}/depth", json={"model": "heuristic"})
    job = await ended(api, answer.json()["job"])
    assert job["state"] == "succeeded"
    assert job["timeline"][0]["stage"] == "queued"
    assets = (await api.get(f"/api/photos/{photo_id}/assets")).json()["assets"]
    depth = next(one for one in assets if one["key"] == "depth-heuristic")
    png = next(file for file in depth["files"] if file["name"] == "depth.png")
    values = np.asarray(Image.open(io.BytesIO((await api.get(png["url"])).content)))
    assert values.dtype.itemsize >= 2
    assert values.max() > 60_000


async def test_a_file_that_is_no_picture_fails_with_its_reason(stack, api: httpx.AsyncClient, ended) -> None:
    photo_id = stack.photo_id("broken.jpg")
    job = await ended(api, (await api.post(f"/api/photos/{photo_id}/splat", json={})).json()["job"])
    assert (job["state"], job["error"]["code"]) == ("failed", "invalid_image")
