"""The page of models in a browser, in front of the whole stack and a model hub on this machine."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from .conftest import FETCHED, WEIGHTS

pytestmark = pytest.mark.browser

PATIENCE_MS = 60_000


async def test_a_person_accepts_a_licence_sees_the_download_and_deletes_it_again(extended, page, until) -> None:
    kept = extended.data / "models" / FETCHED.key
    await page.goto(f"{extended.address}/#/models")
    await until(lambda state: state.get("view") == "models" and state.get("socket") == "connected")
    await page.locator("summary", has_text="other models").click()
    row = page.locator(f'[data-model="{FETCHED.key}"]')
    await row.get_by_role("button", name=re.compile("^Accept and download")).click()
    await page.get_by_role("button", name=f"I accept {FETCHED.licence.name}").click()
    await expect(row.get_by_role("progressbar")).to_be_visible(timeout=PATIENCE_MS)
    await expect(row.get_by_text(re.compile("B/s"))).to_be_visible(timeout=PATIENCE_MS)
    await expect(row).to_have_attribute("data-state", "ready", timeout=PATIENCE_MS)
    assert [path.read_bytes() for path in kept.rglob("*.safetensors")] == [WEIGHTS]
    await row.get_by_role("button", name=re.compile("^Delete")).click()
    await page.get_by_role("button", name="Delete it").click()
    await expect(row).to_have_attribute("data-state", "downloadable", timeout=PATIENCE_MS)
    assert not list(kept.rglob("*.safetensors"))
