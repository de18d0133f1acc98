"""Whatever the file's colours, the picture comes out in sRGB."""

import io
import struct
import zlib

import numpy as np
import pytest
from immichvr_media import DecodeLimits, decode_photo, preview_jpeg
from immichvr_media.code_points import BT709, BT2020, DISPLAY_P3, icc_file, rgb_profile
from PIL import Image, ImageCms

ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
ADOBE_CURVE = (563 / 256, 1.0, 0.0, 0.0, 0.0)


def srgb_to_linear(values):
    values = np.asarray(values, dtype=np.float64) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(values):
    values = np.clip(values, 0, 1)
    return 255 * np.where(values <= 0.0031308, 12.92 * values, 1.055 * values ** (1 / 2.4) - 0.055)


def to_xyz(primaries):
    xyz = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    return xyz * np.linalg.solve(xyz, [0.3127 / 0.329, 1, (1 - 0.3127 - 0.329) / 0.329])


def in_other_space(rgb, primaries, encode):
    """The sRGB picture's numbers in another space, by plain colorimetry."""
    linear = srgb_to_linear(rgb) @ (np.linalg.inv(to_xyz(primaries)) @ to_xyz(BT709)).T
    return np.rint(encode(np.clip(linear, 0, 1))).astype(np.uint8)


SPACES = {
    "Display P3": (DISPLAY_P3, rgb_profile(DISPLAY_P3), linear_to_srgb),
    "Adobe RGB": (ADOBE_RGB, rgb_profile(ADOBE_RGB, ADOBE_CURVE), lambda x: 255 * x ** (256 / 563)),
}


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG", "HEIF", "AVIF"])
def test_a_wide_gamut_photo_comes_out_as_its_srgb_truth(files, name, kind):
    primaries, profile, encode = SPACES[name]
    truth = np.asarray(files.photo("coffee", (96, 64)))
    wide = Image.fromarray(in_other_space(truth, primaries, encode))
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 98, "subsampling": 0}}.get(kind, {"quality": 95})
    photo = decode_photo(files.save(wide, kind, icc_profile=profile, **options))
    difference = np.abs(photo.rgb.astype(int) - truth)
    assert difference.mean() < (1 if kind in ("PNG", "TIFF", "WEBP") else 4)
    if kind in ("PNG", "TIFF", "WEBP"):
        assert difference.max() <= 4
    assert np.abs(np.asarray(wide).astype(int) - truth).mean() > 2  # without the profile it would be wrong
    assert photo.notes == []


def test_adobe_rgb_told_by_exif_alone_is_converted(files):
    # As cameras write it: no profile, colour space "uncalibrated", interoperability index R03.
    truth = np.asarray(files.photo("coffee", (96, 64)))
    wide = Image.fromarray(in_other_space(truth, ADOBE_RGB, SPACES["Adobe RGB"][2]))
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0xA001: 0xFFFF, 0xA005: {1: "R03"}})
    photo = decode_photo(files.save(wide, "WEBP", lossless=True, exif=exif.tobytes()))
    assert np.abs(photo.rgb.astype(int) - truth).max() <= 4


def test_a_heic_that_names_display_p3_by_number_is_converted(files):
    truth = np.asarray(files.photo("coffee", (96, 64)))
    wide = Image.fromarray(in_other_space(truth, DISPLAY_P3, linear_to_srgb))
    data = files.save(wide, "HEIF", quality=95, chroma=444, color_primaries=12, transfer_characteristic=13)
    assert np.abs(decode_photo(data).rgb.astype(int) - truth).mean() < 3


def test_an_avif_that_names_bt2020_by_number_is_converted(files):
    truth = np.asarray(files.photo("coffee", (96, 64)))
    wide = Image.fromarray(in_other_space(truth, BT2020, linear_to_srgb))
    data = files.save(wide, "AVIF", quality=97, subsampling="4:4:4")
    named = data.replace(b"nclx\x00\x01\x00\x0d", b"nclx\x00\x09\x00\x0d")
    assert named != data
    assert np.abs(decode_photo(named).rgb.astype(int) - truth).mean() < 4


def test_an_hdr_transfer_is_noted(files):
    data = files.save(files.photo(), "AVIF").replace(b"nclx\x00\x01\x00\x0d", b"nclx\x00\x09\x00\x10")
    assert any("PQ" in note for note in decode_photo(data).notes)


