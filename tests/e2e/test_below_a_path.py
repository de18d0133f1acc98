"""The gallery behind a reverse proxy that serves it below a path of its own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import skimage.data
from PIL import Image
from playwright.async_api import expect

pytestmark = pytest.mark.browser


@asynccontextmanager
async def proxy(port: int, prefix: str) -> AsyncIterator[str]:
    """A proxy that takes the prefix off and says so, as nginx, Caddy and Traefik do; gives its address."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            return
        line, rest = head.split("\r\n", 1)
        method, target, version = line.split(" ")
        if not target.startswith(f"{prefix}/"):
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            writer.close()
            return
        if "upgrade: websocket" not in rest.lower():
            rest = "Connection: close\r\n" + re.sub(r"(?im)^connection:.*\r\n", "", rest)
        said = f"X-Forwarded-Prefix: {prefix}\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n"
        to_us, from_us = await asyncio.open_connection("127.0.0.1", port)
        from_us.write(f"{method} {target.removeprefix(prefix)} {version}\r\n{said}{rest}".encode("latin-1"))
        await asyncio.gather(pump(reader, from_us), pump(to_us, writer))

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{prefix}"


async def test_the_gallery_works_below_a_path_with_its_pictures_news_and_places(stack, page, until) -> None:
    # Of its own: of the others somebody may have made 3D before.
    Image.fromarray(skimage.data.coffee()[:, ::-1]).resize((300, 200)).save(stack.photos / "cup.jpg")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    async with proxy(int(stack.address.rpartition(":")[2]), "/home/3d") as address:
        await page.goto(f"{address}/?budget=4000")
        await until(lambda state: state.get("view") == "gallery" and state.get("socket") == "connected")
        await page.get_by_role("link", name="cup.jpg").click()
        await until(lambda state: state.get("view") == "photo" and state.get("mode") == "flat")
        await page.get_by_role("button", name="Make it 3D").click()
        await until(lambda state: state.get("mode") == "splat" and int(state.get("splats", 0)) > 1000)
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("link", name="cup.jpg")).to_be_visible()
        await page.goto("about:blank")
    ours = [url for url in asked if url.startswith("http")]
    assert ours and all(url.startswith(f"{address}/") for url in ours), ours
