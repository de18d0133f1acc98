"""Small files on which readers of this kind were wrong; beside the repository, not in it."""

from pathlib import Path

import numpy as np
import pytest
from immichvr_splats import SplatError, UnsupportedFileError, convert, lod, read, read_sog_folder, to_bytes
from immichvr_splats.pointclouds import read_points
from scipy.spatial import cKDTree

CASES = Path(__file__).parents[4] / "shared/cases/formats"
REFUSED = {
    "15-gltf-drafts/draft-2025.glb": "drafts of 2025",
    "15-gltf-drafts/cesium-spz.glb": "KHR_spz_gaussian_splats_compression.*draft of 2025",
    "13-geo-doubles/utm-points.ply": "a point cloud",
    "07-sog-null-codebook/all-null-scales.sog": "scales: 'codebook' holds no number",
}
TOLD = {
    "02-two-scales/surfels.ply": "no scale_2",
    "05-filter-3d/mip.ply": "filter_3D",
    "07-sog-null-codebook/null-scales.sog": "scales: 1 level",
    "07-sog-null-codebook/null-sh0.sog": "sh0: 1 level",
    "10-degree-4/degree4.ply": "degree 4",
    "10-degree-4/degree4.spz": "degree 4",
    "13-geo-doubles/utm-gaussians.ply": "origin",
}
COUNTS = {
    "01": {500}, "02": {500}, "04": {500}, "05": {500}, "06": {200}, "07": {600}, "08": {500}, "09": {600}, "10": {200},
    "11": {4900, 4901}, "15": {600}, "13": {500}, "14": {100}, "18": {600}, "24": {600},
}  # fmt: skip
KINDS = (".ply", ".spz", ".sog", ".glb", ".splat", ".ksplat")
FILES = [path for path in sorted(CASES.glob("*/*")) if path.suffix in KINDS or path.is_dir()]


@pytest.fixture(autouse=True)
def cases():
    if not CASES.is_dir():
        pytest.skip("no cases in ../shared/cases")


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_file_is_read_or_refused_by_what_it_is(path, tmp_path):
    key = f"{path.parent.name}/{path.name}"
    if key in REFUSED:
        with pytest.raises(SplatError, match=REFUSED[key]) as refusal:
            convert(path, tmp_path / "out.ply")
        assert path.suffix == ".sog" or isinstance(refusal.value, UnsupportedFileError)
        return
    result = read(path)
    assert result.cloud.count in COUNTS[path.parent.name[:2]]
    assert convert(path, tmp_path / "out.ply").count == result.cloud.count
    assert any(TOLD.get(key, "") in str(loss) for loss in result.losses) or key not in TOLD


def test_every_case_is_walked():
    walked = {path.parent.name[:2] for path in FILES}
    assert walked == {folder.name[:2] for folder in CASES.iterdir() if folder.is_dir()}
    assert walked <= {*COUNTS, *(key[:2] for key in REFUSED)}


@pytest.mark.parametrize("name", ["flat.ply", "flat.splat", "flat.ksplat"])
def test_flat_gaussians_stay_as_thin_as_the_format_allows(name):
    cloud = read(CASES / "01-flat-minus-infinity" / name).cloud
    assert (cloud.log_scales.min(axis=1) < -10).all()


@pytest.mark.parametrize("key", ["spz", "compressed-ply", "sog", "ksplat"])
@pytest.mark.parametrize("name", ["far-100km", "far-1000km", "far-500000km", "vivid"])
def test_one_stray_leaves_the_others_their_precision(name, key):
    sound = read(CASES / "11-one-stray/sound.ply").cloud
    both = read(CASES / f"11-one-stray/{name}.ply").cloud
    alone = nearest(read(to_bytes(sound, key), key).cloud, sound)
    beside = nearest(read(to_bytes(both, key), key).cloud, sound)
    assert beside <= 1.5 * alone + 1e-4


def nearest(found, wanted):
    """Metres from each wanted mean to the nearest that was found, the worst but for 1 in 100."""
    return np.quantile(cKDTree(found.means).query(wanted.means)[0], 0.99)


@pytest.mark.parametrize("name", ["far-100km", "far-1000km", "far-500000km", "vivid"])
def test_one_stray_leaves_levels_as_fine_as_they_were(name):
    sound = read(CASES / "11-one-stray/sound.ply").cloud
    level = lod(read(CASES / f"11-one-stray/{name}.ply").cloud, 500)
    assert nearest(level, sound) < 2 * nearest(lod(sound, 500), sound)