def test_a_preview_of_a_wide_gamut_photo_is_srgb_too(files):
    truth = np.full((64, 96, 3), (200, 80, 40), np.uint8)
    wide = Image.fromarray(in_other_space(truth, DISPLAY_P3, linear_to_srgb))
    preview = decode_photo(preview_jpeg(files.save(wide, "PNG", icc_profile=rgb_profile(DISPLAY_P3)), 48))
    assert np.abs(preview.rgb.astype(int) - (200, 80, 40)).max() <= 4


def test_an_srgb_profile_changes_nothing(files):
    image = files.photo()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = decode_photo(files.save(image, "PNG", icc_profile=profile))
    assert np.array_equal(photo.rgb, np.asarray(image))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("profile", [b"not a profile", bytes(200), rgb_profile(DISPLAY_P3)[:150]])
def test_a_broken_profile_is_left_out_and_noted(files, kind, profile):
    image = files.photo()
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "JPEG" else {}
    photo = decode_photo(files.save(image, kind, icc_profile=profile, **options))
    assert np.abs(photo.rgb.astype(int) - np.asarray(image)).mean() < 4
    assert any("colour profile left out" in note for note in photo.notes)


def test_a_profile_of_another_colour_space_is_left_out_and_noted(files):
    grey = files.photo().convert("L")
    photo = decode_photo(files.save(grey, "PNG", icc_profile=rgb_profile(DISPLAY_P3)))
    assert np.array_equal(photo.rgb[:, :, 1], np.asarray(grey))
    assert any("it is for RGB" in note for note in photo.notes)


def test_a_profile_above_the_limit_is_left_out(files):
    data = files.save(files.photo(), "PNG", icc_profile=rgb_profile(DISPLAY_P3))
    photo = decode_photo(data, DecodeLimits(max_icc_bytes=100))
    assert any("colour profile left out" in note for note in photo.notes)


def test_a_grey_profile_is_applied(files):
    gamma = b"curv" + struct.pack(">IIH", 0, 1, round(1.8 * 256))
    white = b"XYZ " + struct.pack(">I3i", 0, 63190, 65536, 54061)
    tags = {b"wtpt": white, b"kTRC": gamma}
    profile = icc_file(tags, device=b"mntr", space=b"GRAY", connection=b"XYZ ")
    ramp = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (4, 1))
    photo = decode_photo(files.save(Image.fromarray(ramp), "PNG", icc_profile=profile))
    assert np.abs(photo.rgb[0, :, 0] - linear_to_srgb((np.arange(0, 256, 4) / 255) ** 1.8)).max() <= 2
    assert photo.notes == []


