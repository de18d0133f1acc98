"""A photo that moves, on the whole stack: from the request to a clip that players play."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import av
import httpx
import numpy as np
from PIL import Image

_PATIENCE_S = 120


async def _ended(api: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            job = (await api.get(f"/api/jobs/{job_id}")).json()
            if job["state"] not in ("queued", "running"):
                return dict(job)
            await asyncio.sleep(0.1)


async def test_a_photo_becomes_a_clip_that_begins_and_ends_at_the_photo(stack, api: httpx.AsyncClient) -> None:
    photo = f"/api/photos/{stack.photo_id('coffee.jpg')}"
    asked = await api.post(f"{photo}/motion", json={"path": "orbit", "seconds": 2})
    assert asked.status_code == 202, asked.text
    job = await _ended(api, asked.json()["job"]["id"])
    assert (job["kind"], job["state"]) == ("motion", "succeeded"), job["error"]
    [clip] = [one for one in (await api.get(f"{photo}/assets")).json()["assets"] if one["kind"] == "motion"]
    film = next(one for one in clip["files"] if one["media_type"] == "video/mp4")
    with av.open(io.BytesIO((await api.get(film["url"])).content)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        frames = [frame.to_ndarray(format="rgb24").astype(np.float32) for frame in container.decode(video=0)]
    preview = Image.open(io.BytesIO((await api.get(f"{photo}/original")).content)).convert("RGB")
    height, width, _ = frames[0].shape
    flat = np.asarray(preview.resize((width, height), Image.Resampling.LANCZOS), np.float32)
    apart = [float(np.abs(frame - flat).mean()) for frame in (frames[0], frames[len(frames) // 4], frames[-1])]
    assert max(apart[0], apart[2]) * 2 < apart[1], apart
    again = await api.post(f"{photo}/motion", json={"path": "orbit", "seconds": 2})
    assert (again.status_code, again.json()["job"]["id"]) == (200, job["id"])
