"""What happens around SHARP's network. Upstream's own code runs in tests/upstream, where it is installed."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from immichvr_inference.device import precision_of
from immichvr_inference.network import Compute, SplatNetwork, View
from immichvr_inference.settings import RuntimeSettings
from immichvr_media import decode_photo
from immichvr_networks import NETWORKS
from immichvr_networks.sharp import Sharp, upstream
from immichvr_networks.sharp.network import prepared
from immichvr_networks.sharp.packing import encoded_srgb, opacity_logits, to_cloud
from immichvr_networks.sharp.precision import reduced
from immichvr_networks.sharp.unprojection import disparity_factor, photo_camera, unprojected
from immichvr_splats import SH_C0, read, to_bytes
from PIL import Image

CPU = torch.device("cpu")
SINGLE = Compute(CPU, torch.float32)
SIDE = 8


class Gaussians(NamedTuple):
    mean_vectors: torch.Tensor
    singular_values: torch.Tensor
    quaternions: torch.Tensor
    colors: torch.Tensor
    opacities: torch.Tensor


class Plane(torch.nn.Module):
    """Stands where the network would: a Gaussian for each pixel, of its colour, on a plane at the disparity 1/2."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def internal_resolution(self) -> int:
        return SIDE

    def forward(self, image: torch.Tensor, disparity_factor: torch.Tensor) -> Gaussians:
        count, _, height, width = image.shape
        self.batches.append(count)
        y, x = torch.meshgrid(*[(torch.arange(n) + 0.5) * 2 / n - 1 for n in (height, width)], indexing="ij")
        z = (disparity_factor / 0.5).reshape(-1, 1, 1).expand(count, height, width)
        means = torch.stack([x * z, y * z, z], dim=-1).reshape(count, -1, 3)
        return Gaussians(
            mean_vectors=means,
            singular_values=means[..., 2:] * torch.tensor([1.0, 1.0, 0.1]) / SIDE,
            quaternions=torch.tensor([1.0, 0, 0, 0]).expand(*means.shape[:2], 4),
            colors=image.flatten(2).mT,
            opacities=torch.full(means.shape[:2], 0.5),
        )


def _view(width: int, height: int, focal_px: float, value: int = 128) -> View:
    return View(np.full((height, width, 3), value, np.uint8), focal_px)


def _cloud_of(view: View, module: torch.nn.Module | None = None):
    return Sharp().splats(module or Plane(), [view], SINGLE)[0]


def test_the_registry_key_leads_to_it() -> None:
    assert isinstance(NETWORKS["sharp"], Sharp)
    assert isinstance(Sharp(), SplatNetwork)
    assert Sharp().metric


def test_it_runs_in_bfloat16_only_where_a_setting_says_so() -> None:
    cuda = torch.device("cuda")
    wanted = {"auto": torch.float32, "float32": torch.float32, "bfloat16": torch.bfloat16}
    for precision, dtype in wanted.items():
        settings = RuntimeSettings.model_validate({"precision": precision})
        assert precision_of(settings, Sharp(), cuda) == dtype


@pytest.mark.parametrize(("width", "height"), [(640, 480), (480, 640), (300, 300)])
def test_gaussians_project_back_to_their_pixels(width: int, height: int) -> None:
    """A mean at (x, y) of normalised space is seen by the photo's camera at that share of its width and height."""
    cloud = _cloud_of(_view(width, height, 500.0))
    camera = cloud.camera
    assert camera is not None
    u = camera.fx * cloud.means[:, 0] / cloud.means[:, 2] + camera.cx
    v = camera.fy * cloud.means[:, 1] / cloud.means[:, 2] + camera.cy
    across = (np.arange(SIDE) + 0.5) / SIDE
    assert np.allclose(u.reshape(SIDE, SIDE), across * width, rtol=1e-5)
    assert np.allclose(v.reshape(SIDE, SIDE), across[:, None] * height, rtol=1e-5)


def test_depth_grows_with_the_focal_length() -> None:
    near, far = (_cloud_of(_view(640, 480, focal)).means[:, 2] for focal in (400.0, 800.0))
    assert near[0] == pytest.approx(2 * 400 / 640)
    assert np.allclose(far, 2 * near)