def test_version_1_of_sog_is_near_its_reference():
    wanted = read(CASES / "08-sog-v1/reference.ply").cloud
    for found in (read(CASES / "08-sog-v1/v1.sog").cloud, read_sog_folder(CASES / "08-sog-v1/folder").cloud):
        np.testing.assert_allclose(found.means, wanted.means, atol=1e-3)
        np.testing.assert_allclose(found.log_scales, wanted.log_scales, atol=0.01)
        np.testing.assert_allclose(found.opacity_logits, wanted.opacity_logits, atol=0.02)
        np.testing.assert_allclose(found.sh, wanted.sh, atol=0.01)


def test_files_that_tell_their_axes_hold_the_same_cloud():
    wanted = read(CASES / "24-rub-spz/truth.ply").cloud
    told = [read(CASES / f"09-spz-tells-axes/{name}.spz").cloud for name in ("rub", "rub-v3")]
    for found in (*told, read(CASES / "24-rub-spz/rub.spz", frame="rub").cloud):
        np.testing.assert_allclose(found.means, wanted.means, atol=2e-4)
        np.testing.assert_allclose(found.sh[:, 1:], wanted.sh[:, 1:], atol=0.07)


def test_the_same_numbers_in_other_axes_stand_elsewhere():
    rub, rfu = (read(CASES / f"09-spz-tells-axes/{name}.spz").cloud.means for name in ("rub", "rfu"))
    np.testing.assert_allclose(rfu, np.stack([rub[:, 0], rub[:, 2], -rub[:, 1]], axis=1), atol=1e-6)


@pytest.mark.parametrize(("name", "degree"), [("04-scalar-prefix/cleaned.ply", 1), ("10-degree-4/degree4.ply", 3)])
def test_harmonics_are_kept_to_the_degree_that_there_is(name, degree):
    assert read(CASES / name).cloud.sh_degree == degree


def test_a_filter_is_fused_as_its_authors_do():
    names = [*"xyz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "scale_2", *"rijk", "filter_3D"]
    raw = (CASES / "05-filter-3d/mip.ply").read_bytes().partition(b"end_header\n")[2]
    rows = np.frombuffer(raw, [(name, "<f4") for name in names]).astype([(name, "f8") for name in names])
    variances = np.stack([np.exp(2 * rows[f"scale_{i}"]) for i in range(3)], axis=1)
    wider = variances + rows["filter_3D"][:, None] ** 2
    opacity = np.sqrt(variances.prod(axis=1) / wider.prod(axis=1)) / (1 + np.exp(-rows["opacity"]))
    found = read(CASES / "05-filter-3d/mip.ply").cloud
    np.testing.assert_allclose(found.log_scales, np.log(wider) / 2, atol=1e-5)
    np.testing.assert_allclose(1 / (1 + np.exp(-found.opacity_logits)), opacity, atol=1e-5)


def test_gaussians_on_a_map_keep_their_millimetres_and_their_origin(tmp_path):
    convert(CASES / "13-geo-doubles/utm-gaussians.ply", tmp_path / "out.ply")
    found = read(tmp_path / "out.ply").cloud
    raw = (CASES / "13-geo-doubles/utm-gaussians.ply").read_bytes().partition(b"end_header\n")[2]
    wanted = np.frombuffer(raw, [("place", "<f8", 3), ("rest", "<f4", 11)])["place"]
    np.testing.assert_allclose(found.means + np.array(found.marks.origin), wanted, atol=1e-3)


def test_a_photo_s_cloud_is_written_as_every_viewer_reads_it(tmp_path):
    photo, plain, inria = (read(CASES / f"18-own-ply-elsewhere/{n}.ply").cloud for n in ("photo", "plain", "inria"))
    np.testing.assert_array_equal(photo.means, plain.means)
    np.testing.assert_array_equal(photo.means, inria.means)
    convert(CASES / "18-own-ply-elsewhere/photo.ply", tmp_path / "out.ply")
    header = (tmp_path / "out.ply").read_bytes().partition(b"end_header")[0]
    assert header.count(b"element ") == 1
    assert str(read(tmp_path / "out.ply").cloud.camera) == str(photo.camera)


def test_a_mark_of_antialiased_training_reaches_the_header(tmp_path):
    convert(CASES / "06-render-mode-comment/aa.ply", tmp_path / "aa.spz")
    assert read(tmp_path / "aa.spz").cloud.marks.antialiased


def test_points_on_a_map_keep_their_millimetres():
    result = read_points(CASES / "13-geo-doubles/utm-points.ply")
    assert result.cloud.count == 500
    assert "origin" in str(result.losses[0])
    assert np.abs(result.cloud.points).max() < 8000
