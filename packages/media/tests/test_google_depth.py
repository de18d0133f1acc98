"""Depth in Google's XMP: GDepth and Dynamic Depth, and everything that can be wrong with it."""

import base64
import struct
import time
import zlib
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from immichvr_media import DecodeLimits, decode_photo, embed_depth
from PIL import Image
from PIL.PngImagePlugin import PngInfo

NEAR, FAR = 0.5, 20.0
GUID = b"0123456789ABCDEF0123456789ABCDEF"
STEPS = np.linspace(0, 255, 12).astype(np.uint8).reshape(3, 4)


def gdepth(files, data: bytes | str, **properties: str) -> bytes:
    """An XMP packet with a GDepth map."""
    text = data if isinstance(data, str) else base64.b64encode(data).decode()
    described = {"Format": "RangeInverse", "Near": str(NEAR), "Far": str(FAR), "Mime": "image/png"}
    described.update(properties)
    attributes = " ".join(f'GDepth:{name}="{value}"' for name, value in described.items() if value)
    return files.rdf("", f'{attributes} GDepth:Data="{text}"')


def photo_with(files, packet: bytes, **options):
    return decode_photo(files.with_xmp(files.save(files.photo(), "JPEG", **options), packet))


def dropped(photo, reason: str) -> bool:
    return (
        photo.rgb.shape == (64, 96, 3)
        and photo.depth is None
        and any("carried depth left out" in note and reason in note for note in photo.notes)
    )


@pytest.mark.parametrize("units", ["m", "mm", ""])
def test_a_linear_map_reads_as_the_definition_says(files, units):
    packet = gdepth(files, files.grey_png(STEPS), Format="RangeLinear", Units=units)
    depth = photo_with(files, packet).depth
    scale = 0.001 if units == "mm" else 1
    assert np.allclose(depth.depth, (NEAR + STEPS / 255 * (FAR - NEAR)) * scale, rtol=1e-5)
    assert depth.metric == bool(units)
    assert depth.source == "gdepth"


@pytest.mark.parametrize("bits", [8, 16])
def test_an_inverse_map_reads_as_the_definition_says(files, bits):
    truth = np.linspace(NEAR, FAR, 12).reshape(3, 4)
    stored = FAR * (truth - NEAR) / (truth * (FAR - NEAR))
    levels = np.rint(stored * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)
    depth = photo_with(files, gdepth(files, files.grey_png(levels), Units="m")).depth
    assert depth.metric
    assert np.allclose(depth.depth, truth, rtol=0.1 if bits == 8 else 0.001)
    assert depth.depth.dtype == np.float32


def test_a_map_stored_as_a_colour_jpeg_reads(files):
    grey = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (48, 1))
    encoded = files.save(Image.fromarray(grey).convert("RGB"), "JPEG", quality=95)
    depth = photo_with(files, gdepth(files, encoded, Mime="image/jpeg", Format="RangeLinear")).depth
    assert np.abs(depth.depth - (NEAR + grey / 255 * (FAR - NEAR))).mean() < 0.2


def test_properties_may_be_elements_instead_of_attributes(files):
    text = base64.b64encode(files.grey_png(STEPS)).decode()
    wrapped = "\n".join(text[i : i + 60] for i in range(0, len(text), 60))
    content = "".join(
        f"<GDepth:{name}>\n {value} </GDepth:{name}>"
        for name, value in {"Format": "RangeInverse", "Near": "1", "Far": "9", "Data": wrapped}.items()
    )
    assert photo_with(files, files.rdf(content)).depth.depth.shape == (3, 4)


def test_a_zero_of_a_linear_map_that_starts_at_zero_stays_above_zero(files):
    depth = photo_with(files, gdepth(files, files.grey_png(STEPS), Format="RangeLinear", Near="0")).depth
    assert depth.depth.min() > 0


def test_confidence_comes_with_the_map(files):
    confidence = base64.b64encode(files.grey_png(STEPS[::-1].copy())).decode()
    depth = photo_with(files, gdepth(files, files.grey_png(STEPS), Confidence=confidence)).depth
    assert np.allclose(depth.confidence, STEPS[::-1] / 255)


def test_confidence_of_another_size_is_left_out_and_the_map_stays(files):
    confidence = base64.b64encode(files.grey_png(STEPS[:2].copy())).decode()
    photo = photo_with(files, gdepth(files, files.grey_png(STEPS), Confidence=confidence))
    assert photo.depth.confidence is None
    assert any("confidence" in note for note in photo.notes)


