"""Depth Anything 3: what goes in, what one photo gives, and weights that are the network's or are refused."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from immichvr_inference.network import Compute, View
from immichvr_media import decode_photo
from immichvr_models import registry
from immichvr_networks import NETWORKS
from immichvr_networks.depth_anything_3 import weights
from immichvr_networks.depth_anything_3.inputs import canvas_of, input_size
from PIL import Image

pytest.importorskip("depth_anything_3", reason="depth-anything-3 is not installed: make setup")

KEYS = [key for key in NETWORKS if key.startswith("da3")]
EFFORT = 1 / 9
NETWORK_PARAMETERS_M = {
    "da3-small": 34.3,
    "da3-base": 135.4,
    "da3-large": 410.9,
    "da3-giant": 1355.7,
    "da3nested-giant-large": 1689.8,
    "da3metric-large": 334.2,
    "da3mono-large": 334.2,
}

Rgb = npt.NDArray[np.uint8]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small gain nothing from a second core, and lose much where others use it."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network(key: str) -> Any:
    return NETWORKS[key]


def compute(effort: float = EFFORT, dtype: str = "float32") -> Compute:
    import torch

    return Compute(torch.device("cpu"), getattr(torch, dtype), effort)


def picture(height: int = 90, width: int = 120, seed: int = 0) -> Rgb:
    noise = np.random.default_rng(seed).integers(0, 255, (9, 12, 3), np.uint8)
    return np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))


def view(height: int = 90, width: int = 120, seed: int = 0) -> View:
    return View(picture(height, width, seed), 1.1 * width)


@pytest.mark.parametrize(
    ("photo", "expected"),
    [
        ((3000, 4000), (378, 504)),
        ((4000, 3000), (504, 378)),
        ((500, 500), (504, 504)),
        ((300, 400), (378, 504)),
        ((2160, 3840), (280, 504)),
        ((1000, 1300), (392, 504)),
        ((1, 20000), (14, 504)),
        ((9000, 3), (504, 14)),
    ],
)
def test_the_longer_side_is_504_and_both_are_multiples_of_14(photo: tuple[int, int], expected: tuple[int, int]) -> None:
    assert input_size(*photo) == expected


def test_halfway_between_two_multiples_the_larger_is_taken() -> None:
    assert input_size(385, 504) == (392, 504)


def test_less_effort_is_a_smaller_input_of_the_same_shape() -> None:
    assert input_size(3000, 4000, 0.5) == (196, 252)
    assert min(input_size(3000, 4000, 0.001)) == 14


def test_pixels_have_imagenet_statistics() -> None:
    grey = View(np.full((60, 80, 3), 128, np.uint8), 80.0)
    pixels = canvas_of([grey], 1.0).pixels
    assert pixels.shape == (1, 3, 378, 504) and pixels.dtype == np.float32
    expected = (128 / 255 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225]
    assert np.abs(pixels - expected[None, :, None, None]).max() < 1e-6


def test_a_photo_that_lies_on_its_side_stands_upright_before_the_network() -> None:
    sky_above: Rgb = np.zeros((80, 60, 3), np.uint8)
    sky_above[:40] = (0, 0, 255)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise to see it upright
    file = io.BytesIO()
    Image.fromarray(np.rot90(sky_above)).save(file, "JPEG", exif=exif, quality=95, subsampling=0)
    photo = decode_photo(file.getvalue())
    pixels = canvas_of([View(photo.rgb, photo.focal.px)], EFFORT).pixels[0]
    height, width = pixels.shape[1:]
    assert height > width
    assert pixels[2, : height // 3].min() > 1.5 and pixels[2, -height // 3 :].max() < -1.5


@pytest.mark.parametrize("key", KEYS)
def test_the_network_of_each_key_has_the_published_size(key: str) -> None:
    parameters = sum(parameter.numel() for parameter in weights.full(key).parameters())
    assert parameters / 1e6 == pytest.approx(NETWORK_PARAMETERS_M[key], abs=0.06)


@pytest.mark.parametrize("key", [key for key in KEYS if key != "da3mono-large"])
def test_the_published_file_has_room_for_exactly_the_tensors_of_the_network(key: str) -> None:
    [published] = [file.size for file in registry[key].files if file.path == weights.WEIGHTS]
    assert published == size_of_file(weights.full(key))


def size_of_file(module: Any) -> int:
    """Bytes of the safetensors file that `save_model` makes of upstream's API object with this network."""
    names: dict[int, str] = {}
    aliases, header, end = {}, {}, 0
    tensors = module.state_dict(keep_vars=True)
    for name in sorted(tensors):
        if id(tensors[name]) in names:
            aliases[f"model.{name}"] = names[id(tensors[name])]
            continue
        names[id(tensors[name])] = f"model.{name}"
        start, end = end, end + 4 * tensors[name].numel()
        shape = list(tensors[name].shape)
        header[f"model.{name}"] = {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}
    everything = ({"__metadata__": aliases} if aliases else {}) | header
    return 8 + math.ceil(len(json.dumps(everything, separators=(",", ":"))) / 8) * 8 + end


