"""Files that are no photos, or too much of one, in jobs of the AI service: refused in words, at little cost."""

import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from .conftest import AI

MANY_PIXELS = (20_001, 10_000)


def _png(width: int, height: int, rows: bytes) -> bytes:
    """A grey PNG of one bit a pixel whose header tells a size and whose data holds `rows`."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


@pytest.fixture(scope="session")
def place(place: Path) -> Path:
    """The directory of all, with bad photos."""
    photos = place / "photos"
    (photos / "words.jpg").write_text("not an image at all\n" * 50)
    Image.effect_noise((400, 300), 80).save(photos / "whole.jpg", quality=95)
    whole = (photos / "whole.jpg").read_bytes()
    (photos / "whole.jpg").unlink()
    (photos / "truncated.jpg").write_bytes(whole[: len(whole) // 3])
    (photos / "headless.png").write_bytes(_png(60, 40, b"\0" * 360)[:30])
    (photos / "empty.jpg").touch()
    width, height = MANY_PIXELS
    (photos / "bomb.png").write_bytes(_png(width, height, b"\0" * ((width // 8 + 2) * height)))
    (photos / "lying-header.jpg").write_bytes(_with_size(whole, 65_000, 65_000))
    return place


def _with_size(jpeg: bytes, width: int, height: int) -> bytes:
    """The JPEG with another size in its frame header (ITU T.81, B.2.2)."""
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :]


async def test_photos_that_cannot_be_used_fail_with_what_is_wrong_and_the_service_goes_on(
    gateway, start_worker, publish
) -> None:
    ai = start_worker("real", AI, IMMICHVR_AI_PHOTO__MIN_SIDE="6")  # of the good one at the end
    for name, code, words in [
        ("words.jpg", "invalid_image", ""),
        ("truncated.jpg", "invalid_image", "ends"),
        ("headless.png", "invalid_image", ""),
        ("bomb.png", "image_too_large", "200"),
        ("lying-header.jpg", "image_too_large", "200"),
    ]:
        job = await gateway.until(await gateway.submit(name, "splat", model="lift-heuristic"))
        error = job["error"]
        assert (job["state"], error["code"], error["retriable"]) == ("failed", code, False), (name, error)
        assert words in error["message"] and len(error["message"]) > 10, (name, error)
        assert job["attempts"] == 1
        assert {step["stage"] for step in job["timeline"]} == {"queued", "staged"}
        assert gateway.assets(name) == []
    _, events = await publish("lying-header.png", _png(2**31 - 1, 2**31 - 1, b"\0" * 100))
    assert (await events.end()).error.code == "image_too_large"
    # Decoded to RGB the bomb alone would be 600 MB.
    assert max(process.memory_info().rss for process in ai.family()) < 500e6
    good = await gateway.until(await gateway.submit("sound.jpg", "depth", model="heuristic"))
    assert (good["state"], good["outputs"]) == ("succeeded", ["depth-heuristic"])


async def test_what_is_known_at_once_is_refused_at_once(gateway) -> None:
    for name, what, wish, code in [
        ("empty.jpg", "splat", {}, "invalid_image"),
        ("words.jpg", "depth", {"model": "magic"}, "invalid_model"),
        ("words.jpg", "splat", {"model": "lift-magic"}, "invalid_model"),
        ("words.jpg", "splat", {"quality": "best"}, "invalid_quality"),
        ("words.jpg", "splat/convert", {"format": "obj"}, "invalid_format"),
    ]:
        problem = (await gateway.post(name, what, **wish)).json()
        # Of an empty file the request is sound, and the photo is not.
        assert (problem["status"], problem["code"]) == (409 if name == "empty.jpg" else 422, code)
        assert "accepted" in problem or "empty.jpg" in problem["detail"]
