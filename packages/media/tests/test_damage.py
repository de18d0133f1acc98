"""Cut-off, damaged, oversized and lying files are refused in words; nobody gets half a picture."""

import contextlib
import struct
import threading
import time
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from immichvr_media import DecodeLimits, ImageTooLarge, InvalidImage, MediaError, decode_photo, preview_jpeg

# Pillow warns of damaged TIFF and EXIF; what counts is what our functions return.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

KINDS = {
    "JPEG": {"quality": 90},
    "progressive JPEG": {"quality": 90, "progressive": True},
    "JPEG with restarts": {"quality": 90, "restart_marker_rows": 1},
    "PNG": {},
    "WEBP": {"quality": 90},
    "HEIF": {},
    "AVIF": {"speed": 9},
    "TIFF": {"compression": "tiff_lzw"},
    "plain TIFF": {},
    "GIF": {},
}


def example(files, kind) -> bytes:
    name = "JPEG" if "JPEG" in kind else kind.removeprefix("plain ")
    return files.save(files.photo("coffee", (160, 120)), name, **KINDS[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_anywhere_is_refused_or_whole(files, kind):
    data = example(files, kind)
    whole = decode_photo(data).rgb
    for cut in np.linspace(1, len(data) - 1, 60).astype(int):
        try:
            photo = decode_photo(data[:cut])
        except InvalidImage as error:
            assert len(str(error)) > 20
            continue
        rows = len(whole) if not photo.notes else len(whole) * 9 // 10  # a narrow strip may be missing, which is noted
        assert np.array_equal(photo.rgb[:rows], whole[:rows]), f"half a picture from {cut} of {len(data)} bytes"


@pytest.mark.parametrize("kind", KINDS)
def test_a_preview_of_a_cut_off_file_is_refused_too(files, kind):
    data = example(files, kind)
    for cut in (len(data) // 3, len(data) // 2, len(data) * 9 // 10):
        with pytest.raises(InvalidImage):
            preview_jpeg(data[:cut], max_side=64)


@pytest.mark.parametrize("kind", ["JPEG", "JPEG with restarts"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.8])
def test_a_cut_off_jpeg_that_was_given_an_end_marker_is_refused(files, kind, part):
    # What decoders show for it is grey from the cut on.
    data = example(files, kind)
    with pytest.raises(InvalidImage, match="before the picture does"):
        decode_photo(data[: int(len(data) * part)] + b"\xff\xd9")
    with pytest.raises(InvalidImage, match="before the picture does"):
        preview_jpeg(data[: int(len(data) * part)] + b"\xff\xd9", max_side=64)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_photo_that_is_grey_in_its_corner_is_not_taken_for_a_cut_off_one(files, mode):
    image = files.photo("coffee", (160, 120))
    image.paste((128, 128, 128), (80, 60, 160, 120))
    assert decode_photo(files.save(image.convert(mode), "JPEG", quality=100)).rgb.shape == (120, 160, 3)


def test_a_half_uploaded_jpeg_padded_with_zeros_is_refused(files):
    data = example(files, "JPEG")
    with pytest.raises(InvalidImage, match="before the picture does"):
        decode_photo(data[: len(data) // 2] + bytes(len(data) // 2))


def test_a_flipped_bit_in_a_png_fails_its_checksum(files):
    data = bytearray(example(files, "PNG"))
    data[len(data) // 2] ^= 0x10
    with pytest.raises(InvalidImage, match=r"IDAT .* fails its checksum"):
        decode_photo(bytes(data))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(sorted(KINDS)), seed=st.integers(0, 2**32 - 1))
def test_random_damage_never_gets_past_our_errors(files, kind, seed):
    random = np.random.default_rng(seed)
    data = np.frombuffer(example_once(files, kind), np.uint8).copy()
    at = random.integers(0, min(len(data), int(random.choice([64, 1000, len(data)]))), random.integers(1, 8))
    data[at] = random.integers(0, 256, len(at))
    for work in (decode_photo, preview_jpeg):
        with contextlib.suppress(MediaError):
            work(data.tobytes(), limits=DecodeLimits(max_pixels=1_000_000))


_examples: dict[str, bytes] = {}


def example_once(files, kind) -> bytes:
    if kind not in _examples:
        _examples[kind] = example(files, kind)
    return _examples[kind]


def test_a_palette_picture_without_its_palette_is_refused(files):
    data = files.save(files.photo().quantize(16), "PNG")
    at = data.index(b"PLTE") - 4
    end = at + 12 + int.from_bytes(data[at : at + 4], "big")
    for work in (decode_photo, preview_jpeg):
        with pytest.raises(InvalidImage, match="palette"):
            work(data[:at] + data[end:])


def png_header(width: int, height: int) -> bytes:
    """A PNG that announces a size and holds next to nothing."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def with_jpeg_size(jpeg: bytes, width: int, height: int) -> bytes:
    at = jpeg.index(b"\xff\xc0")
    return jpeg[: at + 5] + struct.pack(">HH", height, width) + jpeg[at + 9 :]


@pytest.mark.parametrize("work", [decode_photo, preview_jpeg])
def test_a_decompression_bomb_is_refused_before_decoding(files, work):
    jpeg = files.save(files.photo(), "JPEG")
    bombs = [png_header(40_000, 30_000), png_header(2**31 - 1, 2**31 - 1), with_jpeg_size(jpeg, 65_000, 65_000)]
    started = time.process_time()
    for bomb in bombs:
        with pytest.raises(ImageTooLarge, match="the limit is 200000000 pixels") as raised:
            work(bomb)
        assert raised.value.code == "image_too_large"
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF", "GIF"])
def test_the_pixel_limit_holds_for_every_format(files, kind):
    data = files.save(files.photo(size=(96, 64)), kind)
    with pytest.raises(ImageTooLarge, match="96 x 64 = 6144 pixels; the limit is 6143 pixels"):
        decode_photo(data, DecodeLimits(max_pixels=6143))
    assert decode_photo(data, DecodeLimits(max_pixels=6144)).width == 96


@pytest.mark.filterwarnings("error")
def test_a_size_between_pillows_limit_and_ours_is_neither_refused_nor_warned_about():
    # 180 and 100 megapixels: Pillow alone would raise at the first and warn at the second. Both are then
    # found to be cut off.
    for width, height in ((18_000, 10_000), (10_000, 10_000)):
        with pytest.raises(InvalidImage, match="cut-off"):
            decode_photo(png_header(width, height))


def test_a_file_above_the_byte_limit_is_not_read(tmp_path):
    path = tmp_path / "huge.jpg"
    with path.open("wb") as file:
        file.truncate(3 * 2**30)
    with pytest.raises(ImageTooLarge, match="the limit is 536870912 bytes"):
        decode_photo(path)


def test_text_that_unpacks_to_megabytes_does_not_cost_the_photo(files):
    data = files.save(files.photo(), "PNG")
    packed = zlib.compress(bytes(5_000_000), 9)
    content = b"Comment\x00\x00" + packed
    crc = struct.pack(">I", zlib.crc32(b"zTXt" + content))
    bloated = data[:33] + struct.pack(">I", len(content)) + b"zTXt" + content + crc + data[33:]
    assert np.array_equal(decode_photo(bloated).rgb, decode_photo(data).rgb)


def test_a_jpeg_of_endless_segments_or_scans_is_refused_quickly(files):
    data = files.save(files.photo(), "JPEG", progressive=True)
    last_scan = data.rindex(b"\xff\xda")
    started = time.process_time()
    with pytest.raises(InvalidImage, match="segments"):
        decode_photo(data[:2] + b"\xff\xe5\x00\x02" * 200_000 + data[2:])
    with pytest.raises(InvalidImage, match="segments"):
        decode_photo(data[:2] + b"\xff\xd0" * 200_000 + data[2:])
    with pytest.raises(InvalidImage, match="between scans"):
        decode_photo(data[:last_scan] + b"\xff\xe5\x00\x02" * 200_000 + data[last_scan:])
    with pytest.raises(InvalidImage, match="more than 100 scans"):
        decode_photo(data[:last_scan] + data[last_scan:-2] * 500 + b"\xff\xd9")
    with pytest.raises(InvalidImage, match="no marker"):
        decode_photo(data[:2] + b"\xff" * 1_000_000 + data[2:])
    assert time.process_time() - started < 1


def test_many_threads_may_decode_at_once(files):
    data = {kind: files.save(files.photo(), kind) for kind in ("JPEG", "PNG", "HEIF", "WEBP")}
    expected = {kind: decode_photo(content).rgb for kind, content in data.items()}
    wrong: list[str] = []

    def work() -> None:
        for kind, content in data.items():
            if not np.array_equal(decode_photo(content).rgb, expected[kind]):
                wrong.append(kind)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
