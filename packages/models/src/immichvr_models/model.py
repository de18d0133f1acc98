"""What a model is, and the registry of all of them. The registry is data: `registry.json` beside this file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files as package_files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, field_validator, model_validator

from immichvr_models.content import LARGEST_TEXT
from immichvr_models.errors import UnknownModel

_BYTES_PER_PARAMETER = 5
_LARGEST_WEIGHTS = 10_000_000_000

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
Chosen = Literal["depth", "splat", "video-depth"]
"""What a model is chosen for where nobody asks for one by name."""
Makes = Chosen | Literal["points", "poses", "inpainting"]
Auto = Literal["carried", "here", "fetched", "always"]
LIFT = "lift-"
"""Before the key of a model that makes depth: the splats that its depth is lifted to."""
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$", max_length=128)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Licence(_Strict):
    """The licence of a model's weights.

    permissive: free to use for any purpose, so that nobody has to be asked before a download.
    """

    name: str
    url: str
    permissive: bool


class ModelFile(_Strict):
    """One file of a model.

    path: inside the model's directory, with forward slashes; url: where it is not in the model's repository;
    size: bytes; sha256: lower-case hex. What is null is learned at the first download and checked from then on.
    """

    path: str
    url: str | None = None
    size: int | None = Field(default=None, ge=0)
    sha256: Sha256 | None = None

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, path: str) -> str:
        parts = path.split("/")
        if not path or any(part in ("", ".", "..") or part.startswith(".") for part in parts) or "\\" in path:
            raise ValueError(f"{path!r} is not a plain relative path")
        return path


class Model(_Strict):
    """One row of the registry.

    makes: what comes out; metric: whether its lengths are metres; inputs: what goes in, in words; several_views:
    whether that may be several photos of one scene at once.
    rank: its place where one is chosen; the lowest of those that can run is. auto: when that may be: `carried`, for a
    photo that carries it; `here`, where its weights are and its licence permits it; `fetched`, as such, and if need be
    they are fetched; `always`. fallback: keys of what stands in where memory is short, in that order. batches: several
    photos at once are quicker. live: its place where a model for live frames is chosen on a GPU; null, none by itself.
    through: the code that runs it, with its pinned version; requires: the Python distributions it needs;
    service: which fetches, holds and runs it.
    repo: on the model hub (`owner/name`), at `revision`.
    parameters_m: millions of parameters; memory_cpu_mb: peak resident memory of a process that does one photo, or
    one window of 32 frames of 1080p;
    memory_gpu_mb: the same of the GPU; null where nobody measured it.
    A model without files is built in.
    """

    key: Key
    name: str
    makes: tuple[Makes, ...] = Field(min_length=1)
    metric: bool = False
    inputs: str
    several_views: bool = False
    rank: int = Field(default=0, ge=0)
    auto: Auto = "here"
    fallback: tuple[str, ...] = ()
    batches: bool = False
    live: int | None = Field(default=None, ge=0)
    through: str | None = None
    requires: tuple[str, ...] = ()
    service: Key = "ai"
    revision: Name
    repo: Annotated[str, StringConstraints(pattern=r"^\w[\w.-]*/\w[\w.-]*$")] | None = None
    files: tuple[ModelFile, ...] = ()
    licence: Licence
    commercial_use: bool
    parameters_m: float | None = Field(default=None, gt=0)
    memory_cpu_mb: int | None = None
    memory_gpu_mb: int | None = None

    @model_validator(mode="after")
    def _every_file_has_an_address(self) -> Model:
        paths = [file.path for file in self.files]
        if len(set(paths)) != len(paths):
            raise ValueError(f"{self.key}: a file is named twice")
        if self.repo is None and any(file.url is None for file in self.files):
            raise ValueError(f"{self.key}: a file has no url and the model no repo")
        return self

    @property
    def built_in(self) -> bool:
        """Whether there is nothing to download."""
        return not self.files

    @property
    def size(self) -> int | None:
        """Bytes of all files; None where the registry does not know one of them."""
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def cap(self, file: ModelFile) -> int:
        """Bytes at which a download of the file is given up: its size where known, else what it cannot exceed.

        Weights have 4 bytes for each parameter, and a quarter more for what is counted otherwise.
        """
        if file.size is not None:
            return file.size
        if file.path.endswith(".json"):
            return LARGEST_TEXT
        return int(_BYTES_PER_PARAMETER * self.parameters_m * 1e6) if self.parameters_m else _LARGEST_WEIGHTS

    @property
    def weights_mb(self) -> float | None:
        """Megabytes its parameters take in single precision, so that it needs more memory than this."""
        return None if self.parameters_m is None else 4 * self.parameters_m

    @property
    def missing(self) -> tuple[str, ...]:
        """The distributions it needs that are not installed here. Imports none of them."""
        return tuple(name for name in self.requires if not _installed(name))

    @property
    def splat_keys(self) -> tuple[str, ...]:
        """Keys of the splats it makes: its own, and `lift-…` for the lifting of its depth."""
        own = (self.key,) if "splat" in self.makes else ()
        return own + ((f"{LIFT}{self.key}",) if "depth" in self.makes else ())

    def url(self, file: ModelFile, endpoint: str) -> str:
        """Address of a file at a model hub (Hugging Face's layout) or wherever else the file says."""
        if file.url is not None:
            return file.url
        return f"{endpoint.rstrip('/')}/{self.repo}/resolve/{self.revision}/{file.path}"


def _installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


@dataclass(frozen=True)
class Registry:
    """All models, in the order in which they are listed.

    >>> registry["da2-small"].licence.name
    'Apache-2.0'
    """

    models: tuple[Model, ...]

    def __post_init__(self) -> None:
        if len(set(self.keys())) != len(self.models):
            raise ValueError("a model key is used twice in the registry")

    @classmethod
    def load(cls, path: Path | None = None) -> Registry:
        """Read a registry from a JSON list of models; without a path, the one in this package."""
        source = path or package_files("immichvr_models") / "registry.json"
        return cls(TypeAdapter(tuple[Model, ...]).validate_json(source.read_text(encoding="utf-8")))

    def keys(self) -> tuple[str, ...]:
        """Key of every model."""
        return tuple(model.key for model in self.models)

    def making(self, kind: Makes) -> tuple[Model, ...]:
        """The models that make this kind of thing."""
        return tuple(model for model in self.models if kind in model.makes)

    def preferred(self, kind: Chosen) -> tuple[str, ...]:
        """Keys of what makes depth or splats of a photo, or depth of a video, as one is chosen: the best first.

        Splats lifted from depth that the photo carries come first, those of other depth after all others.
        """
        ranked = sorted(self.models, key=lambda model: model.rank)
        if kind != "splat":
            return tuple(model.key for model in ranked if kind in model.makes)
        lifted = [model for model in ranked if "depth" in model.makes]
        return (
            *(f"{LIFT}{model.key}" for model in lifted if model.auto == "carried"),
            *(model.key for model in ranked if kind in model.makes),
            *(f"{LIFT}{model.key}" for model in lifted if model.auto != "carried"),
        )

    def preferred_live(self) -> tuple[str, ...]:
        """Keys of the models of live frames, as one is chosen on a GPU: the best first."""
        places = {model.key: model.live for model in self.models if model.live is not None}
        return tuple(sorted(places, key=lambda key: places[key]))

    @property
    def last_resort(self) -> Model:
        """The model that makes depth of any photo on any machine."""
        return next(model for model in self.making("depth") if model.auto == "always")

    def __getitem__(self, key: str) -> Model:
        for model in self.models:
            if model.key == key:
                return model
        raise UnknownModel(f"there is no model {key!r}; there are: {', '.join(self.keys())}")

    def __contains__(self, key: object) -> bool:
        return key in self.keys()

    def __iter__(self) -> Iterator[Model]:
        return iter(self.models)


registry = Registry.load()
"""The registry in this package."""