def published(module: Any, directory: Path) -> Path:
    """The files of a network as upstream publishes them."""
    import torch
    from safetensors.torch import save_model

    api = torch.nn.Module()
    api.model = module
    save_model(api, str(directory / weights.WEIGHTS))
    return directory


@pytest.fixture
def as_tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every network be loaded at the size of its tiny self."""
    monkeypatch.setattr(weights, "full", lambda key: weights.tiny(key, 99))


@pytest.mark.usefixtures("as_tiny")
@pytest.mark.parametrize("key", ["da3-small", "da3nested-giant-large", "da3metric-large"])
def test_published_weights_become_the_network(key: str, tmp_path: Path) -> None:
    original = network(key).tiny(1)
    loaded = network(key).load(published(original, tmp_path))
    ours, theirs = loaded.state_dict(), original.state_dict()
    assert list(ours) == list(theirs)
    assert all(bool((ours[name] == theirs[name]).all()) for name in theirs)
    assert not loaded.training


@pytest.mark.usefixtures("as_tiny")
def test_half_precision_weights_are_loaded_in_full_precision(tmp_path: Path) -> None:
    import torch

    loaded = network("da3-small").load(published(network("da3-small").tiny(1).half(), tmp_path))
    assert {tensor.dtype for tensor in loaded.state_dict().values()} == {torch.float32}


def without_tensors(path: Path) -> None:
    edited(path, lambda tensors: [tensors.pop(f"model.cam_dec.fc_t.{name}") for name in ("weight", "bias")])


def with_another_shape(path: Path) -> None:
    edited(path, lambda tensors: tensors.update({"model.cam_dec.fc_t.bias": np.zeros(4, np.float32)}))


def edited(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    from safetensors.numpy import load_file, save_file

    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def as_a_pickle(path: Path) -> None:
    path.write_bytes(b"\x80\x04" + bytes(100))


@pytest.mark.usefixtures("as_tiny")
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (without_tensors, r"lacks 2 of \d+ tensors, first of them cam_dec\.fc_t\.weight"),
        (with_another_shape, r"1 of \d+ tensors of another shape.*cam_dec\.fc_t\.bias: \(4,\) where \(3,\)"),
        (cut_off, "model.safetensors"),
        (as_a_pickle, "model.safetensors"),
    ],
)
def test_other_weights_are_refused_in_words(damage: Callable[[Path], None], words: str, tmp_path: Path) -> None:
    directory = published(network("da3-small").tiny(1), tmp_path)
    damage(directory / weights.WEIGHTS)
    with pytest.raises(ValueError, match=words):
        network("da3-small").load(directory)


@pytest.mark.usefixtures("as_tiny")
def test_weights_of_another_size_of_the_family_are_refused(tmp_path: Path) -> None:
    published(network("da3mono-large").tiny(1), tmp_path)
    with pytest.raises(ValueError, match="lacks"):
        network("da3-small").load(tmp_path)


@pytest.mark.usefixtures("as_tiny")
def test_absent_weights_are_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"model\.safetensors"):
        network("da3-small").load(tmp_path)


@pytest.mark.parametrize("key", ["da3-small", "da3mono-large"])
def test_relative_depth_says_that_it_is_not_metric(key: str) -> None:
    [seen] = network(key).depth(network(key).tiny(), [view()], compute())
    assert seen.metric is False


def test_a_monocular_network_gives_neither_confidence_nor_camera() -> None:
    [seen] = network("da3metric-large").depth(network("da3metric-large").tiny(), [view()], compute())
    assert seen.confidence is None and seen.camera is None


def test_metres_are_the_output_times_the_focal_length_of_the_input_over_300() -> None:
    import torch

    key = "da3metric-large"
    module, rgb = network(key).tiny(), picture(300, 400)
    [seen] = network(key).depth(module, [View(rgb, 500.0)], compute())
    canvas = canvas_of([View(rgb, 500.0)], EFFORT)  # 56 x 42 pixels of a photo of 400 x 300
    with torch.inference_mode():
        output = module(torch.from_numpy(canvas.pixels)[None]).depth[0, 0].numpy()
    assert output.shape == (42, 56)
    focal = 500 * (56 / 400 + 42 / 300) / 2
    assert seen.metric is True
    assert np.median(seen.depth) == pytest.approx(float(np.median(output)) * focal / 300, rel=1e-3)
    [longer] = network(key).depth(module, [View(rgb, 1000.0)], compute())
    assert longer.depth == pytest.approx(2 * seen.depth, rel=1e-5)


def test_the_camera_is_in_pixels_of_the_depth_map() -> None:
    module = network("da3-small").tiny()
    [small] = network("da3-small").depth(module, [view(450, 600)], compute())
    assert small.camera is not None
    assert (small.camera.cx, small.camera.cy) == (small.depth.shape[1] / 2, small.depth.shape[0] / 2)
    assert 0.5 < small.camera.fx / small.depth.shape[1] < 2  # the tiny networks see about a radian


def test_a_camera_that_no_lens_has_gives_way_to_the_photos_own() -> None:
    import torch

    module = network("da3-small").tiny()
    torch.nn.init.constant_(module.cam_dec.fc_fov[0].bias, -9.0)  # rectified to 0: no field of view at all
    photo = View(picture(300, 400), 500.0)
    [seen] = network("da3-small").depth(module, [photo], compute())
    assert seen.camera is not None
    assert seen.camera.fx / seen.camera.width == pytest.approx(500 / 400)


def test_the_same_photo_gives_the_same_depth_and_no_random_numbers_are_taken() -> None:
    import torch

    key = "da3metric-large"
    module = network(key).tiny()
    # Half of the picture is sky, whose depth is that of a random sample of the rest.
    torch.nn.init.constant_(module.head.scratch.sky_output_conv2[2].bias, 0.26)
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    photo = View(picture(400, 400), 400.0)
    one, other = (network(key).depth(module, [photo], compute(1.0))[0].depth for _ in range(2))
    assert np.array_equal(one, other)
    assert torch.equal(torch.rand(3), expected)


def test_a_nested_network_sees_depth_without_metres_where_all_is_sky() -> None:
    import torch

    key = "da3nested-giant-large"
    module = network(key).tiny()
    torch.nn.init.constant_(module.da3_metric.head.scratch.sky_output_conv2[2].bias, 9.0)
    scene = network(key).scene(module, [view()], compute(), splat=True)
    [seen] = scene.views
    assert seen.metric is False
    assert np.median(seen.depth) == pytest.approx(2.0, rel=1e-4)
    assert scene.cloud is not None and scene.cloud.count > 1000


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_layers_compute_in_the_precision_that_was_asked_for(dtype: str) -> None:
    import torch

    module, seen = network("da3-small").tiny(), set()
    for layer in module.backbone.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.register_forward_hook(lambda _layer, _inputs, output: seen.add(output.dtype))
    network("da3-small").depth(module, [view()], compute(dtype=dtype))
    assert seen == {getattr(torch, dtype)}


def test_an_output_that_is_not_finite_is_refused() -> None:
    import torch

    module = network("da3-small").tiny()
    torch.nn.init.constant_(module.cam_dec.fc_t.bias, float("nan"))
    with pytest.raises(ValueError, match="not finite"):
        network("da3-small").depth(module, [view()], compute())


def test_nothing_is_written_printed_or_imported_that_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import sys

    monkeypatch.chdir(tmp_path)
    key = "da3nested-giant-large"
    network(key).scene(network(key).tiny(), [view(seed=seed) for seed in range(3)], compute(), splat=True)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    assert not {"depth_anything_3.api", "depth_anything_3.utils.export", "evo", "e3nn"} & set(sys.modules)
