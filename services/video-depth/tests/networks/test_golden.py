"""The network gives what the published one gives, part by part, with weights and clips by formula.

Tolerances are those of the data's README: in single precision 5e-4 at most and 5e-5 on average, of values that vary
by 1.2.
"""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from immichvr_video_depth.networks.video_depth_anything.network import VideoDepthAnything
from immichvr_video_depth.networks.video_depth_anything.pixels import network_size, prepared
from immichvr_video_depth.testing import golden
from torch import Tensor

Array = npt.NDArray[Any]
UNUSED = "head.scratch.refinenet4.resConfUnit1."


def assert_close(ours: Array, theirs: Array, most: float = 5e-4, mean: float = 5e-5) -> None:
    difference = np.abs(ours - theirs)
    assert ours.shape == theirs.shape
    assert difference.max() <= most
    assert difference.mean() <= mean


def run(network: Any, frames: Array) -> Array:
    return np.asarray(network(torch.from_numpy(golden.plain(frames))))


def sample(tensor: Tensor) -> Array:
    """64 values spread over a tensor, as the data have them."""
    flat = tensor.reshape(-1)
    return np.asarray(flat[[(k * flat.numel()) // 64 for k in range(64)]])


@contextmanager
def watched(network: Any, *names: str) -> Iterator[Callable[[str], Tensor]]:
    """What these parts of the network put out; what is computed in groups of frames is joined."""
    seen: dict[str, list[Tensor]] = defaultdict(list)
    hooks = [
        network.get_submodule(name).register_forward_hook(lambda _, __, out, name=name: seen[name].append(out))
        for name in names
    ]
    yield lambda name: torch.cat(seen[name])
    for hook in hooks:
        hook.remove()


def taps_of(network: Any, normed: Tensor) -> tuple[Tensor, ...]:
    """The four taps with their class token: the outputs of the one norm that they share."""
    return normed.chunk(len(network.pretrained.taps))


@pytest.mark.parametrize("encoder", list(golden.SHAPES))
def test_the_tensors_are_named_shaped_and_ordered_as_in_published_files(encoder: str, vectors: Path) -> None:
    published = json.loads((vectors / f"state_dict_{encoder}.json").read_text())
    with torch.device("meta"):
        network = VideoDepthAnything(golden.SHAPES[encoder])
    tensors: dict[str, Tensor] = network.state_dict()
    ours = [[name, list(one.shape), str(one.dtype).removeprefix("torch.")] for name, one in tensors.items()]
    assert ours == published["entries"]
    assert [name for name, _ in network.named_buffers()] == published["buffers"]
    assert sum(one.numel() for one in network.parameters()) == published["n_parameters"]


def assert_weights_are_those_of_the_data(network: Any, encoder: str, vectors: Path) -> None:
    published = json.loads((vectors / "weights_crc32.json").read_text())[encoder]
    ours = {name: zlib.crc32(np.asarray(one.detach(), "<f4")) for name, one in network.named_parameters()}
    assert ours == published


def test_a_clip_of_32_frames(vits: Any, vectors: Path) -> None:
    data = np.load(vectors / "forward_vits_70x98.npz")
    frames = golden.clip(32, 70, 98)
    assert np.array_equal(golden.plain(frames)[0, 0], data["input_frame0"])
    assert_close(run(vits, frames), data["depth"])


def test_every_part_on_the_way(vits: Any, vectors: Path) -> None:
    rows = json.loads((vectors / "intermediates_vits.json").read_text())["rows"]
    data = np.load(vectors / "intermediates_vits.npz")
    parts = [row[0] for row in rows if row[0].startswith(("pretrained.", "head"))]
    names = [*parts, "pretrained.norm"]
    entered: list[Tensor] = []
    hook = vits.pretrained.blocks[0].register_forward_pre_hook(lambda _, args: entered.append(args[0]))
    with watched(vits, *names) as output:
        depth = vits(torch.from_numpy(golden.plain(golden.clip(32, 70, 98))))
    hook.remove()
    taps = taps_of(vits, output("pretrained.norm"))
    made = {
        **{name: output(name) for name in parts},
        "tokens_after_pos_embed": entered[0],
        "final_depth": depth,
        **{row[0]: taps[int(row[0][len("dino_tap")])] for row in rows if row[0].startswith("dino_tap")},
        **{row[0]: _positions(vits, row[0]) for row in rows if row[0].startswith("posembed/")},
    }
    assert set(made) == {row[0] for row in rows}
    for name, shape, mean, deviation, least, most in rows:
        tensor = made[name]
        if name == "head.resize_layers.2":
            tensor = made["head.projects.2"]
        near = 1e-5 if name.startswith("posembed/") else 1e-4 + 1e-4 * deviation
        assert list(tensor.shape) == shape, name
        assert np.abs(sample(tensor) - data[name.replace("/", "__")]).max() <= near, name
        told = (tensor.mean(), tensor.std(correction=0), tensor.min(), tensor.max())
        assert np.abs(np.array(told) - (mean, deviation, least, most)).max() <= 5e-4, name
    _assert_slices(data, taps, made)


def _positions(network: Any, name: str) -> Tensor:
    height, width = (int(side) for side in name.removeprefix("posembed/").split("x"))
    tensor: Tensor = network.pretrained.positions(height // 14, width // 14)
    return tensor


def _assert_slices(data: Any, taps: tuple[Tensor, ...], made: dict[str, Tensor]) -> None:
    slices = {
        "slice__dino_tap3_frames0_31_tokens0-3_ch0-7": taps[3][[0, 31], :4, :8],
        "slice__dino_tap0_frames0_31_tokens0-3_ch0-7": taps[0][[0, 31], :4, :8],
        "slice__motion0_ch0-7_allframes_y2_x3": made["head.motion_modules.0"][0, :8, :, 2, 3],
        "slice__motion3_ch0-7_allframes_y4_x6": made["head.motion_modules.3"][0, :8, :, 4, 6],
    }
    assert set(slices) == {name for name in data.files if name.startswith("slice__")}
    for name, ours in slices.items():
        assert_close(np.asarray(ours), data[name])


def test_the_encoding_of_places_in_the_window(vits: Any, vectors: Path) -> None:
    data = np.load(vectors / "intermediates_vits.npz")
    buffers = {one.shape[2]: one for _, one in vits.named_buffers()}
    assert np.abs(np.asarray(buffers[64][0]) - data["pe_buffer_64"]).max() <= 5e-6
    for width in (192, 384):
        assert np.abs(sample(buffers[width]) - data[f"pe_buffer_{width}_sample"]).max() <= 5e-6


# The large one by its values takes ten seconds; its tensors' names and shapes are held above.
@pytest.mark.parametrize("encoder", ["vits", "vitb", pytest.param("vitl", marks=pytest.mark.long)])
def test_every_size_of_the_network(encoder: str, vits: Any, vectors: Path) -> None:
    network: Any = vits if encoder == "vits" else golden.network(encoder)
    assert_weights_are_those_of_the_data(network, encoder, vectors)
    data = np.load(vectors / "forward_small_all_encoders.npz")
    names = ("pretrained.norm", "head.scratch.output_conv2.2")
    with watched(network, *names) as output:
        assert_close(run(network, golden.clip(5, 42, 56)), data[f"depth_{encoder}"])
    assert_close(np.asarray(output(names[1])).transpose(1, 0, 2, 3), data[f"prerelu_{encoder}"])
    for index, tap in enumerate(taps_of(network, output(names[0]))):
        assert np.abs(sample(tap) - data[f"tap{index}_sample_{encoder}"]).max() <= 2e-4


def test_the_epsilons_of_all_norms(vectors: Path) -> None:
    data = np.load(vectors / "forward_eps_vits.npz")
    network: Any = golden.network("vits", small_norms=True)
    motions = [f"head.motion_modules.{index}" for index in range(4)]
    with watched(network, "pretrained.norm", "head.scratch.output_conv2.2", *motions) as output:
        assert_close(run(network, golden.clip(5, 42, 56)), data["depth"], 1e-4)
    assert_close(np.asarray(output("head.scratch.output_conv2.2")).transpose(1, 0, 2, 3), data["prerelu"], 1e-4)
    for index, tap in enumerate(taps_of(network, output("pretrained.norm"))):
        assert np.abs(sample(tap) - data[f"tap{index}_sample"]).max() <= 1e-4
    for index, name in enumerate(motions):
        assert np.abs(sample(output(name)) - data[f"motion{index}_sample"]).max() <= 1e-4


def test_frames_are_prepared_as_upstream_prepares_them(vectors: Path) -> None:
    data = np.load(vectors / "preprocess.npz")
    frames = golden.clip(60, 90, 124)
    assert np.array_equal(frames.sum((1, 2, 3), dtype=np.int64), data["clip_sums"])
    for sums, size in (("clip32_70x98_sums", (32, 70, 98)), ("clip5_42x56_sums", (5, 42, 56))):
        assert np.array_equal(golden.clip(*size).sum((1, 2, 3), dtype=np.int64), data[sums])
    assert np.array_equal(frames[0], data["clip_frame0"])
    for name, shorter, step in (("frame0_size84", 84, 1), ("frame0_size140_every3", 140, 3), ("frame0_size42", 42, 1)):
        ours = prepared(frames[:1], network_size(90, 124, shorter))[0, 0]
        assert np.abs(ours[:, ::step, ::step] - data[name]).max() <= 1e-4


def test_the_input_has_the_size_that_upstream_gives_it(vectors: Path) -> None:
    rows = json.loads((vectors / "resize_table.json").read_text())["rows"]
    ours = [[*network_size(height, width, shorter)] for height, width, shorter, *_ in rows]
    assert ours == [row[-2:] for row in rows]
