"""The registry is complete, consistent and safe to build paths from."""

import json
from pathlib import Path

import pytest
from immichvr_models import Licence, Model, ModelFile, Registry, UnknownModel, registry
from pydantic import ValidationError


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
    assert keys == ["lift-embedded", "lift-da2-small", "lift-heuristic"]


def test_models_without_files_are_built_in() -> None:
    assert [model.key for model in registry if model.built_in] == ["embedded", "heuristic"]


def test_an_unknown_key_names_the_known_ones() -> None:
    with pytest.raises(UnknownModel, match=r"'midas'.*embedded, da2-small, heuristic"):
        registry["midas"]


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a//b", "", ".hidden", "a\\b", "a/../../b"])
def test_a_file_path_cannot_leave_the_model_directory(path: str) -> None:
    with pytest.raises(ValidationError):
        ModelFile(path=path)


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