def test_a_gaussian_covers_the_same_pixels_in_every_photo() -> None:
    """Scales of normalised space are stretched by the shape of the photo, not by its focal length."""
    for width, height, focal in [(640, 480, 500.0), (640, 480, 1500.0), (480, 640, 700.0)]:
        cloud = _cloud_of(_view(width, height, focal))
        rendered = np.exp(cloud.log_scales) * focal / cloud.means[:, 2:]
        expected = sorted([width / 2 / SIDE, height / 2 / SIDE, 0.1 * focal / SIDE])
        assert np.allclose(np.sort(rendered, axis=1), expected, rtol=1e-5)


def test_the_focal_length_of_the_photos_exif_sets_the_scale(tmp_path: Path) -> None:
    depths = []
    for focal_35mm in (24, 48):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0xA405] = focal_35mm
        Image.new("RGB", (64, 48)).save(tmp_path / "photo.jpg", exif=exif)
        photo = decode_photo(tmp_path / "photo.jpg")
        depths.append(_cloud_of(View(photo.rgb, photo.focal.px)).means[0, 2])
    assert depths[1] == pytest.approx(2 * depths[0])
    assert depths[0] == pytest.approx(2 * 24 / np.hypot(36, 24) * np.hypot(64, 48) / 64)


def test_colours_are_encoded_for_viewers() -> None:
    """The network's colours are linear; 0.5 of linear light is 0.7354 in sRGB (IEC 61966-2-1)."""
    cloud = _cloud_of(View(np.full((4, 4, 3), 255, np.uint8), 10.0))
    assert np.allclose(0.5 + SH_C0 * cloud.sh, 1.0, atol=1e-6)
    assert encoded_srgb(torch.tensor([0.0, 0.001, 0.5, 1.0])).tolist() == pytest.approx(
        [0, 0.01292, 0.7354, 1], abs=1e-4
    )
    assert cloud.color_space == "srgb"


def test_opacities_of_zero_and_one_have_finite_logits() -> None:
    assert opacity_logits(torch.tensor([0.0, 0.5, 1.0])).tolist() == [-20, 0, 20]
    logits = torch.tensor([-9.0, -1.0, 3.0])
    assert torch.allclose(opacity_logits(torch.sigmoid(logits)), logits, atol=1e-5)


def test_the_cloud_survives_its_file() -> None:
    cloud = _cloud_of(_view(640, 480, 500.0))
    again = read(to_bytes(cloud, "ply", layout="sharp"), "ply").cloud
    assert np.allclose(again.means, cloud.means) and np.allclose(again.log_scales, cloud.log_scales)
    assert again.camera is not None and (again.camera.width, again.camera.fx) == (640, 500.0)


def test_degenerate_gaussians_make_a_sound_cloud() -> None:
    camera = photo_camera(640, 480, 500.0)
    zeros = torch.zeros(3, 3)
    cloud = to_cloud(zeros, zeros, torch.zeros(3, 4), torch.ones(3, 3), torch.tensor([0.0, 1.0, 0.5]), camera)
    for field in (cloud.means, cloud.log_scales, cloud.quaternions, cloud.opacity_logits, cloud.sh):
        assert np.isfinite(field).all()


def test_half_precision_from_the_network_becomes_single_before_the_geometry() -> None:
    camera = photo_camera(640, 480, 500.0)
    whole = [torch.rand(50, 3) + 1, torch.rand(50, 3) + 0.1, torch.randn(50, 4), torch.rand(50, 3), torch.rand(50)]
    halves = [tensor.bfloat16() for tensor in whole]
    exact = to_cloud(*(tensor.float() for tensor in halves), camera)
    assert np.array_equal(to_cloud(*halves, camera).means, exact.means)


def test_a_batch_gives_what_its_photos_give_alone() -> None:
    views = [_view(640, 480, 500.0, 10), _view(480, 640, 300.0, 200), _view(99, 33, 70.0, 90)]
    together = Sharp().splats(Plane(), views, SINGLE)
    for view, cloud in zip(views, together, strict=True):
        alone = _cloud_of(view)
        assert np.array_equal(cloud.means, alone.means) and np.array_equal(cloud.sh, alone.sh)
        assert np.array_equal(cloud.log_scales, alone.log_scales)


def test_on_a_cpu_photos_go_through_one_at_a_time() -> None:
    module = Plane()
    Sharp().splats(module, [_view(64, 48, 50.0)] * 3, SINGLE)
    assert module.batches == [1, 1, 1]


