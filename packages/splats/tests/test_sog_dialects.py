"""SOG as other writers make it: version 1, levels that are null, degree 4, a zip of a folder."""

import io
import json
import math
import zipfile

import numpy as np
import pytest
from immichvr_splats import MalformedFileError, UnsupportedFileError, read, read_sog_folder, to_bytes
from immichvr_splats.cloud import THINNEST_LOG_SCALE
from PIL import Image


def entries(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def changed(data, change):
    files = entries(data)
    meta = json.loads(files["meta.json"])
    change(meta, files)
    return zipped(files | {"meta.json": json.dumps(meta).encode()})


def pixels(data):
    return np.array(Image.open(io.BytesIO(data)).convert("RGBA"))


def webp(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "WEBP", lossless=True, exact=True)
    return file.getvalue()


def as_version_1(cloud, data):
    """The same means, rotations and palette; scales, colours and opacity on even levels, as version 1 has them."""

    def rewrite(meta, files):
        order = np.argsort(cloud.means[:, 0])
        assert order.size == cloud.count
        del meta["version"], meta["count"], meta["asset"]
        ordered = read(data).cloud
        height, width = pixels(files["sh0.webp"]).shape[:2]
        channels = {
            "scales": ordered.log_scales,
            "sh0": np.column_stack([ordered.sh[:, 0], ordered.opacity_logits]),
        }
        meta["means"]["shape"] = [cloud.count, 3]
        meta["quats"]["encoding"] = "quaternion_packed"
        for name, values in channels.items():
            low, high = values.min(axis=0), values.max(axis=0)
            picture = np.full((height * width, 4), 255, np.uint8)
            picture[: cloud.count, : values.shape[1]] = np.round((values - low) / (high - low) * 255)
            files[f"{name}.webp"] = webp(picture.reshape(height, width, 4))
            meta[name] = {"mins": low.tolist(), "maxs": high.tolist(), "files": [f"{name}.webp"]}
        if "shN" in meta:
            book = np.array(meta["shN"]["codebook"])
            levels = pixels(files["shN_centroids.webp"])
            even = np.round((book - book[0]) / (book[-1] - book[0]) * 255).astype(np.uint8)
            levels[..., :3] = even[levels[..., :3]]
            files["shN_centroids.webp"] = webp(levels)
            files_of = meta["shN"]["files"]
            meta["shN"] = {"mins": book[0], "maxs": book[-1], "quantization": 8, "files": files_of}

    return changed(data, rewrite)


@pytest.mark.parametrize("degree", [0, 1, 3])
def test_version_1_is_read_within_the_steps_of_its_levels(make_cloud, tmp_path, degree):
    cloud = make_cloud(300, degree)
    data = to_bytes(cloud, "sog")
    old = as_version_1(cloud, data)
    found, wanted = read(old).cloud, read(data).cloud
    np.testing.assert_array_equal(found.means, wanted.means)
    np.testing.assert_array_equal(found.quaternions, wanted.quaternions)
    for name, limit in (("log_scales", 5 / 500), ("opacity_logits", 10 / 500), ("sh", 2 / 255)):
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), atol=limit, err_msg=name)
    for name, content in entries(old).items():
        (tmp_path / name).write_bytes(content)
    np.testing.assert_array_equal(read_sog_folder(tmp_path).cloud.sh, found.sh)


def test_another_packing_of_rotations_than_version_1_has_is_refused_by_name(make_cloud):
    cloud = make_cloud(30)
    old = as_version_1(cloud, to_bytes(cloud, "sog"))
    with pytest.raises(UnsupportedFileError, match="'raw'"):
        read(changed(old, lambda meta, _: meta["quats"].update(encoding="raw")))


@pytest.mark.parametrize("name", ["scales", "sh0", "shN"])
@pytest.mark.parametrize("null", [None, float("nan")])
def test_a_level_that_is_null_lies_on_the_line_through_the_others(make_cloud, name, null):
    def forget(meta, files):
        del files
        book = meta[name]["codebook"]
        book[0] = book[100] = null

    data = to_bytes(make_cloud(400, degree=1), "sog")
    result = read(changed(data, forget))
    assert result.cloud.count == 400
    assert [(loss.code, str(loss).split(":")[0]) for loss in result.losses] == [("guessed", name)]
    for array in ("log_scales", "sh"):
        np.testing.assert_allclose(getattr(result.cloud, array), getattr(read(data).cloud, array), atol=0.1)


