"""Small files on which readers of this kind were wrong; beside the repository, not in it."""

from pathlib import Path

import numpy as np
import pytest
from immichvr_splats import SplatError, UnsupportedFileError, convert, read, read_sog_folder
from immichvr_splats.pointclouds import read_points

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
COUNTS = {"02": 500, "04": 500, "05": 500, "06": 200, "07": 600, "08": 500, "09": 600, "10": 200, "13": 500, "14": 100}
COUNTS |= {"18": 600, "24": 600}
FILES = [path for path in sorted(CASES.glob("*/*")) if path.suffix in (".ply", ".spz", ".sog", ".glb")]


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
    if path.parent.name[:2] not in COUNTS:
        return
    result = read(path)
    assert result.cloud.count == COUNTS[path.parent.name[:2]]
    assert any(TOLD.get(key, "") in str(loss) for loss in result.losses) or key not in TOLD


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


def test_a_mark_of_antialiased_training_reaches_the_header(tmp_path):
    convert(CASES / "06-render-mode-comment/aa.ply", tmp_path / "aa.spz")
    assert read(tmp_path / "aa.spz").cloud.marks.antialiased


def test_points_on_a_map_keep_their_millimetres():
    result = read_points(CASES / "13-geo-doubles/utm-points.ply")
    assert result.cloud.count == 500
    assert "origin" in str(result.losses[0])
    assert np.abs(result.cloud.points).max() < 8000