def test_photos_are_stretched_to_a_square_corner_to_corner() -> None:
    rgb = np.zeros((2, 3, 3), np.uint8)
    rgb[0, 0], rgb[1, 2] = 255, 51
    pixels = prepared(rgb, 9, CPU)
    assert pixels.shape == (1, 3, 9, 9)
    assert pixels[0, :, 0, 0].tolist() == [1, 1, 1] and pixels[0, 0, 8, 8] == pytest.approx(0.2)
    assert pixels[0, 0, 0, 2] == pytest.approx(0.5)


def test_the_smallest_photo_works() -> None:
    cloud = _cloud_of(_view(1, 1, 1.0))
    assert cloud.count == SIDE * SIDE and np.isfinite(cloud.means).all()


def test_disparity_is_in_widths_of_the_photo() -> None:
    assert disparity_factor(640, 500.0) == 500 / 640


def test_unprojecting_keeps_the_precision_it_is_given() -> None:
    means = torch.rand(10, 3, dtype=torch.float64)
    metric, scales, quaternions = unprojected(means, means, torch.randn(10, 4), photo_camera(200, 100, 50.0))
    assert torch.allclose(metric, means * torch.tensor([2.0, 1.0, 1.0], dtype=torch.float64))
    assert scales.dtype == torch.float64 and quaternions.dtype == torch.float32


class Parts(torch.nn.Module):
    """The parts that may run in fewer bits, where upstream's network has them."""

    def __init__(self) -> None:
        super().__init__()
        self.monodepth_model = torch.nn.Module()
        self.monodepth_model.monodepth_predictor = torch.nn.Module()
        self.monodepth_model.monodepth_predictor.encoder = torch.nn.Linear(4, 4)
        self.monodepth_model.monodepth_predictor.decoder = torch.nn.Linear(4, 4)
        self.feature_model = torch.nn.Linear(4, 4)


def test_fewer_bits_are_for_the_inside_of_the_parts_alone() -> None:
    module = Parts()
    encoder = module.monodepth_model.monodepth_predictor.encoder
    given = torch.randn(64, 4)
    exact = encoder(given)
    with reduced(module, Compute(CPU, torch.bfloat16)):
        rough = encoder(given)
    assert rough.dtype == torch.float32 and not torch.equal(rough, exact)
    assert torch.equal(encoder(given), exact), "the module is as it was"


def _weights(directory: Path, content: object) -> Path:
    torch.save(content, directory / upstream.WEIGHTS)
    return directory


def test_without_upstreams_code_it_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sharp", None)
    with pytest.raises(ModuleNotFoundError, match=r"immichvr-networks\[sharp\]"):
        Sharp().load(_weights(tmp_path, Parts().state_dict()))
    with pytest.raises(ModuleNotFoundError, match=r"sharp on PyPI is another project"):
        Sharp().tiny()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("feature_model.bias"), "feature_model.bias is missing"),
        (lambda state: state.update(extra=torch.zeros(1)), "extra is not part of the network"),
        (
            lambda state: state.update({"feature_model.bias": torch.zeros(5)}),
            r"feature_model.bias is \(5,\), wants \(4,\)",
        ),
    ],
)
def test_weights_of_another_shape_are_named(tmp_path: Path, change, message: str) -> None:
    state = Parts().state_dict()
    change(state)
    path = _weights(tmp_path, state) / upstream.WEIGHTS
    with pytest.raises(ValueError, match=message):
        upstream.with_weights(Parts(), upstream.read_weights(path), path.name)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04" + bytes(100)])
def test_files_that_are_no_weights_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / upstream.WEIGHTS).write_bytes(content)
    with pytest.raises(ValueError, match=r"sharp_2572gikvuh\.pt is no file of weights"):
        upstream.read_weights(tmp_path / upstream.WEIGHTS)


class Callout:
    """What a hostile checkpoint would hold."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("pwned"),)


def test_a_checkpoint_runs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="is no file of weights"):
        upstream.read_weights(_weights(tmp_path, Callout()) / upstream.WEIGHTS)
    assert not (tmp_path / "pwned").exists()


def test_other_things_than_tensors_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="something else than tensors by name"):
        upstream.read_weights(_weights(tmp_path, {"epoch": 3}) / upstream.WEIGHTS)


def test_weights_that_fit_are_taken_as_they_are(tmp_path: Path) -> None:
    trained = Parts()
    path = _weights(tmp_path, trained.state_dict()) / upstream.WEIGHTS
    module = upstream.with_weights(Parts(), upstream.read_weights(path), path.name)
    assert torch.equal(module.feature_model.weight, trained.feature_model.weight)
    assert not module.training and not any(one.requires_grad for one in module.parameters())