def test_the_first_level_that_is_null_is_what_playcanvas_engine_takes_it_for(make_cloud):
    data = to_bytes(make_cloud(2000), "sog")
    book = json.loads(entries(data)["meta.json"])["scales"]["codebook"]
    found = read(changed(data, lambda meta, _: meta["scales"]["codebook"].__setitem__(0, None))).cloud
    assert found.log_scales.min() == pytest.approx(book[1] + (book[1] - book[255]) / 255, abs=1e-6)


def test_a_level_of_minus_infinity_is_that_of_flat_gaussians(make_cloud):
    data = to_bytes(make_cloud(300), "sog")
    result = read(changed(data, lambda meta, _: meta["scales"]["codebook"].__setitem__(0, -math.inf)))
    thinnest = read(data).cloud.log_scales == read(data).cloud.log_scales.min()
    assert (result.cloud.log_scales[thinnest] == THINNEST_LOG_SCALE).all()
    np.testing.assert_array_equal(result.cloud.log_scales[~thinnest], read(data).cloud.log_scales[~thinnest])
    assert [(loss.code, str(loss).split(":")[0]) for loss in result.losses] == [("clamped", "scales")]


def test_a_whole_number_may_be_written_as_a_fraction(make_cloud):
    data = to_bytes(make_cloud(30, degree=1), "sog")

    def as_fractions(meta, _):
        meta["count"], meta["shN"]["bands"] = float(meta["count"]), 1.0

    np.testing.assert_array_equal(read(changed(data, as_fractions)).cloud.sh, read(data).cloud.sh)


@pytest.mark.parametrize("mark", [{"model": "antialiased"}, {"antialias": True}])
def test_a_mark_of_antialiased_training_is_seen_in_either_spelling(make_cloud, mark):
    data = to_bytes(make_cloud(30), "sog")
    assert read(changed(data, lambda meta, _: meta.update(mark))).cloud.marks.antialiased
    assert not read(changed(data, lambda meta, _: meta.update(antialias=False))).cloud.marks.antialiased


def test_a_codebook_of_nothing_but_null_is_refused_by_name(make_cloud):
    with pytest.raises(MalformedFileError, match="scales: 'codebook' holds no number"):
        read(changed(to_bytes(make_cloud(30), "sog"), lambda meta, _: meta["scales"].update(codebook=[None] * 256)))


def test_a_palette_of_degree_4_is_cut_to_3_and_said(make_cloud):
    def widen(meta, files):
        meta["shN"]["bands"] = 4
        rows = pixels(files["shN_centroids.webp"])
        rows = rows.reshape(rows.shape[0] * 64, 15, 4)
        wide = np.concatenate([rows, np.full((rows.shape[0], 9, 4), 255, np.uint8)], axis=1)
        files["shN_centroids.webp"] = webp(wide.reshape(-1, 64 * 24, 4))

    data = to_bytes(make_cloud(200, degree=3), "sog")
    result = read(changed(data, widen))
    np.testing.assert_array_equal(result.cloud.sh, read(data).cloud.sh)
    assert [(loss.code, loss.count) for loss in result.losses] == [("sh_degree", 200)]


def test_a_zip_of_the_folder_is_read(make_cloud):
    data = to_bytes(make_cloud(50), "sog")
    files = {f"my scene/{name}": content for name, content in entries(data).items()}
    files |= {"my scene/": b"", "__MACOSX/my scene/meta.json": b"junk"}
    np.testing.assert_array_equal(read(zipped(files)).cloud.means, read(data).cloud.means)


@pytest.mark.parametrize(("names", "said"), [
    (["scene/point_cloud.ply", "scene/cameras.json"], "a zip of scene/point_cloud.ply, scene/cameras.json, not a SOG"),
    (["scene.zip"], "a zip of scene.zip, not a SOG.*unpack it"),
    (["0/meta.json", "1/meta.json", "lod-meta.json"], r"a zip of 2 SOGs \(levels of detail\)"),
    ([], "a zip of nothing"),
])  # fmt: skip
def test_a_zip_of_something_else_is_called_what_it_is(names, said):
    with pytest.raises(UnsupportedFileError, match=said):
        read(zipped(dict.fromkeys(names, b"{}")), "sog")
