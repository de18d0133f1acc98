"""SOG version 2: zip and folder, palettes for view dependence, and archives that lie."""

import io
import json
import re
import struct
import tracemalloc
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from immichvr_splats import (
    InvalidCloudError,
    LimitExceededError,
    MalformedFileError,
    ReadLimits,
    SplatError,
    UnsupportedFileError,
    read,
    read_sog_folder,
    to_bytes,
    write,
    write_sog_folder,
)
from immichvr_splats.formats.sog import codebook_of, labels_of, palette_of, textures
from PIL import Image
from scipy.spatial import cKDTree

INPUTS = ("sharp_sh0", "inria_sh0", "inria_sh2", "inria_sh3")
ARRAYS = ("means", "log_scales", "quaternions", "opacity_logits", "sh")


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits.astype(float)))


def rotation_degrees(a, b):
    dot = np.abs((a.quaternions.astype(float) * b.quaternions).sum(axis=1)).clip(0, 1)
    return np.degrees(2 * np.arccos(dot))


def rezipped(data, method=zipfile.ZIP_STORED, **changes):
    """The archive, made anew by another writer, with other contents; None leaves an entry out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", method) as new:
        for name in old.namelist():
            content = changes.get(name.replace(".", "_"), old.read(name))
            if content is not None:
                new.writestr(name, content)
    return out.getvalue()


def with_meta(data, change):
    meta = json.loads(zipfile.ZipFile(io.BytesIO(data)).read("meta.json"))
    change(meta)
    return rezipped(data, meta_json=json.dumps(meta).encode())


def webp(width, height, mode="RGBA", **options):
    file = io.BytesIO()
    Image.new(mode, (width, height), 255).save(file, "WEBP", **{"lossless": True, **options})
    return file.getvalue()


def noise(width, height):
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 4), np.uint8)
    Image.fromarray(pixels).save(file, "WEBP", lossless=True, exact=True)
    return file.getvalue()


@pytest.mark.parametrize("name", INPUTS)
def test_what_splat_transform_wrote_is_read_as_splat_transform_reads_it(vectors, name):
    ours = read(vectors / name / "splat-transform.sog").cloud
    theirs = read(vectors / name / "splat-transform.sog.decoded.ply").cloud
    for array in ("means", "log_scales", "sh", "opacity_logits"):
        np.testing.assert_array_equal(getattr(ours, array), getattr(theirs, array))
    np.testing.assert_allclose(ours.quaternions, theirs.quaternions, atol=1e-6)


@pytest.mark.parametrize("name", INPUTS)
def test_our_file_is_at_least_as_close_and_as_small_as_splat_transforms(vectors, name):
    original = read(vectors / f"{name}.ply").cloud
    data = to_bytes(original, "sog")
    path = vectors / name / "splat-transform.sog"
    assert len(data) < path.stat().st_size
    errors = []
    for found in (read(data).cloud, read(path).cloud):
        want = original.take(cKDTree(original.means).query(found.means)[1])
        assert np.unique(want.means, axis=0).shape[0] == original.count
        assert np.abs(found.means - want.means).max() < 5e-4
        assert rotation_degrees(found, want).max() < 2
        differences = [found.means - want.means, found.log_scales - want.log_scales, found.sh[:, 0] - want.sh[:, 0]]
        errors.append([np.sqrt(np.mean(d**2)) for d in differences])
    assert (np.array(errors[0]) < errors[1]).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(0, 3), st.floats(0.01, 1e5))
def test_a_round_trip_stays_within_the_quantisation_steps(make_cloud, seed, count, degree, reach):
    cloud = make_cloud(count, degree, seed=seed)
    cloud.means[:] *= reach
    found = read(to_bytes(cloud, "sog", order="file")).cloud
    logs = np.copysign(np.log1p(np.abs(cloud.means.astype(float))), cloud.means)
    step = (logs.max(axis=0) - logs.min(axis=0)) / 65535
    np.testing.assert_array_less(
        np.abs(found.means - cloud.means), 0.51 * step * (1 + np.abs(cloud.means)) * 1.01 + 1e-6
    )
    np.testing.assert_allclose(sigmoid(found.opacity_logits), sigmoid(cloud.opacity_logits), atol=0.5 / 255 + 1e-5)
    assert rotation_degrees(found, cloud).max() < 1.1
    for levels, values in ((found.log_scales, cloud.log_scales), (found.sh[:, 0], cloud.sh[:, 0])):
        assert np.abs(levels - values).max() <= np.ptp(values) / 255 + 1e-6
    if degree:
        assert np.abs(found.sh[:, 1:] - cloud.sh[:, 1:]).max() <= np.ptp(cloud.sh[:, 1:]) / 128


def test_the_textures_are_lossless_stored_and_of_the_size_the_format_asks_for(make_cloud):
    data = to_bytes(make_cloud(1100, degree=2), "sog")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        sizes = {name: Image.open(archive.open(name)).size for name in archive.namelist() if name != "meta.json"}
        assert all(archive.read(name)[12:16] == b"VP8L" for name in sizes)
        meta = json.loads(archive.read("meta.json"))
    assert sizes.pop("shN_centroids.webp") == (64 * 8, -(-meta["shN"]["count"] // 64))
    assert set(sizes.values()) == {(36, 32)}
    assert meta["shN"]["bands"] == 2
    assert meta["shN"]["count"] <= 1024


def test_the_same_cloud_gives_the_same_bytes(make_cloud):
    assert to_bytes(make_cloud(1500, degree=1), "sog") == to_bytes(make_cloud(1500, degree=1), "sog")


def test_gaussians_are_sorted_by_place_unless_their_order_is_to_stay(make_cloud):
    cloud = make_cloud(400)
    assert [loss.code for loss in write(cloud, None, "sog")] == ["order"]
    assert write(cloud, None, "sog", order="file") == []
    assert len(to_bytes(cloud, "sog")) < len(to_bytes(cloud, "sog", order="file"))


def test_an_opaque_cloud_keeps_its_opacity_though_encoders_drop_an_alpha_of_255(make_cloud):
    cloud = make_cloud(16)
    cloud.opacity_logits[:] = 20
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(to_bytes(cloud, "sog"))) as archive:
        Image.open(archive.open("sh0.webp")).convert("RGB").save(file, "WEBP", lossless=True)
    found = read(rezipped(to_bytes(cloud, "sog"), sh0_webp=file.getvalue())).cloud
    assert (found.opacity_logits == 20).all()


def test_a_folder_holds_the_same_cloud(tmp_path, make_cloud):
    cloud = make_cloud(200, degree=1)
    losses = write_sog_folder(cloud, tmp_path / "cloud")
    assert [loss.code for loss in losses] == ["order"]
    assert "means_l.webp" in {p.name for p in (tmp_path / "cloud").iterdir()}
    for path in (tmp_path / "cloud", tmp_path / "cloud/meta.json"):
        np.testing.assert_array_equal(read_sog_folder(path).cloud.sh, read(to_bytes(cloud, "sog")).cloud.sh)
    assert [p.name for p in tmp_path.iterdir()] == ["cloud"]


def test_a_folder_that_holds_something_is_not_written_over(tmp_path, make_cloud):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InvalidCloudError, match="exists already"):
        write_sog_folder(make_cloud(3), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_cannot_lead_out_of_itself(tmp_path, make_cloud):
    write_sog_folder(make_cloud(3), tmp_path / "cloud")
    secret = tmp_path / "scales.webp"
    (tmp_path / "cloud/scales.webp").rename(secret)
    with pytest.raises(MalformedFileError, match="no entry"):
        read_sog_folder(tmp_path / "cloud")
    (tmp_path / "cloud/scales.webp").symlink_to(secret)
    with pytest.raises(MalformedFileError, match="no entry"):
        read_sog_folder(tmp_path / "cloud")
    with pytest.raises(MalformedFileError, match=r"wants a file 'meta\.json'"):
        read_sog_folder(tmp_path)
    with pytest.raises(LimitExceededError, match="the limit is 100"):
        read_sog_folder(tmp_path / "cloud", ReadLimits(max_bytes=100))


def test_a_sog_cut_off_anywhere_is_refused(make_cloud):
    data = to_bytes(make_cloud(3), "sog")
    for length in range(1, len(data), 7):
        with pytest.raises(SplatError):
            read(data[:length], "sog")


def test_a_deflated_archive_is_read(make_cloud):
    data = to_bytes(make_cloud(20), "sog")
    assert read(rezipped(data, zipfile.ZIP_DEFLATED)).cloud.count == 20
    with pytest.raises(UnsupportedFileError, match="compression method 14"):
        read(rezipped(data, zipfile.ZIP_LZMA))


BAD_META = {
    "no version": (lambda m: (m.pop("version"), m.pop("means")), "version None"),
    "version 3": (lambda m: m.update(version=3), "version 3, versions 1 and 2 are read"),
    "count of text": (lambda m: m.update(count="40"), "'count' is 40"),
    "negative count": (lambda m: m.update(count=-1), "'count' is -1"),
    "true count": (lambda m: m.update(count=True), "'count' is True"),
    "huge count": (lambda m: m.update(count=19_000_000), "pixels for 19,000,000 Gaussians"),
    "small count": (lambda m: m["means"].pop("mins"), "'mins' wants 3 finite numbers"),
    "NaN": (lambda m: m["means"].update(maxs=[0, float("nan"), 0]), "'maxs' wants 3 finite"),
    "infinity": (lambda m: m["means"].update(maxs=[0, float("inf"), 0]), "'maxs' wants 3 finite"),
    "huge integer": (lambda m: m["means"].update(maxs=[0, 10**400, 0]), "'maxs' wants 3 finite|not JSON"),
    "short codebook": (lambda m: m["scales"]["codebook"].pop(), "scales: 'codebook' wants 256"),
    "long codebook": (lambda m: m["sh0"]["codebook"].append(1), "sh0: 'codebook' wants 256"),
    "codebook of text": (lambda m: m["shN"]["codebook"].__setitem__(7, "1"), "shN: 'codebook' wants 256"),
    "palette that is too small": (lambda m: m["shN"].update(count=30), "wants row 3[0-9] of a palette of 30"),
    "palette without rows": (lambda m: m["shN"].update(count=0), "shN: 'count' is 0"),
    "five bands": (lambda m: m["shN"].update(bands=5), "'bands' is 5"),
    "other bands": (lambda m: m["shN"].update(bands=1), "palette rows want 192x1"),
    "a file elsewhere": (lambda m: m["quats"].update(files=["../quats.webp"]), "plain file names"),
    "an absolute file": (lambda m: m["quats"].update(files=["/etc/passwd"]), "plain file names"),
    "no file": (lambda m: m["quats"].update(files=["other.webp"]), "no entry 'other.webp'"),
    "one file of two": (lambda m: m["means"]["files"].pop(), "means: 'files' wants 2"),
    "no means": (lambda m: m.pop("means"), "'means' is missing"),
    "means of text": (lambda m: m.update(means="x"), "'means' is missing or not an object"),
}


@pytest.mark.parametrize("case", BAD_META)
def test_a_description_that_lies_is_refused_by_name(make_cloud, case):
    change, said = BAD_META[case]
    with pytest.raises(SplatError, match=said):
        read(with_meta(to_bytes(make_cloud(40, degree=2), "sog"), change), "sog")


@pytest.mark.parametrize("meta", [b"", b"[]", b"{", b"[" * 100_000, b"\xff\xfe", b"null"])
def test_a_description_that_is_no_object_is_refused(make_cloud, meta):
    with pytest.raises(MalformedFileError, match=r"meta\.json"):
        read(rezipped(to_bytes(make_cloud(3), "sog"), meta_json=meta))


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (b"", "not a WebP"),
        (b"RIFF\0\0\0\0WEBPVP8L" + bytes(200), "without a picture"),
        (webp(8, 8, lossless=False), "only still lossless"),
        (webp(8, 8, "RGB", lossless=False), "only still lossless"),
        (webp(3, 3), "3x3 pixels for 40 Gaussians"),
        (webp(400, 400), "400x400 pixels for 40 Gaussians, wants that many, at most 65,536"),
        (noise(8, 8)[:-40], "damaged WebP"),
    ],
)
def test_a_texture_that_is_none_is_refused(make_cloud, picture, said):
    with pytest.raises(SplatError, match=said):
        read(rezipped(to_bytes(make_cloud(40), "sog"), scales_webp=picture))


def test_a_picture_of_absurd_size_is_refused_before_it_is_unpacked(make_cloud):
    absurd = bytearray(webp(8, 8, "RGB"))
    absurd[21:25] = struct.pack("<I", 0x3FFF | 0x3FFF << 14)
    data = rezipped(to_bytes(make_cloud(40), "sog"), sh0_webp=bytes(absurd))
    tracemalloc.start()
    with pytest.raises(MalformedFileError, match="16384x16384"):
        read(data)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_a_bomb_is_not_inflated_beyond_the_size_it_announces(make_cloud):
    data = rezipped(to_bytes(make_cloud(3), "sog"), zipfile.ZIP_DEFLATED, meta_json=bytes(64 << 20))
    tracemalloc.start()
    with pytest.raises(LimitExceededError, match=r"'meta\.json': 67,108,864 bytes"):
        read(data)
    liar = data.replace(struct.pack("<I", 64 << 20), struct.pack("<I", 1000))
    with pytest.raises(MalformedFileError, match="announces 1,000 bytes unpacked, has 1,001 or more"):
        read(liar)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("field", range(4, 46, 2))
def test_a_directory_that_lies_is_survived(make_cloud, field):
    data = bytearray(to_bytes(make_cloud(3), "sog"))
    for value in (0, 1, 0x7FFF, 0xFFFF):
        for entry in range(2):
            at = [i for i in range(len(data)) if data[i : i + 4] == b"PK\x01\x02"][entry] + field
            changed = data.copy()
            changed[at : at + 2] = struct.pack("<H", value)
            try:
                assert read(changed, "sog").cloud.count == 3
            except SplatError as error:
                assert str(error)


def test_a_rotation_without_a_tag_is_dropped_and_counted(make_cloud):
    file = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 7)).save(file, "WEBP", lossless=True, exact=True)
    result = read(rezipped(to_bytes(make_cloud(40), "sog"), quats_webp=file.getvalue()))
    assert (result.cloud.count, result.dropped) == (0, 40)


def test_a_codebook_is_better_than_even_steps_and_exact_for_few_values():
    random = np.random.default_rng(3)
    values = np.concatenate((random.normal(-4, 0.4, 9_000), random.normal(0, 0.05, 5_000))).astype(np.float32)
    book = codebook_of(values)
    found = book[labels_of(values, book)]
    even = np.linspace(values.min(), values.max(), 256)
    nearest = even[np.abs(values[:, None] - even).argmin(axis=1)]
    assert np.mean((found - values) ** 2) < 0.6 * np.mean((nearest - values) ** 2)
    assert (np.abs(found - values) <= np.abs(values[:, None] - book).min(axis=1) + 1e-6).all()
    few = np.array([3, 1, -7, 1], np.float32)
    np.testing.assert_array_equal(codebook_of(few)[labels_of(few, codebook_of(few))], few)


def plain_k_means(rows, size, rounds=12):
    centres = rows[np.random.default_rng(1).permutation(rows.shape[0])[:size]]
    for _ in range(rounds + 1):
        labels = (rows @ centres.T - 0.5 * (centres**2).sum(axis=1)).argmax(axis=1)
        sums = np.zeros(centres.shape)
        np.add.at(sums, labels, rows)
        counts = np.bincount(labels, minlength=size)[:, None]
        centres = np.where(counts > 0, sums / np.maximum(counts, 1), centres).astype(np.float32)
    return centres, labels


@pytest.mark.parametrize(("heavy_tails", "at_least"), [(0.7, 0.1), (0.0, -0.35)])
def test_the_palette_loses_little_against_plain_k_means_and_wins_where_some_rows_are_strong(heavy_tails, at_least):
    random = np.random.default_rng(2)
    strengths = np.exp(heavy_tails * random.standard_normal((12_000, 1)))
    rows = (strengths * random.standard_normal((12_000, 8))) @ random.standard_normal((8, 24))
    rows = rows.astype(np.float32)

    def psnr(palette, labels):
        return 10 * np.log10(rows.var() / np.mean((rows - palette[labels]) ** 2))

    assert psnr(*palette_of(rows, 256)) - psnr(*plain_k_means(rows, 256)) > at_least


def test_a_palette_learned_from_a_sample_serves_the_whole_cloud(monkeypatch, make_cloud):
    cloud = make_cloud(6000, degree=2)
    spread = cloud.sh[:, 1:] - cloud.sh[:, 1:].mean(axis=0)
    cloud.sh[:, 1:] = cloud.sh[np.arange(6000) % 700, 1:] + 0.01 * spread  # 700 kinds
    errors = []
    for most in (textures._MOST_SAMPLES, 5000):
        monkeypatch.setattr(textures, "_MOST_SAMPLES", most)
        monkeypatch.setattr(textures, "_LABELLED_AT_ONCE", 2000)
        found = read(to_bytes(cloud, "sog", order="file")).cloud
        errors.append(np.sqrt(np.mean((found.sh[:, 1:] - cloud.sh[:, 1:]) ** 2)))
    assert errors[1] < 1.1 * errors[0]
    assert errors[1] < 0.1 * spread.std()


def test_coarse_steps_of_a_wide_cloud_are_told_with_their_size(make_cloud):
    cloud = make_cloud(500)
    assert [loss.code for loss in write(cloud, None, "sog")] == ["order"]
    wide = replace(cloud, means=cloud.means * np.float32(1000))
    [told] = [loss for loss in write(wide, None, "sog") if loss.code == "precision"]
    found = read(to_bytes(wide, "sog", order="file")).cloud.means
    worst = np.abs(found - wide.means).max()
    assert told.count == 500
    assert worst <= float(re.search(r"up to ([\d.e-]+) m", str(told))[1]) <= 4 * worst
