"""The registry is complete, consistent and safe to build paths from."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import pytest
from immichvr_models import (
    LIFT,
    CacheSettings,
    Licence,
    Model,
    ModelFile,
    Registry,
    UnknownModel,
    registry,
)
from immichvr_models.model import Chosen
from pydantic import ValidationError

ROWS = json.loads((files("immichvr_models") / "registry.json").read_text("utf-8"))


def test_depth_anything_small_is_fetched_from_the_hub_at_a_pinned_revision() -> None:
    model = registry["da2-small"]
    assert [file.path for file in model.files] == [
        "config.json",
        "preprocessor_config.json",
        "model.safetensors",
    ]
    assert model.url(model.files[2], "https://mirror.test/") == (
        f"https://mirror.test/depth-anything/Depth-Anything-V2-Small-hf/resolve/{model.revision}/model.safetensors"
    )
    assert len(model.revision) == 40
    assert model.licence.permissive
    assert model.size is not None
    assert model.size < 200_000_000


def test_every_model_of_a_depth_gives_a_lifted_splat() -> None:
    keys = [key for model in registry.making("depth") for key in model.splat_keys]
    assert {f"lift-{model.key}" for model in registry.making("depth")} <= set(keys)
    assert registry["sharp"].splat_keys == ("sharp",)
    assert registry["da3-giant"].splat_keys == ("da3-giant", "lift-da3-giant")


def test_what_is_not_permissive_is_not_for_commerce_and_the_other_way_round() -> None:
    # Open RAIL++-M is for commerce too, but not for every purpose.
    restricted = {"sd2-inpainting"}
    assert all(model.commercial_use == (model.licence.permissive or model.key in restricted) for model in registry)


@pytest.mark.parametrize("model", [model for model in registry if not model.built_in], ids=lambda model: model.key)
def test_every_model_with_weights_is_pinned_and_says_what_it_needs(model: Model) -> None:
    assert model.licence.url.startswith("https://")
    assert model.through or model.service != "ai", "who wrote the code, where it is not ours"
    assert model.requires
    if model.repo is not None:
        assert len(model.revision) == 40, "a commit of the hub, not a branch"
    for file in model.files:
        assert (file.sha256 is None) or len(file.sha256) == 64
    assert model.weights_mb is not None
    if model.size is not None:  # single precision, so that the file and the count vouch for each other
        assert model.size == pytest.approx(1e6 * model.weights_mb, rel=2e-3)


def test_the_small_network_of_videos_is_fetched_by_itself_and_the_others_only_when_asked_for() -> None:
    assert [model.key for model in registry.making("video-depth") if model.auto == "fetched"] == ["vda-small"]
    assert registry.preferred("video-depth")[-2:] == ("depth-per-frame", "heuristic")


def test_only_views_of_one_scene_give_poses() -> None:
    for model in registry:
        assert ("poses" in model.makes) == model.several_views, model.key


def test_what_is_missing_is_found_without_importing_it() -> None:
    model = registry["da2-small"].model_copy(update={"requires": ("pytest", "no-such-distribution-here")})
    assert model.missing == ("no-such-distribution-here",)
    assert registry["heuristic"].missing == ()


def test_models_without_files_are_built_in() -> None:
    assert [model.key for model in registry if model.built_in] == ["embedded", "depth-per-frame", "heuristic"]


def test_an_unknown_key_names_the_known_ones() -> None:
    with pytest.raises(UnknownModel, match=r"'midas'.*embedded, da2-small.*heuristic"):
        registry["midas"]


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a//b", "", ".hidden", "a\\b", "a/../../b"])
def test_a_file_path_cannot_leave_the_model_directory(path: str) -> None:
    with pytest.raises(ValidationError):
        ModelFile(path=path)


@pytest.mark.parametrize("repo", ["../..", "owner/..", "./name", "owner/name/more", "/name"])
def test_a_repo_is_no_way_out_of_the_local_directory(repo: str) -> None:
    row = registry["da2-small"].model_dump(mode="json")
    with pytest.raises(ValidationError, match="repo"):
        Model.model_validate({**row, "repo": repo})


def test_a_file_elsewhere_needs_an_address() -> None:
    licence = Licence(name="x", url="http://x.test", permissive=False)
    row = {
        "key": "sharp",
        "name": "SHARP",
        "makes": ("splat",),
        "inputs": "one photo",
        "revision": "1",
        "licence": licence,
        "commercial_use": False,
    }
    with pytest.raises(ValidationError, match="no url"):
        Model.model_validate({**row, "files": [{"path": "w.pt"}]})
    elsewhere = Model.model_validate({**row, "files": [{"path": "w.pt", "url": "https://x.test/w.pt"}]})
    assert elsewhere.url(elsewhere.files[0], "https://hub.test") == "https://x.test/w.pt"
    assert elsewhere.splat_keys == ("sharp",)


def test_a_key_that_is_used_twice_is_refused(tmp_path: Path) -> None:
    row = registry["heuristic"].model_dump(mode="json")
    path = tmp_path / "registry.json"
    path.write_text(json.dumps([row, row]))
    with pytest.raises(ValueError, match="twice"):
        Registry.load(path)


def test_a_misspelt_field_is_refused(tmp_path: Path) -> None:
    row = registry["heuristic"].model_dump(mode="json")
    path = tmp_path / "registry.json"
    path.write_text(json.dumps([{**row, "lisence": "MIT"}]))
    with pytest.raises(ValidationError, match="lisence"):
        Registry.load(path)


CHOSEN: tuple[Chosen, ...] = get_args(Chosen)
COLUMNS = {"rank", "auto", "fallback", "batches", "live"}
"""What a row says of when its model runs; code has no lists of models of its own."""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["key"])
def test_every_row_says_when_its_model_runs(row: dict[str, Any]) -> None:
    assert row.keys() >= COLUMNS
    model = registry[row["key"]]
    assert (model.auto in ("carried", "always")) == model.built_in
    assert model.live is None or "depth" in model.makes


def test_no_two_models_have_the_same_place() -> None:
    for places in ([model.rank for model in registry], [one.live for one in registry if one.live is not None]):
        assert len(set(places)) == len(places)


def test_what_stands_in_is_there_makes_the_same_and_ends_without_weights() -> None:
    last = registry.last_resort.key
    for model in registry:
        if model.built_in or "inpainting" in model.makes:  # where none paints, a method without weights does
            assert model.fallback == ()
            continue
        assert model.fallback[-1].removeprefix(LIFT) == last
        assert model.key not in model.fallback
        for key in model.fallback:
            makers = [kind for kind in CHOSEN if key in registry.preferred(kind)]
            assert makers
            assert {"depth", "video-depth"} & set(model.makes) & set(makers) or "splat" in makers


def test_what_is_fetched_by_itself_may_be() -> None:
    for model in registry:
        if model.auto == "fetched":
            assert model.licence.permissive and model.size is not None
            assert model.size <= CacheSettings().auto_limit


def test_one_is_chosen_of_all_that_make_the_same_and_the_guess_comes_last() -> None:
    for kind in CHOSEN:
        keys = registry.preferred(kind)
        assert len(set(keys)) == len(keys)
        assert kind == "video-depth" or keys[0].removeprefix(LIFT) == "embedded"
        assert keys[-1].removeprefix(LIFT) == registry.last_resort.key
    assert set(registry.preferred("splat")) == {key for model in registry for key in model.splat_keys}
    assert registry.preferred_live()[-1] == registry.last_resort.key
