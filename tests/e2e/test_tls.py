"""`immichvr up --tls`: a gallery that headsets and cameras take for secure."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import httpx
import pytest
import skimage.data
from PIL import Image

pytestmark = pytest.mark.browser


async def test_the_gallery_is_a_secure_place_with_a_certificate_made_once(start_up, browser, tmp_path: Path) -> None:
    photos, data = tmp_path / "photos", tmp_path / "data"
    photos.mkdir()
    data.mkdir()
    Image.fromarray(skimage.data.chelsea()).save(photos / "cat.jpg", quality=92)
    with start_up(data, "--photos", photos, "--tls") as address:
        assert {path.stat().st_mode & 0o777 for path in (data / "tls").iterdir()} == {0o600}
        trust = ssl.create_default_context(cafile=data / "tls/ca.pem")
        secure = address.replace("http", "https")
        async with httpx.AsyncClient(verify=trust) as client:
            assert (await client.get(f"{secure}/api/photos")).json()["items"][0]["name"] == "cat.jpg"
            sent = await client.get(f"{address}/api/photos?limit=3")
            assert (sent.status_code, sent.headers["location"]) == (308, f"{secure}/api/photos?limit=3")
        told = (data / "up.log").read_text()
        assert f"gallery: {secure}" in told and "SHA-256 is" in told and str(data / "tls/ca.pem") in told
        # As somebody who has confirmed the warning; http goes to https by itself.
        context = await browser.new_context(ignore_https_errors=True)
        page = await context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        await page.goto(address)
        async with asyncio.timeout(60):
            while await page.evaluate("() => document.body.dataset.socket") != "connected":  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert await page.evaluate("() => [location.protocol, isSecureContext, 'xr' in navigator]") == [
            "https:", True, True,
        ]  # fmt: skip
        assert await page.evaluate("() => typeof navigator.mediaDevices.getUserMedia") == "function"
        assert not [words for words in said if "Content Security Policy" in words or "Permissions-Policy" in words], (
            said
        )
        await context.close()
