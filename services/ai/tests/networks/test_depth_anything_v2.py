"""Depth Anything V2 gets the input its authors meant, and its output becomes depth by stated assumptions."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import skimage
from immichvr_ai.depth.by_network import network_depth
from immichvr_inference.context import RunContext
from immichvr_inference.errors import ModelUnavailable
from immichvr_media import Photo
from immichvr_models import Cache
from immichvr_networks.depth_anything_v2 import LONGEST_SIDE, prepare
from immichvr_networks.disparity import NEAR_TO_FAR, depth_of

MakePhoto = Callable[..., Photo]
On = Callable[..., RunContext]


def motorcycle() -> np.ndarray:
    return skimage.io.imread(skimage.data.__path__[0] + "/motorcycle_left.png")[..., :3]


def upstream_processor() -> object:
    from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

    return DPTImageProcessorPil(
        size={"height": 518, "width": 518},
        keep_aspect_ratio=True,
        ensure_multiple_of=14,
        resample=3,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    )


def test_the_input_is_the_one_upstream_prepares() -> None:
    rgb = np.ascontiguousarray(np.tile(motorcycle(), (2, 2, 1)))
    theirs = upstream_processor()(images=rgb, return_tensors="np")["pixel_values"]  # type: ignore[operator]
    assert np.abs(prepare(rgb) - theirs).max() < 1e-5


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(3000, 4000, (518, 686)), (4000, 3000, (686, 518)), (518, 518, (518, 518)), (100, 50, (1036, 518))],
)
def test_the_shorter_side_is_518(height: int, width: int, expected: tuple[int, int]) -> None:
    assert prepare(np.zeros((height, width, 3), np.uint8)).shape[2:] == expected


@pytest.mark.parametrize(("height", "width"), [(1, 20000), (500, 12000), (1, 1), (9000, 3)])
def test_no_shape_makes_the_input_empty_or_huge(height: int, width: int) -> None:
    size = prepare(np.zeros((height, width, 3), np.uint8)).shape[2:]
    assert min(size) >= 14
    assert max(size) <= LONGEST_SIDE
    assert all(side % 14 == 0 for side in size)


def test_more_disparity_is_nearer_and_none_is_the_far_end() -> None:
    disparity = np.repeat(np.linspace(0.0, 8.0, 80, dtype=np.float32)[:, None], 60, axis=1)
    depth = depth_of(disparity, 800, 600)
    assert depth.shape == (80, 60)
    assert np.median(depth) == pytest.approx(2.0)
    assert np.all(np.diff(depth[:, 0]) < 0)
    assert depth[0, 0] / np.percentile(depth, 2) == pytest.approx(NEAR_TO_FAR, rel=0.02)


def test_halving_the_disparity_doubles_the_depth_away_from_the_far_end() -> None:
    disparity = np.full((40, 40), 4.0, np.float32)
    disparity[:20] = 2.0
    depth = depth_of(disparity, 40, 40)
    assert depth[0, 0] / depth[-1, 0] == pytest.approx(2.0, rel=0.06)


def test_a_flat_output_is_a_flat_scene() -> None:
    assert np.array_equal(depth_of(np.zeros((14, 28), np.float32), 100, 200), np.full((14, 28), 2.0))


def test_the_result_is_what_upstream_computes(photo: MakePhoto, on: On, cache: Cache, tiny_weights: Path) -> None:
    import torch
    from transformers import DepthAnythingForDepthEstimation

    picture = photo(600, 700)
    ours = network_depth(picture, "da2-small", on(cache))
    processor = upstream_processor()
    inputs = processor(images=picture.rgb, return_tensors="pt")  # type: ignore[operator]
    with torch.inference_mode():
        output = DepthAnythingForDepthEstimation.from_pretrained(tiny_weights).eval()(**inputs)
    theirs = output.predicted_depth[0].numpy()
    expected = depth_of(theirs, 600, 700)
    assert theirs.std() > 0
    assert ours.depth.shape == expected.shape
    assert np.abs(ours.depth - expected).max() < 1e-4
    height, width = ours.depth.shape
    assert width / height == pytest.approx(700 / 600, rel=0.01)


def without_a_tensor(directory: Path) -> None:
    from safetensors.numpy import load_file, save_file

    tensors = load_file(directory / "model.safetensors")
    del tensors["head.conv3.weight"]
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})


def with_another_shape(directory: Path) -> None:
    from safetensors.numpy import load_file, save_file

    tensors = load_file(directory / "model.safetensors")
    tensors["head.conv3.weight"] = np.zeros((1, 3, 1, 1), np.float32)
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})


def as_a_pickle(directory: Path) -> None:
    (directory / "model.safetensors").rename(directory / "pytorch_model.bin")


def cut_off(directory: Path) -> None:
    whole = (directory / "model.safetensors").read_bytes()
    (directory / "model.safetensors").write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize("damage", [without_a_tensor, with_another_shape, as_a_pickle, cut_off])
def test_weights_that_do_not_fit_are_refused(
    photo: MakePhoto, on: On, cache: Cache, tiny_weights: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    directory = tmp_path / "damaged"
    shutil.copytree(tiny_weights, directory)
    damage(directory)

    class Damaged(Cache):
        def ensure(self, *_: object, **__: object) -> Path:
            return directory

    with pytest.raises(ModelUnavailable) as caught:
        network_depth(photo(), "da2-small", on(Damaged(cache.root, cache.settings, cache.registry)))
    assert caught.value.code == "invalid_weights"
