"""What is sent: Spark's own bytes, nothing that cannot be drawn, and no more than was asked for."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import immichvr_splats
import numpy as np
import pytest
from immichvr_ai.live.gaussians import Gaussians, choose, from_cloud
from immichvr_ai.live.packing import FORMATS, LARGEST_DATA, most_gaussians, pack, pack_points
from immichvr_splats import SH_C0, GaussianCloud


def cloud(count: int, seed: int = 0) -> Gaussians:
    """Gaussians of every size, near and far, turned any way."""
    random = np.random.default_rng(seed)
    normal = lambda *shape: random.standard_normal(shape).astype(np.float32)  # noqa: E731
    return Gaussians(
        means=normal(count, 3) * 10 ** random.uniform(-6, 3, (count, 1)).astype(np.float32),
        scales=np.exp(random.uniform(-34, 10, (count, 3))).astype(np.float32),
        quaternions=normal(count, 4),
        colours=normal(count, 3) * 3,
        opacities=random.uniform(0, 1, count).astype(np.float32),
    )


def js_round(value: float) -> int:
    return math.floor(value + 0.5)


def spark_splat(gaussians: Gaussians, i: int) -> bytes:
    """One splat as Spark 2.2.0's setPackedSplat packs it, in plain doubles."""
    byte = lambda v: max(0, min(255, js_round(v * 255)))  # noqa: E731
    colours = [byte(0.5 + SH_C0 * float(c)) for c in gaussians.colours[i]]
    w, x, y, z = (float(part) for part in gaussians.quaternions[i])
    norm = math.sqrt(w * w + x * x + y * y + z * z)
    w, x, y, z = (part / norm * (-1 if w < 0 else 1) for part in (w, x, y, z))
    axis = np.array([x, y, z]) / math.sqrt(x * x + y * y + z * z)
    u, v = axis[:2] / np.abs(axis).sum()
    if axis[2] < 0:
        u, v = (1 - abs(v)) * (1 if u >= 0 else -1), (1 - abs(u)) * (1 if v >= 0 else -1)
    turn = [js_round((u / 2 + 0.5) * 255), js_round((v / 2 + 0.5) * 255), js_round(2 * math.acos(w) * 255 / math.pi)]
    sizes = [
        0 if s < math.exp(-30) else min(255, max(1, js_round((math.log(s) + 12) * 254 / 21) + 1))
        for s in map(float, gaussians.scales[i])
    ]
    x16, y16, z16 = (part.tobytes() for part in gaussians.means[i].astype("<f2"))
    head = bytes([*colours, byte(float(gaussians.opacities[i]))])
    return head + x16 + y16 + z16 + bytes(turn[:2]) + bytes([*sizes, turn[2]])


def test_spark16_is_byte_for_byte_what_spark_packs_itself() -> None:
    gaussians = cloud(3000)
    expected = b"".join(spark_splat(gaussians, i) for i in range(gaussians.count))
    packed = pack(gaussians, "spark16", 0, gaussians.count)
    assert packed.count == 3000 and packed.invalid == 0
    ours, theirs = (np.frombuffer(data, np.uint8).astype(int) for data in (packed.data, expected))
    # A logarithm's last bit may decide a rounding.
    assert np.count_nonzero(ours != theirs) <= 3
    assert np.abs(ours - theirs).max() <= 1


