"""Every network of clips gives depth of the right shape, takes the registry's files, and bears half precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from immichvr_inference import Compute, DepthNetwork
from immichvr_models import registry
from immichvr_video_depth.networks import NETWORKS
from immichvr_video_depth.networks.clips import ClipNetwork
from immichvr_video_depth.testing import golden

CLIPS: dict[str, Any] = {key: network for key, network in NETWORKS.items() if isinstance(network, ClipNetwork)}
SMALL: Any = NETWORKS["vda-small"]


def compute(dtype: torch.dtype = torch.float32, effort: float = 0.25) -> Compute:
    return Compute(torch.device("cpu"), dtype, effort)


def test_every_model_of_videos_that_is_not_built_in_has_a_network_of_its_kind() -> None:
    rows = [model for model in registry.making("video-depth") if not model.built_in]
    assert set(CLIPS) == {model.key for model in rows}
    assert all(CLIPS[model.key].metric == model.metric and model.service == "video-depth" for model in rows)


def prepared(count: int, height: int, width: int) -> list[Any]:
    return [SMALL.prepared(frame) for frame in golden.clip(count, height, width)]


def test_networks_of_pictures_are_there_too() -> None:
    pictures = {model.key for model in registry.making("depth") if not model.built_in}
    assert pictures <= {key for key, network in NETWORKS.items() if isinstance(network, DepthNetwork)}


@pytest.mark.parametrize(("height", "width"), [(90, 160), (160, 90), (40, 200)])
@pytest.mark.parametrize("frames", [1, 3])
def test_depth_of_a_clip_has_its_frames_in_the_shape_of_the_picture(frames: int, height: int, width: int) -> None:
    depth = SMALL.clip_depth(SMALL.tiny(3), prepared(frames, height, width), compute())
    assert depth.dtype == np.float32 and len(depth) == frames
    assert depth.shape[2] / depth.shape[1] == pytest.approx(width / height, rel=0.15)
    assert np.isfinite(depth).all() and depth.min() >= 0
    assert depth.std() > 1e-3


def test_frames_see_each_other() -> None:
    module, frames = SMALL.tiny(3), prepared(4, 90, 160)
    together = SMALL.clip_depth(module, frames, compute())
    alone = SMALL.clip_depth(module, frames[:1], compute())
    assert np.abs(together[0] - alone[0]).max() > 1e-3


def test_the_same_seed_makes_the_same_network() -> None:
    ours, theirs = SMALL.tiny(3).state_dict(), SMALL.tiny(3).state_dict()
    assert all(bool((one == theirs[name]).all()) for name, one in ours.items())


@pytest.mark.parametrize(("dtype", "most", "mean"), [(torch.bfloat16, 0.3, 0.03), (torch.float16, 0.03, 0.003)])
def test_half_precision_changes_depth_by_little(
    vits: Any, vectors: Path, dtype: torch.dtype, most: float, mean: float
) -> None:
    data = np.load(vectors / "forward_small_all_encoders.npz")
    with compute(dtype).autocast():
        ours = np.asarray(vits(torch.from_numpy(golden.plain(golden.clip(5, 42, 56)))))
    difference = np.abs(ours - data["depth_vits"])
    assert difference.max() <= most and difference.mean() <= mean


class TestFiles:
    @pytest.fixture
    def tensors(self) -> dict[str, torch.Tensor]:
        tensors: dict[str, torch.Tensor] = SMALL.tiny(3).state_dict()
        return tensors

    @pytest.fixture
    def load(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        """Writes what is given as the model's file, and loads it as the tiny network."""
        from immichvr_video_depth.networks.video_depth_anything import weights
        from immichvr_video_depth.networks.video_depth_anything.shapes import TINY

        def load(content: object) -> Any:
            torch.save(content, tmp_path / "video_depth_anything_vits.pth")
            return weights.loaded(TINY, tmp_path)

        return load

    def test_a_file_gives_back_the_network_that_was_written(self, load: Any, tensors: dict[str, torch.Tensor]) -> None:
        frames = prepared(2, 60, 80)
        assert np.array_equal(
            SMALL.clip_depth(load(tensors), frames, compute()), SMALL.clip_depth(SMALL.tiny(3), frames, compute())
        )

    def test_what_no_pass_reads_may_be_absent(self, load: Any, tensors: dict[str, torch.Tensor]) -> None:
        del tensors["pretrained.mask_token"]
        load(tensors)

    def test_a_tensor_too_few_or_of_another_shape_is_named(self, load: Any, tensors: dict[str, torch.Tensor]) -> None:
        other = {**tensors, "pretrained.norm.weight": torch.ones(3)}
        with pytest.raises(ValueError, match=r"pretrained.norm.weight is \(3,\), wants \(64,\)"):
            load(other)
        del tensors["pretrained.norm.weight"]
        with pytest.raises(ValueError, match=r"lack 1 of \d+ tensors, first of them pretrained.norm.weight"):
            load(tensors)

    def test_a_file_that_would_run_code_runs_none(self, load: Any, tmp_path: Path) -> None:
        class Evil:
            def __reduce__(self) -> tuple[Any, ...]:
                return (Path.touch, (tmp_path / "ran",))

        with pytest.raises(ValueError, match="more than tensors"):
            load({"pretrained.norm.weight": Evil()})
        assert not (tmp_path / "ran").exists()

    def test_what_is_no_table_of_tensors_is_refused(self, load: Any) -> None:
        with pytest.raises(ValueError, match="not a table of tensors"):
            load([torch.ones(3)])

    def test_a_directory_without_the_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"one .pth file is wanted, not 0"):
            SMALL.load(tmp_path)
