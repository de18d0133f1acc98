"""Photos, and tiny networks with random weights: on a model hub of this machine, or lying there already."""

import hashlib
import json
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache as once
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from immichvr_inference import Network
from immichvr_inference.context import RunContext
from immichvr_inference.residency import Runtime
from immichvr_inference.settings import RuntimeSettings
from immichvr_media import CarriedDepth, FocalLength, Photo
from immichvr_models import Cache, CacheSettings, Registry, registry
from immichvr_models.testing import Hub, running_hub
from immichvr_networks import NETWORKS

pytest.register_assert_rewrite("immichvr_inference.testing.conformance")


@pytest.fixture
def photo() -> Callable[..., Photo]:
    """Makes a photo of given size: a bright top over a dark bottom, and a square in the middle."""

    def make(height: int = 90, width: int = 120, depth: CarriedDepth | None = None) -> Photo:
        rgb: npt.NDArray[np.uint8] = np.full((height, width, 3), 60, np.uint8)
        rgb[: height // 2] = (200, 210, 230)
        rgb[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = (180, 40, 30)
        focal = FocalLength(px=float(width), source="default")
        return Photo(rgb=rgb, focal=focal, depth=depth, format="png", orientation=1)

    return make


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the files of a Depth Anything network with few random weights."""
    network: Any = NETWORKS["da2-small"].tiny(5)
    directory = tmp_path_factory.mktemp("tiny-depth-anything")
    network.save_pretrained(directory)
    (directory / "preprocessor_config.json").write_text(json.dumps({"image_processor_type": "DPTImageProcessor"}))
    return directory


@pytest.fixture
def hub(tiny_weights: Path) -> Iterator[Hub]:
    """A model hub that has the tiny network in the place of Depth Anything V2 Small."""
    with running_hub() as running:
        model = registry["da2-small"]
        for file in model.files:
            path = model.url(file, "")
            running.add(path, (tiny_weights / file.path).read_bytes())
        yield running


@pytest.fixture
def cache(hub: Hub, tiny_weights: Path, tmp_path: Path) -> Cache:
    """An empty cache that fetches from that hub, with the tiny network's checksums in its registry."""
    files = []
    for file in registry["da2-small"].files:
        body = (tiny_weights / file.path).read_bytes()
        known = {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        files.append(file.model_copy(update=known))
    tiny = registry["da2-small"].model_copy(update={"files": tuple(files)})
    rows = [tiny if model.key == tiny.key else model for model in registry]
    settings = CacheSettings(endpoint=hub.url, keep_free=0, backoff=0.0)
    return Cache(tmp_path / "models", settings, Registry(tuple(rows)))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The directory of a model's tiny network, which is made when a test first asks for it, for all of them."""

    @once
    def directory_of(key: str) -> Path:
        directory = tmp_path_factory.mktemp("tiny") / key
        save_tiny(key, directory)
        return directory

    return directory_of


@pytest.fixture
def stocked(tmp_path: Path, tiny: Callable[[str], Path]) -> Callable[..., Cache]:
    """Makes a cache without network in which some models' weights lie already, tiny ones of the test's own."""

    def make(*keys: str, accepted: frozenset[str] = frozenset()) -> Cache:
        rows = []
        for model in registry:
            if model.key in keys:
                shutil.copytree(tiny(model.key), tmp_path / "local" / model.key, dirs_exist_ok=True)
                files = tuple(file.model_copy(update={"size": None, "sha256": None}) for file in model.files)
                model = model.model_copy(update={"files": files})
            rows.append(model)
        settings = CacheSettings(offline=True, local_directory=tmp_path / "local", keep_free=0, accepted=accepted)
        return Cache(tmp_path / "models", settings, Registry(tuple(rows)))

    return make


@pytest.fixture
def on() -> Callable[..., RunContext]:
    """Makes a context that runs networks on the CPU; free: bytes of memory that it has left."""

    def make(
        cache: Cache,
        accepted: Collection[str] = (),
        free: int | None = None,
        networks: Mapping[str, Network] = NETWORKS,
        **settings: Any,
    ) -> RunContext:
        chosen = RuntimeSettings(device="cpu", spare_mb=0, **settings)
        return RunContext(cache, Runtime(networks, chosen, free=lambda _: free), accepted)

    return make


def save_tiny(key: str, directory: Path) -> None:
    """Writes a tiny network as the files that the registry lists for its key."""
    network: Any = NETWORKS[key].tiny(5)
    network.save_pretrained(directory)
    (directory / "preprocessor_config.json").write_text("{}")