def test_ranges_along_rays_become_depth_along_the_axis(files):
    # A wall at 2 m, filling the view: along the rays it is farther away in the corners.
    height, width, focal = 32, 48, 60.0
    equivalent = focal * 2 * np.hypot(36, 24) / np.hypot(96, 64)
    y, x = np.mgrid[0:height, 0:width]
    slant = np.sqrt(1 + ((x + 0.5 - width / 2) ** 2 + (y + 0.5 - height / 2) ** 2) / focal**2)
    levels = np.rint((2 * slant - 1) / (4 - 1) * 65535).astype(np.uint16)
    packet = gdepth(files, files.grey_png(levels), Format="RangeLinear", Near="1", Far="4", MeasureType="OpticRay")
    depth = photo_with(files, packet, exif=files.exif(focal_35mm=round(equivalent))).depth
    assert np.abs(depth.depth - 2).max() < 0.01


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_map_is_turned_as_the_photo_is(files, orientation):
    # The map is the photo's own brightness: upright, both must still agree.
    brightness = np.asarray(files.photo().convert("L"))
    packet = gdepth(files, files.grey_png(brightness), Format="RangeLinear", Near="0.001", Far="1")
    exif = files.exif(orientation)
    photo = photo_with(files, packet, exif=exif, quality=95)
    assert photo.depth.depth.shape == photo.rgb.shape[:2]
    assert np.corrcoef(photo.depth.depth.ravel(), photo.rgb.mean(axis=2).ravel())[0, 1] > 0.98


def test_a_map_that_is_upright_already_is_not_turned(files):
    upright = np.tile(np.arange(96, dtype=np.uint8)[:, None], (1, 64))
    photo = photo_with(files, gdepth(files, files.grey_png(upright)), exif=files.exif(6))
    assert photo.rgb.shape == (96, 64, 3)
    assert photo.depth.depth.shape == (96, 64)
    assert photo.depth.depth[0, 0] < photo.depth.depth[-1, 0]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_a_map_in_the_packet_of_another_format_reads(files, kind):
    packet = gdepth(files, files.grey_png(STEPS))
    if kind == "PNG":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet.decode(), zip=True)
        options = {"pnginfo": info}
    else:
        options = {"tiffinfo": {700: packet}} if kind == "TIFF" else {"xmp": packet}
    assert decode_photo(files.save(files.photo(), kind, **options)).depth.depth.shape == (3, 4)


class TestExtended:
    """Extended XMP, sound and lying."""

    @pytest.fixture
    def noisy_png(self, files) -> bytes:
        noise = np.random.default_rng(0).integers(0, 256, (300, 400), dtype=np.uint8)
        return files.grey_png(noise)

    @pytest.fixture
    def body(self, files, noisy_png) -> bytes:
        text = base64.b64encode(noisy_png).decode()
        return files.rdf("", f'GDepth:Data="{text}"')

    @pytest.fixture
    def standard(self, files) -> bytes:
        return files.rdf(
            "",
            'GDepth:Format="RangeInverse" GDepth:Near="1" GDepth:Far="5" GDepth:Units="m" '
            f'xmpNote:HasExtendedXMP="{GUID.decode()}"',
        )

    @staticmethod
    def parts(body: bytes, guid: bytes = GUID, step: int = 60_000):
        return [(guid, len(body), at, body[at : at + step]) for at in range(0, len(body), step)]

    def read(self, files, standard, parts):
        return decode_photo(files.with_xmp(files.save(files.photo(), "JPEG"), standard, parts))

    def test_parts_in_any_order_are_put_together(self, files, standard, body):
        depth = self.read(files, standard, self.parts(body)[::-1]).depth
        assert depth.depth.shape == (300, 400)
        assert depth.metric

    def test_parts_of_another_packet_are_passed_over(self, files, standard, body):
        other = self.parts(b"x" * 1000, guid=GUID[::-1])
        assert self.read(files, standard, other + self.parts(body)).depth is not None

    def test_missing_parts_are_noticed(self, files, standard, body):
        assert dropped(self.read(files, standard, self.parts(body)[:-1]), "bytes")
        assert dropped(self.read(files, standard, self.parts(body)[1:]), "must follow")
        assert dropped(self.read(files, standard, []), "announced but not in the file")

    def test_overlapping_parts_are_noticed(self, files, standard, body):
        guid, total, at, content = self.parts(body)[1]
        lying = [self.parts(body)[0], (guid, total, at - 5, content), *self.parts(body)[2:]]
        assert dropped(self.read(files, standard, lying), "must follow")

    @pytest.mark.parametrize("total", [0, 1, 2**32 - 1])
    def test_a_total_that_lies_is_noticed_and_not_allocated(self, files, standard, body, total):
        lying = [(guid, total, at, content) for guid, _, at, content in self.parts(body)]
        assert dropped(self.read(files, standard, lying), "extended XMP")

    def test_parts_that_disagree_on_the_total_are_noticed(self, files, standard, body):
        first, *rest = self.parts(body)
        assert dropped(self.read(files, standard, [first, *((g, t + 1, a, c) for g, t, a, c in rest)]), "disagree")

    def test_a_part_shorter_than_its_header_is_passed_over(self, files, standard, body):
        jpeg = files.with_xmp(files.save(files.photo(), "JPEG"), standard, self.parts(body))
        short = b"http://ns.adobe.com/xmp/extension/\x00" + GUID[:10]
        segment = b"\xff\xe1" + (len(short) + 2).to_bytes(2, "big") + short
        assert decode_photo(jpeg[:2] + segment + jpeg[2:]).depth is not None


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"Near": "nan"}, "near"),
        ({"Near": "0"}, "near < far"),
        ({"Near": "-1"}, "near < far"),
        ({"Far": "inf"}, "far"),
        ({"Far": "0.5"}, "near < far"),
        ({"Far": "1e300"}, "finite"),
        ({"Far": ""}, "missing"),
        ({"Near": "9" * 5000}, "near"),
        ({"Format": "FocalTable"}, "FocalTable"),
        ({"Format": ""}, "format"),
    ],
)
def test_a_range_that_makes_no_sense_drops_the_map(files, properties, reason):
    assert dropped(photo_with(files, gdepth(files, files.grey_png(STEPS), **properties)), reason)


