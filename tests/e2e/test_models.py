"""The page of models in a browser, in front of the whole stack and a model hub on this machine."""

from __future__ import annotations

import random
import re

import pytest
from immichvr_models import registry
from immichvr_models.testing import running_hub, throttled, weights_of
from playwright.async_api import expect

pytestmark = pytest.mark.browser

PATIENCE_MS = 60_000
WEIGHTS = weights_of(random.Random(4).randbytes(900_000))
MODEL = next(
    model
    for model in registry
    if not model.licence.permissive and model.files and not any(file.size or file.sha256 for file in model.files)
)
"""A model whose licence asks for a yes and whose files are learned at the first download: any bytes will do."""


async def test_a_person_accepts_a_licence_sees_the_download_and_deletes_it_again(
    start_up, page, until, tmp_path
) -> None:
    photos, data = tmp_path / "photos", tmp_path / "data"
    photos.mkdir()
    data.mkdir()
    with running_hub() as hub:
        for file in MODEL.files:
            is_large = file.path.endswith("safetensors")
            behaviour = [throttled(300_000, 16_000)] if is_large else []
            hub.add(MODEL.url(file, ""), WEIGHTS if is_large else b"{}", *behaviour)
        online = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "", "IMMICHVR_MODELS_OFFLINE": ""}
        models = {"IMMICHVR_MODELS_DIR": str(tmp_path / "models")}
        with start_up(data, "--photos", photos, **online, **models) as address:
            await page.goto(f"{address}/#/models")
            await until(lambda state: state.get("view") == "models" and state.get("socket") == "connected")
            await page.locator("summary", has_text="other models").click()
            row = page.locator(f'[data-model="{MODEL.key}"]')
            await row.get_by_role("button", name=re.compile("^Accept and download")).click()
            await page.get_by_role("button", name=f"I accept {MODEL.licence.name}").click()
            await expect(row.get_by_role("progressbar")).to_be_visible(timeout=PATIENCE_MS)
            await expect(row.get_by_text(re.compile("B/s"))).to_be_visible(timeout=PATIENCE_MS)
            await expect(row).to_have_attribute("data-state", "ready", timeout=PATIENCE_MS)
            assert [path.read_bytes() for path in (tmp_path / "models" / MODEL.key).rglob("*.safetensors")] == [WEIGHTS]
            await row.get_by_role("button", name=re.compile("^Delete")).click()
            await page.get_by_role("button", name="Delete it").click()
            await expect(row).to_have_attribute("data-state", "downloadable", timeout=PATIENCE_MS)
            assert not list((tmp_path / "models" / MODEL.key).rglob("*.safetensors"))
            # The page would complain about the stack that ends before it.
            await page.goto("about:blank")