def cmyk_profile() -> bytes:
    """A press whose lightness falls by inks alone: L* = 100 - 50 k - 10 (c + m + y), no hue."""
    grid = np.stack(np.meshgrid(*[[0, 1]] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    lightness = 100 - 50 * grid[:, 3] - 10 * grid[:, :3].sum(axis=1)
    lab = np.stack([np.rint(lightness * 2.55), np.full(16, 128), np.full(16, 128)], axis=1).astype(np.uint8)
    identity = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    ramps = bytes(range(256))
    table = b"mft1" + struct.pack(">IBBBx", 0, 4, 3, 2) + identity + ramps * 4 + lab.tobytes() + ramps * 3
    white = b"XYZ " + struct.pack(">I3i", 0, 63190, 65536, 54061)
    return icc_file({b"wtpt": white, b"A2B0": table}, device=b"prtr", space=b"CMYK", connection=b"Lab ")


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_with_a_profile_is_printed_by_that_profile(files, kind):
    inks = Image.new("CMYK", (32, 32), (0, 0, 0, 255))
    photo = decode_photo(files.save(inks, kind, icc_profile=cmyk_profile()))
    assert photo.notes == []
    # Full black is L* = 50 on this press, its darkest L* = 20; black point compensation moves it to about 38.
    assert 70 < photo.rgb.mean() < 130
    assert np.ptp(photo.rgb, axis=2).max() <= 3
    assert decode_photo(files.save(inks, kind)).rgb.max() <= 3  # without the profile, plain black


def test_adobes_inverted_cmyk_jpeg_has_the_right_way_round(files):
    truth = files.photo("coffee", (96, 64))
    data = files.save(truth.convert("CMYK"), "JPEG", quality=97)
    assert b"Adobe" in data
    assert np.abs(decode_photo(data).rgb.astype(int) - np.asarray(truth)).mean() < 6


@pytest.mark.parametrize("kind", ["PNG", "GIF", "TIFF"])
def test_a_palette_picture_shows_its_colours_not_its_indices(files, kind):
    image = files.photo().quantize(64)
    photo = decode_photo(files.save(image, kind))
    assert np.abs(photo.rgb.astype(int) - np.asarray(image.convert("RGB"))).max() <= 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_grey_becomes_three_equal_channels(files, kind):
    grey = files.photo().convert("L")
    photo = decode_photo(files.save(grey, kind, quality=95))
    assert photo.rgb.shape == (64, 96, 3)
    assert np.ptp(photo.rgb.astype(int), axis=2).max() <= 2
    assert np.abs(photo.rgb[:, :, 0].astype(int) - np.asarray(grey)).mean() < 4


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_lies_over_white(files, kind, mode):
    image = files.photo().convert(mode)
    alpha = Image.new("L", image.size, 0)
    alpha.paste(255, (0, 0, 48, 64))
    image.putalpha(alpha)
    options = {"WEBP": {"lossless": True}, "AVIF": {"quality": 95, "subsampling": "4:4:4"}}
    photo = decode_photo(files.save(image, kind, **options.get(kind, {"quality": 95})))
    opaque = np.asarray(image.convert("RGB")).astype(int)
    assert photo.rgb[:, 60:].min() >= 250
    assert np.abs(photo.rgb[:, :40].astype(int) - opaque[:, :40]).mean() < 4


@pytest.mark.parametrize(("mode", "key"), [("P", 3), ("L", 255), ("RGB", (255, 0, 0)), ("1", 255)])
def test_a_transparent_colour_of_a_png_lies_over_white(files, mode, key):
    image = Image.new("RGB", (16, 16), "black")
    image.paste((255, 0, 0) if mode == "RGB" else "white", (8, 0, 16, 16))
    if mode == "P":
        pixels = np.zeros((16, 16), np.uint8)
        pixels[:, 8:] = key
        image = Image.fromarray(pixels).convert("P")
        image.putpalette([0, 0, 0, 9, 9, 9, 9, 9, 9, 255, 0, 0])
    else:
        image = image.convert(mode)
    photo = decode_photo(files.save(image, "PNG", transparency=key))
    assert np.array_equal(photo.rgb[0, 0], (0, 0, 0))
    assert np.array_equal(photo.rgb[0, 15], (255, 255, 255))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey_keeps_its_upper_byte(files, kind):
    ramp = np.linspace(0, 65535, 256 * 4).astype(np.uint16).reshape(4, 256)
    photo = decode_photo(files.save(Image.fromarray(ramp), kind))
    assert np.array_equal(photo.rgb[:, :, 0], (ramp >> 8).astype(np.uint8))


def test_16_bit_rgb_png_keeps_its_upper_byte(files):
    pixels = np.random.default_rng(0).integers(0, 65536, (5, 7, 3), dtype=np.uint16)
    photo = decode_photo(rgb48_png(pixels))
    assert np.array_equal(photo.rgb, (pixels >> 8).astype(np.uint8))


def test_16_bit_rgb_tiff_keeps_its_upper_byte():
    tifffile = pytest.importorskip("tifffile", reason="only tifffile writes 16-bit RGB TIFF; Pillow does not")
    pixels = np.random.default_rng(0).integers(0, 65536, (5, 7, 3), dtype=np.uint16)
    out = io.BytesIO()
    tifffile.imwrite(out, pixels, photometric="rgb")
    assert np.array_equal(decode_photo(out.getvalue()).rgb, (pixels >> 8).astype(np.uint8))


def test_1_bit_pictures_are_black_and_white(files):
    image = files.photo().convert("1")
    for kind in ("PNG", "TIFF"):
        photo = decode_photo(files.save(image, kind))
        assert np.array_equal(photo.rgb[:, :, 0] > 127, np.asarray(image))


def rgb48_png(pixels) -> bytes:
    """A PNG of 16 bits per channel, which Pillow reads but does not write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width, _ = pixels.shape
    rows = b"".join(b"\x00" + row.astype(">u2").tobytes() for row in pixels)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
