"""Every format: made by the stack, read back, and drawn by the viewer's renderer."""

from __future__ import annotations

import asyncio

import httpx
import immichvr_splats
from immichvr_splats import FORMATS

MODEL = "lift-heuristic"
ENDINGS = {key: row.extensions[0] for key, row in FORMATS.items() if row.can_write}


async def ended(api: httpx.AsyncClient, job: dict, seconds: float = 60) -> dict:
    """The job once it has ended."""
    async with asyncio.timeout(seconds):
        while True:
            found = (await api.get(f"/api/jobs/{job['id']}")).json()
            if found["state"] in ("succeeded", "failed", "cancelled"):
                return found
            await asyncio.sleep(0.05)


async def splat_files(api: httpx.AsyncClient, photo_id: str) -> dict[str, dict]:
    """The photo's splat, the whole of it, by format."""
    assets = (await api.get(f"/api/photos/{photo_id}/assets")).json()["assets"]
    splat = next(one for one in assets if one["key"] == f"splat-{MODEL}")
    return {file["format"]: file for file in splat["files"] if (file["role"], file["variant"]) == ("splat", "full")}


async def test_a_splat_is_converted_to_every_format_and_each_reads_back_whole(stack, api: httpx.AsyncClient) -> None:
    photo_id = stack.photo_id("cat.jpg")
    made = await api.post(f"/api/photos/{photo_id}/splat", json={"model": MODEL})
    assert (await ended(api, made.json()["job"]))["state"] == "succeeded"
    assert (await api.get("/api/config")).json()["formats"] == list(ENDINGS)
    wishes = [
        api.post(f"/api/photos/{photo_id}/splat/convert", json={"format": key, "model": MODEL}) for key in ENDINGS
    ]
    for answer in await asyncio.gather(*wishes):
        job = await ended(api, answer.json()["job"])
        assert job["state"] == "succeeded", job["error"]
    files = await splat_files(api, photo_id)
    assert set(files) == set(ENDINGS)
    counts = {}
    for key, file in files.items():
        assert file["name"] == f"splat{ENDINGS[key]}"
        assert file["media_type"] == FORMATS[key].media_type
        body = await api.get(file["url"], params={"download": True})
        assert body.headers["content-disposition"].endswith(f"{photo_id}_{MODEL}{ENDINGS[key]}")
        found = immichvr_splats.read(body.content, key)
        assert found.format == key
        counts[key] = found.cloud.count
    assert min(counts.values()) == counts["ply"] == max(counts.values()) > 1000, counts
