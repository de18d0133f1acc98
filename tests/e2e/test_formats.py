"""Every format: made by the stack, read back, and drawn by the viewer's renderer."""

from __future__ import annotations

import asyncio
import io
import itertools

import httpx
import immichvr_splats
import numpy as np
import pytest
import skimage.data
from immichvr_splats import FORMATS, SH_C0, GaussianCloud, write
from PIL import Image
from playwright.async_api import Page

MODEL = "lift-heuristic"
ENDINGS = {key: row.extensions[0] for key, row in FORMATS.items() if row.can_write}


async def splat_files(api: httpx.AsyncClient, photo_id: str) -> dict[str, dict]:
    """The photo's splat, the whole of it, by format."""
    assets = (await api.get(f"/api/photos/{photo_id}/assets")).json()["assets"]
    splat = next(one for one in assets if one["key"] == f"splat-{MODEL}")
    return {file["format"]: file for file in splat["files"] if (file["role"], file["variant"]) == ("splat", "full")}


async def test_a_splat_is_converted_to_every_format_and_each_reads_back_whole(
    stack, api: httpx.AsyncClient, ended
) -> None:
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
        assert body.headers["content-disposition"].endswith(f"''cat_{MODEL}{ENDINGS[key]}")
        found = immichvr_splats.read(body.content, key)
        assert found.format == key
        counts[key] = found.cloud.count
    assert min(counts.values()) == counts["ply"] == max(counts.values()) > 1000, counts


def picture(sh_degree: int) -> GaussianCloud:
    """A picture as 3,072 opaque Gaussians on a bent sheet, two metres away, tinted by where it is seen from."""
    height, width = 48, 64
    colours = np.asarray(Image.fromarray(skimage.data.astronaut()).resize((width, height), Image.BOX), np.float32)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    depth = 2 + 0.2 * np.sin(x / 9)
    means = np.stack([(x - width / 2) / 40 * depth, (y - height / 2) / 40 * depth, depth], axis=-1)
    count = height * width
    sh = np.zeros((count, (sh_degree + 1) ** 2, 3), np.float32)
    sh[:, 0] = (colours.reshape(count, 3) / 255 - 0.5) / SH_C0
    sh[:, 1:] = np.random.default_rng(5).uniform(-0.6, 0.6, sh.shape[1:])[1:]
    return GaussianCloud(
        means=means.reshape(count, 3),
        log_scales=np.full((count, 3), np.log(0.03), np.float32),
        quaternions=np.tile(np.float32([1, 0, 0, 0]), (count, 1)),
        opacity_logits=np.full(count, 5, np.float32),
        sh=sh,
    )


WEB_FILES = {
    "a.ply": {},
    "a.compressed.ply": {},
    "a.splat": {},
    "level0.ksplat": {"level": 0},
    "level1.ksplat": {"level": 1},
    "level2.ksplat": {"level": 2},
    "v2.spz": {"version": 2},
    "v3.spz": {"version": 3},
    "a.sog": {},
}


@pytest.mark.browser
async def test_spark_draws_the_same_picture_from_every_web_format(spark_page, page: Page, until) -> None:
    address, folder = spark_page
    await page.goto(address)
    await until(lambda state: state.get("ready") == "yes")

    async def drawn(cloud: GaussianCloud, name: str) -> np.ndarray:
        write(cloud, folder / name, **WEB_FILES[name])
        assert await page.evaluate("(name) => window.show(name)", name) == cloud.count, name
        shown = Image.open(io.BytesIO(await page.screenshot(timeout=60_000))).convert("RGB")
        return np.asarray(shown, np.float64)

    references = []
    for cloud, names in ((picture(0), list(WEB_FILES)), (picture(2), [n for n in WEB_FILES if n != "a.splat"])):
        pictures = {name: await drawn(cloud, name) for name in names}
        references.append(pictures["a.ply"])
        assert pictures["a.ply"].std() > 20
        for one, another in itertools.combinations(names, 2):
            alike = np.corrcoef(pictures[one].ravel(), pictures[another].ravel())[0, 1]
            assert alike > 0.998, (one, another, alike)
    assert np.abs(references[0] - references[1]).mean() > 5