def test_data_that_is_no_picture_drops_the_map(files):
    jpeg = files.save(files.photo(), "JPEG")
    assert dropped(photo_with(files, gdepth(files, "!!!not base64!!!")), "base64")
    assert dropped(photo_with(files, gdepth(files, b"garbage, but base64")), "not an image")
    assert dropped(photo_with(files, gdepth(files, files.grey_png(STEPS)[:40])), "cut-off")
    assert dropped(photo_with(files, gdepth(files, jpeg[: len(jpeg) // 2])), "before the picture does")
    assert dropped(photo_with(files, gdepth(files, files.save(files.photo(), "WEBP"))), "webp")
    assert dropped(photo_with(files, gdepth(files, files.grey_png(np.full((4, 4), 7, np.uint8)))), "one and the same")
    assert dropped(photo_with(files, gdepth(files, "")), "zero bytes")


def test_a_map_above_the_limits_is_dropped(files):
    packet = gdepth(files, files.grey_png(STEPS))
    jpeg = files.with_xmp(files.save(files.photo(), "JPEG"), packet)
    assert dropped(decode_photo(jpeg, DecodeLimits(max_depth_pixels=11)), "limit is 11 pixels")
    assert dropped(decode_photo(jpeg, DecodeLimits(max_depth_bytes=20)), "limit is 20 bytes")
    assert dropped(decode_photo(jpeg, DecodeLimits(max_xmp_bytes=100)), "limit is 100 bytes")


def test_a_bomb_inside_the_map_is_dropped_before_decoding(files):
    header = bytearray(files.grey_png(np.zeros((4, 4), np.uint8)))
    header[16:24] = struct.pack(">II", 60_000, 60_000)
    header[29:33] = struct.pack(">I", zlib.crc32(bytes(header[12:29])))
    assert dropped(photo_with(files, gdepth(files, bytes(header))), "limit is 25000000 pixels")


@pytest.mark.parametrize(
    "attack",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
        b"<a>" * 30_000,
        b"<a " + b"=" * 30_000 + b"/>",
        b"<unclosed",
        b"\xff\xfe\x00garbage",
    ],
)
def test_hostile_xml_costs_the_map_and_nothing_else(files, attack):
    started = time.process_time()
    photo = photo_with(files, attack[:65_000] + b"<!-- http://ns.google.com/photos/1.0/depthmap/ -->")
    assert dropped(photo, "XMP")
    assert time.process_time() - started < 1


def test_ordinary_xmp_is_not_even_parsed(files):
    photo = photo_with(files, b"<not well-formed but who cares")
    assert photo.notes == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400), st.integers(0, 600), st.integers(0, 600))
def test_random_bytes_in_the_packet_never_cost_the_photo(files, noise, at, length):
    packet = gdepth(files, files.grey_png(STEPS))
    noisy = packet[:at] + noise + packet[at + length :]
    photo = photo_with(files, noisy)
    assert photo.rgb.shape == (64, 96, 3)
    assert photo.depth is None or (np.isfinite(photo.depth.depth).all() and photo.depth.depth.min() > 0)


class TestDynamic:
    """Dynamic Depth 1.0: the map is a file appended to the photo."""

    PROPERTIES: ClassVar = {"Format": "RangeInverse", "Near": "0.5", "Far": "20", "Units": "Meters"}

    @pytest.fixture
    def make(self, files, dynamic_depth_xmp):
        """Makes a photo with appended items, as a directory describes them or otherwise."""

        def build(items, described=None, trailer=b"", padding=0, **properties):
            described = described or [(uri, len(content)) for uri, content in items]
            names = {"DepthURI": "android/depthmap", **self.PROPERTIES, **properties}
            packet = dynamic_depth_xmp([("primary_image", 0), *described], padding, **names)
            jpeg = files.with_xmp(files.save(files.photo(), "JPEG"), packet)
            return decode_photo(jpeg + bytes(padding) + b"".join(content for _, content in items) + trailer)

        return build

    @pytest.fixture
    def depth_png(self, files) -> bytes:
        return files.grey_png(STEPS)

    @pytest.fixture
    def other(self, files) -> bytes:
        return files.save(files.photo("coffee"), "JPEG")

    def test_the_item_is_found_by_lengths_from_the_end(self, make, depth_png, other):
        items = [("android/original_image", other), ("android/depthmap", depth_png), ("android/more", other)]
        depth = make(items).depth
        assert depth.source == "dynamic_depth"
        assert depth.metric
        assert np.allclose(1 / depth.depth[0, 0], 1 / 0.5)
        assert depth.depth[-1, -1] == pytest.approx(20)

    def test_an_item_is_found_from_the_front_where_a_vendor_appended_more(self, make, depth_png, other):
        items = [("android/original_image", other), ("android/depthmap", depth_png)]
        assert make(items, trailer=b"VENDOR" * 10, padding=7).depth is not None

    def test_confidence_is_an_item_of_its_own(self, make, depth_png, files):
        confidence = files.grey_png(STEPS[::-1].copy())
        items = [("android/depthmap", depth_png), ("android/confidencemap", confidence)]
        depth = make(items, ConfidenceURI="android/confidencemap").depth
        assert np.allclose(depth.confidence, STEPS[::-1] / 255)

    def test_a_map_without_units_is_up_to_scale(self, make, depth_png):
        assert not make([("android/depthmap", depth_png)], Units="None").depth.metric

    def test_a_segmentation_mask_is_not_taken_for_depth(self, make, depth_png):
        photo = make([("android/depthmap", depth_png)], ItemSemantic="Segmentation")
        assert photo.depth is None

    @pytest.mark.parametrize("length", [0, 1, 10**9, 10**12 - 1])
    def test_a_length_that_lies_drops_the_map(self, make, depth_png, length):
        photo = make([("android/depthmap", depth_png)], described=[("android/depthmap", length)])
        assert dropped(photo, "")

    @pytest.mark.parametrize("length", [-5, "x", 10**15, "9" * 5000])
    def test_a_length_that_is_no_length_drops_the_map(self, make, depth_png, length):
        photo = make([("android/depthmap", depth_png)], described=[("android/depthmap", length)])
        assert dropped(photo, "length")

    def test_an_item_that_is_not_listed_drops_the_map(self, make, depth_png):
        assert dropped(make([("android/somethingelse", depth_png)]), "has no item")

    def test_a_directory_of_thousands_drops_the_map(self, make, depth_png):
        assert dropped(make([("a", b"")] * 300), "more than 100 items")

    def test_dioptres_are_refused_in_words(self, make, depth_png):
        assert dropped(make([("android/depthmap", depth_png)], Units="Diopters"), "dioptre")


def test_a_map_written_by_us_reads_back(files):
    truth = (1 + np.random.default_rng(1).random((40, 60)) * 8).astype(np.float32)
    photo = decode_photo(embed_depth(files.save(files.photo(), "JPEG"), truth, near=1, far=9))
    assert photo.depth.metric
    assert np.abs(photo.depth.depth / truth - 1).max() < 2e-4
