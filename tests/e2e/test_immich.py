"""`immichvr up --tls` beside Immich: each person signs in over TLS, and sees what Immich lets them see."""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import skimage.data
from immich_stub import ImmichStub, StubAsset
from PIL import Image
from playwright.async_api import Browser


@pytest.fixture(scope="module")
def picture() -> bytes:
    """A small photograph."""
    out = io.BytesIO()
    Image.fromarray(skimage.data.chelsea()).resize((300, 200)).save(out, "JPEG", quality=90)
    return out.getvalue()


def _hurt(picture: bytes) -> dict[str, bytes]:
    """Originals that are not what their names say, or damaged, or too large."""
    bmp = io.BytesIO()
    Image.open(io.BytesIO(picture)).save(bmp, "BMP")
    at = picture.index(b"\xff\xc0") + 5
    huge = picture[:at] + (24_000).to_bytes(2, "big") * 2 + picture[at + 4 :]
    return {
        "bmp.jpg": bmp.getvalue(),
        "jxl.jpg": b"\xff\x0a" + bytes(500),
        "half.jpg": picture[: len(picture) // 2],
        "huge.jpg": huge,
    }


@dataclass
class Home:
    """A stack beside Immich, with a certificate of its own.

    address: in the clear. hurt: photos of the first person that cannot be decoded, by name.
    """

    address: str
    data: Path
    first_key: str
    second_key: str
    mine: StubAsset
    theirs: StubAsset
    hurt: dict[str, StubAsset]

    @property
    def secure(self) -> str:
        """The address that headsets and cameras take for secure."""
        return self.address.replace("http", "https")

    def dialled(self) -> httpx.Client:
        """A client that trusts the stack's authority, and nobody else."""
        return httpx.Client(
            base_url=self.secure, verify=ssl.create_default_context(cafile=self.data / "tls/ca.pem"), timeout=20
        )


@pytest.fixture(scope="module")
def home(
    tmp_path_factory: pytest.TempPathFactory, start_up: Callable[..., AbstractContextManager[str]], picture: bytes
) -> Iterator[Home]:
    """`immichvr up --tls` beside an Immich with two people."""
    stub, data = ImmichStub(), tmp_path_factory.mktemp("home")
    with stub.serving():
        ada, ben = stub.add_user("Ada"), stub.add_user("Ben")
        hurt = {name: stub.add_photo(ada, picture, name, original) for name, original in _hurt(picture).items()}
        mine = stub.add_photo(ada, picture, "cat.jpg")
        theirs = stub.add_photo(ben, picture, "other-cat.jpg")
        keys = stub.add_key(ada), stub.add_key(ben)
        (data / "key").write_text(keys[0])
        environment = {
            "IMMICH_URL": stub.url,
            "IMMICH_API_KEY_FILE": str(data / "key"),
            "IMMICH_EXTERNAL_URL": "https://photos.example.org",
        }
        with start_up(data, "--tls", **environment) as address:
            yield Home(address, data, *keys, mine, theirs, hurt)


def test_two_people_sign_in_and_each_sees_and_makes_only_their_own(home: Home, ended_of: Callable[..., Any]) -> None:
    mine, theirs = home.mine, home.theirs
    with home.dialled() as nobody:
        assert nobody.get("/api/photos").status_code == 401
        assert nobody.get("/api/config").json()["authenticated"] is False
        refused = nobody.post("/api/session", json={"api_key": "x" * 43})
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
    with home.dialled() as first, home.dialled() as second:
        assert first.post("/api/session", json={"api_key": home.first_key}).status_code == 204
        assert second.post("/api/session", json={"api_key": home.second_key}).status_code == 204
        photo = first.get("/api/photos").json()["items"][0]
        assert (photo["id"], photo["name"]) == (mine.id, "cat.jpg")
        assert photo["external_url"] == f"https://photos.example.org/photos/{mine.id}"
        answer = first.post(f"/api/photos/{mine.id}/splat", json={"model": "auto"})
        assert answer.status_code == 202, answer.text
        job = ended_of(first, answer.json()["job"])
        assert job["state"] == "succeeded", job["error"]
        [splat] = [one for one in first.get(f"/api/photos/{mine.id}/assets").json()["assets"] if one["kind"] == "splat"]
        assert first.get(splat["files"][0]["url"]).status_code == 200
        for name, asset in home.hurt.items():
            answer = first.post(f"/api/photos/{asset.id}/depth", json={"model": "heuristic"})
            job = ended_of(first, answer.json()["job"])
            assert job["state"] == "succeeded", (name, job["error"])
            [depth] = first.get(f"/api/photos/{asset.id}/assets").json()["assets"]
            assert "could not be decoded; this is Immich's preview" in depth["losses"][0], name
            assert first.get(depth["files"][0]["url"]).status_code == 200
        # Ben knows every id, and gets nothing.
        for path in (f"/api/photos/{mine.id}", f"/api/photos/{mine.id}/assets", splat["files"][0]["url"],
                     f"/api/photos/{mine.id}/thumbnail", f"/api/jobs/{job['id']}"):  # fmt: skip
            assert second.get(path).status_code == 404, path
        assert second.post(f"/api/photos/{mine.id}/splat", json={}).status_code == 404
        assert list(second.get("/api/assets/map").json()["map"]) == []
        assert [one["id"] for one in second.get("/api/photos").json()["items"]] == [theirs.id]
        assert first.delete("/api/session").status_code == 204
        assert first.get("/api/photos").status_code == 401
    text = "".join(path.read_text(errors="replace") for path in (home.data / "logs").glob("*.log"))
    assert home.first_key not in text and home.second_key not in text


@pytest.mark.browser
async def test_the_gallery_is_a_secure_place_with_a_certificate_made_once(home: Home, browser: Browser) -> None:
    assert {path.stat().st_mode & 0o777 for path in (home.data / "tls").iterdir()} == {0o600}
    with home.dialled() as client:
        client.post("/api/session", json={"api_key": home.first_key}).raise_for_status()
        assert client.get("/api/photos").json()["items"][0]["name"] == "cat.jpg"
        sent = client.get(f"{home.address}/api/photos?limit=3")
        assert (sent.status_code, sent.headers["location"]) == (308, f"{home.secure}/api/photos?limit=3")
    told = (home.data / "up.log").read_text()
    assert f"gallery: {home.secure}" in told and "SHA-256 is" in told and str(home.data / "tls/ca.pem") in told
    # As somebody who has confirmed the warning; http goes to https by itself.
    context = await browser.new_context(ignore_https_errors=True)
    await context.request.post(f"{home.secure}/api/session", data={"api_key": home.first_key})
    page = await context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    await page.goto(home.address)
    async with asyncio.timeout(60):
        while await page.evaluate("() => document.body.dataset.socket") != "connected":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert await page.evaluate("() => [location.protocol, isSecureContext, 'xr' in navigator]") == [
        "https:", True, True,
    ]  # fmt: skip
    assert await page.evaluate("() => typeof navigator.mediaDevices.getUserMedia") == "function"
    assert not [words for words in said if "Content Security Policy" in words or "Permissions-Policy" in words], said
    await context.close()


# In short, links, passwords and frames are held by test_share_links.py of the gateway, digits by its
# test_signing_in.py, and the pages of both by account.test.mjs of the viewer.
@pytest.mark.long
@pytest.mark.timeout(400)
async def test_a_link_opens_with_its_password_or_within_a_frame_and_a_headset_is_let_in_by_its_digits(
    start_up, browser, until, page, tmp_path: Path, picture: bytes
) -> None:
    stub = ImmichStub()
    with stub.serving():
        ada = stub.add_user("Ada")
        photo = stub.add_photo(ada, picture, "cat.jpg")
        link = stub.add_link(ada, [photo], slug="cat", password="tulip", description="Our cat")
        with start_up(tmp_path, IMMICH_URL=stub.url) as address:
            await page.goto(f"{address}/share/cat/?budget=2000&motion=0")
            await page.fill("input[name=password]", "rose")
            await page.click("button[type=submit]")
            await page.wait_for_selector(".form-error:not(:empty)")
            await page.fill("input[name=password]", "tulip")
            await page.click("button[type=submit]")
            # The only photo of the link opens by itself.
            state = await until(lambda state: state.get("view") == "photo" and state.get("mode") == "flat")
            assert state["shared"] == "true"
            for forbidden in ("Make it 3D", "Sign out", "Models"):
                assert await page.locator(f"text={forbidden}").locator("visible=true").count() == 0
            link.password = None
            framed = f'<iframe src="{address}/share/{link.key}/?budget=2000" width="400" height="300"></iframe>'
            await page.set_content(framed)
            frame = page.frame_locator("iframe")
            await frame.locator("img.flat").wait_for(timeout=30_000)

            headset, phone = await browser.new_context(), await browser.new_context()
            there, here = await headset.new_page(), await phone.new_page()
            await there.goto(address)
            await there.click("text=Show digits instead")
            digits = await there.locator(".code").text_content(timeout=30_000)
            await here.goto(address)
            await here.fill("input[name=email]", ada.email)
            await here.fill("input[name=password]", ada.password)
            await here.click("button[type=submit]")
            await here.locator(".tile").first.wait_for(timeout=30_000)
            await here.get_by_role("link", name="Account", exact=True).click()
            await here.fill("input[name=code]", str(digits))
            await here.click("text=Look")
            await here.click("text=Yes, let it in", timeout=30_000)
            await there.locator(".tile:not(.is-skeleton)").first.wait_for(timeout=30_000)
            await here.locator(".sign-ins li[data-sign-in]").nth(1).wait_for(timeout=30_000)