def test_halves_are_numpys_for_every_exponent_and_every_tie() -> None:
    bits = np.arange(0, 0x477FE000, 0x401, dtype=np.uint32)
    ties = np.arange(0x33000000, 0x477F0000, 0x1000, dtype=np.uint32)
    values = np.concatenate([bits, ties]).view(np.float32)
    values = np.concatenate([values, -values])
    values = values[: values.size // 3 * 3]
    means = values.reshape(-1, 3)
    still = Gaussians(
        means, np.ones_like(means), np.tile(np.float32([1, 0, 0, 0]), (len(means), 1)), np.zeros_like(means),
        np.ones(len(means), np.float32),
    )  # fmt: skip
    words = np.frombuffer(pack(still, "spark16", 0, len(means)).data, "<u2").reshape(-1, 8)
    np.testing.assert_array_equal(words[:, 2:5], means.astype(np.float16).view(np.uint16))


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize("field", ["means", "scales", "quaternions", "colours", "opacities"])
def test_what_is_not_finite_is_never_sent_and_is_counted(output_format, field) -> None:
    gaussians = replace(cloud(60), scales=np.full((60, 3), 0.1, np.float32))
    values = getattr(gaussians, field).copy()
    values[3::20] = np.nan
    values[4::20] = np.inf
    values[5::20] = -np.inf
    packed = pack(replace(gaussians, **{field: values}), output_format, 0, 60)
    assert (packed.count, packed.invalid) == (51, 9)
    good = [i for i in range(60) if i % 20 not in (3, 4, 5)]
    assert packed.data == pack(gaussians.take(np.array(good, np.int32)), output_format, 0, 60).data


def test_what_would_arrive_as_infinity_in_16_bits_is_not_sent() -> None:
    gaussians = cloud(4)
    far = gaussians.means.copy()
    far[2] = 70_000
    assert pack(replace(gaussians, means=far), "fp16", 0, 4).invalid == 1


def test_planes_hold_every_value_in_the_documented_order() -> None:
    gaussians = replace(cloud(50), sh=np.random.default_rng(1).standard_normal((50, 8, 3)).astype(np.float32))
    data = np.frombuffer(pack(gaussians, "fp32", 0, 50).data, "<f4")
    parts = np.split(data, np.cumsum([150, 150, 200, 150, 50]))
    names = ["means", "scales", "quaternions", "colours", "opacities", "sh"]
    for part, name in zip(parts, names, strict=True):
        np.testing.assert_array_equal(part, getattr(gaussians, name).ravel())


def test_spz_reads_back_as_the_same_cloud() -> None:
    gaussians = cloud(200)
    plain = replace(gaussians, means=gaussians.means.clip(-50, 50), scales=gaussians.scales.clip(1e-3, 1))
    packed = pack(plain, "spz", 0, 200)
    read = immichvr_splats.read(io.BytesIO(packed.data).read(), "spz").cloud
    assert read.count == packed.count == 200
    np.testing.assert_allclose(read.means, plain.means, atol=1e-3)


def test_faint_splats_stay_and_of_too_many_the_ones_that_cover_most() -> None:
    gaussians = cloud(1000)
    rows, _ = choose(gaussians, 0.5, 1000)
    assert (gaussians.opacities[rows] >= 0.5).all()
    assert (np.delete(gaussians.opacities, rows) < 0.5).all()
    big = replace(
        gaussians, means=np.tile(np.float32([0, 0, 2]), (1000, 1)), scales=np.full((1000, 3), 0.01, np.float32),
        opacities=np.ones(1000, np.float32),
    )  # fmt: skip
    big.scales[::10] = 1.0
    rows, _ = choose(big, 0, 100)
    np.testing.assert_array_equal(rows, np.arange(0, 1000, 10))


def test_equal_splats_are_thinned_out_evenly() -> None:
    even = replace(
        cloud(1000), means=np.tile(np.float32([0, 0, 2]), (1000, 1)), scales=np.full((1000, 3), 0.1, np.float32),
        opacities=np.ones(1000, np.float32),
    )  # fmt: skip
    rows, _ = choose(even, 0, 500)
    assert rows.size == 500
    assert np.diff(rows).max() <= 4


def test_points_are_planes_without_the_invalid_ones() -> None:
    means = np.arange(30, dtype=np.float32).reshape(10, 3)
    means[4, 1] = np.nan
    colours = np.arange(30, dtype=np.uint8).reshape(10, 3)
    packed = pack_points(means, colours, 100)
    assert (packed.count, packed.invalid, len(packed.data)) == (9, 1, 9 * 15)
    np.testing.assert_array_equal(np.frombuffer(packed.data[108:], np.uint8), np.delete(colours, 4, 0).ravel())
    assert pack_points(means, colours, 3).count == 3


def test_a_session_sends_no_more_than_fits_into_a_message() -> None:
    assert most_gaussians(21_000, "spark16", 0) == 21_000
    for output_format in FORMATS:
        assert most_gaussians(10**7, output_format, 0) * 16 <= LARGEST_DATA
    assert most_gaussians(10**7, "fp32", 2) * (56 + 96) <= LARGEST_DATA


def test_a_networks_cloud_becomes_linear_values() -> None:
    one = GaussianCloud(
        means=np.float32([[1, 2, 3]]), log_scales=np.log(np.float32([[0.1, 0.2, 0.3]])),
        quaternions=np.float32([[1, 0, 0, 0]]), opacity_logits=np.float32([0]), sh=np.ones((1, 4, 3), np.float32),
    )  # fmt: skip
    made = from_cloud(one, 2)
    np.testing.assert_allclose(made.scales, [[0.1, 0.2, 0.3]], rtol=1e-6)
    assert made.opacities[0] == pytest.approx(0.5)
    assert made.sh is not None
    assert made.sh[0, :3].tolist() == [[1.0] * 3] * 3 and not made.sh[0, 3:].any()
    assert from_cloud(one, 0).sh is None
