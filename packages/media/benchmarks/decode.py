"""CPU milliseconds for a photo of 12 megapixels: `python packages/media/benchmarks/decode.py`."""

import io
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pillow_heif
import skimage
from immichvr_media import decode_photo, embed_depth, preview_jpeg
from immichvr_media.code_points import DISPLAY_P3, rgb_profile
from PIL import Image

SIZE = (4000, 3000)
ROUNDS = 7


def twelve_megapixels() -> Image.Image:
    """A real photograph scaled up, with the noise of a sensor, so that it is as heavy as a phone's."""
    path = Path(skimage.__file__).parent / "data" / "coffee.png"
    scaled = np.asarray(Image.open(path).convert("RGB").resize(SIZE), dtype=np.float32)
    noise = np.random.default_rng(0).normal(0, 4, scaled.shape)
    return Image.fromarray(np.clip(scaled + noise, 0, 255).astype(np.uint8))


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def cpu_ms(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        times.append((time.process_time() - started) * 1000)
    return statistics.median(times)


def main() -> None:
    pillow_heif.register_heif_opener()
    image = twelve_megapixels()
    turned = Image.Exif()
    turned[0x0112] = 6
    plain = saved(image, "JPEG", quality=90)
    y, x = np.mgrid[0:480, 0:640].astype(np.float32)
    depth = 1 + y / 100 + np.sin(x / 30)
    cases: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
        "decode JPEG": (plain, decode_photo),
        "decode JPEG, turned, Display P3": (
            saved(image, "JPEG", quality=90, exif=turned, icc_profile=rgb_profile(DISPLAY_P3)),
            decode_photo,
        ),
        "decode JPEG with a 640x480 depth map": (embed_depth(plain, depth, near=0.5, far=10), decode_photo),
        "decode HEIC": (saved(image, "HEIF", quality=70), decode_photo),
        "preview JPEG, 2048": (plain, preview_jpeg),
        "preview JPEG, 512": (plain, lambda data: preview_jpeg(data, max_side=512)),
    }
    for name, (data, work) in cases.items():
        milliseconds = cpu_ms(lambda data=data, work=work: work(data))
        sys.stdout.write(f"{name:40} {len(data) / 1e6:6.1f} MB {milliseconds:7.0f} ms CPU\n")


if __name__ == "__main__":
    main()
