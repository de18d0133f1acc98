"""A splat in another format, with options, or of fewer Gaussians."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from immichvr.common.v1.common_pb2 import ObjectRef
from immichvr.converter.v1.converter_pb2 import Camera, ConvertParams
from immichvr_catalog import FORMATS as CATALOG
from immichvr_catalog import PHOTO, SPLAT, Value
from immichvr_common.manifests import AssetFile, Manifest
from pydantic import ConfigDict, Field

from immichvr_gateway.assets.index import AssetEntry
from immichvr_gateway.http.numbers import NUMBER
from immichvr_gateway.http.problems import Problem, not_accepted
from immichvr_gateway.jobs.records import LIGHT
from immichvr_gateway.requests.cameras import camera_of
from immichvr_gateway.requests.photos import is_surpassed, model_refusal
from immichvr_gateway.requests.planning import JobRequest, Known
from immichvr_gateway.requests.recipes import conversion_hash, is_outdated, job_id
from immichvr_gateway.requests.spec import JobSpec
from immichvr_gateway.requests.splat import SPLAT_MODELS, SplatRequest

CONVERT = "convert"
FORMATS: dict[str, dict[str, tuple[Value, ...]]] = {
    name: {option.name: option.values for option in row.options} for name, row in CATALOG.items() if row.can_write
}
"""What a splat can be converted to, and the options of each format with their values."""
_FULL, _RAW = "full", "ply"
_OPTIONS_OF_EACH_FORMAT: list[Any] = [
    {
        "properties": {
            "format": {"const": name},
            "options": {
                "type": "object",
                "properties": {option: {"enum": list(values)} for option, values in options.items()},
                "additionalProperties": False,
            },
        }
    }
    for name, options in FORMATS.items()
]


Count = Annotated[int, Field(ge=1, le=2**53), NUMBER]


class ConvertRequest(JobRequest):
    """What to convert a splat to. What is asked for with options, or a count, is a file of its own."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"format": "splat", "model": "auto"},
                {"format": "spz", "options": {"spz_version": 4, "frame": "rub"}, "lod_count": 200000},
            ],
            "oneOf": _OPTIONS_OF_EACH_FORMAT,
        },
    )
    format: str = Field(max_length=16, json_schema_extra={"enum": list(FORMATS)})
    model: Annotated[str, Field(max_length=64, json_schema_extra={"enum": [*SPLAT_MODELS]})] = "auto"
    options: dict[str, Annotated[int, NUMBER] | str] = Field({}, max_length=8)
    lod_count: Count | None = None

    @property
    def extends_model(self) -> str:
        """As it was asked for."""
        return self.model

    @property
    def label(self) -> str:
        """What the file is among those of its format; options and counts make a file of its own."""
        return self._own_label() or _FULL

    @property
    def needs_models(self) -> bool:
        """Only where a splat may have to be made anew."""
        return self._is_raw()

    def plan(self, known: Known) -> JobSpec:
        """The raw PLY, where it is gone, is had by making the splat anew; that where the same splat comes of it."""
        entry, manifest = known.extended_asset()
        self.check()
        if self._is_raw() and find_file(manifest, _RAW, _FULL) is None and _can_be_made_anew(known, entry, manifest):
            quality = LIGHT.name if find_file(manifest, "spz", LIGHT.name) is not None else _FULL
            return SplatRequest(model=manifest.requested_model or "auto", quality=quality).plan(known, with_ply=True)
        return self._planned(known, entry, manifest, _FULL)

    def _planned(self, known: Known, entry: AssetEntry, manifest: Manifest, variant: str) -> JobSpec:
        label = self._own_label()
        called = label or variant
        exists = find_file(manifest, self.format, called) is not None
        params = ConvertParams(
            to_format=self.format, variant=variant, label=label, model_key=entry.model_key, lod_count=self.lod_count,
            **self.options,  # type: ignore[arg-type]  # checked: each is of the format, and its values are
        )  # fmt: skip
        source = None if exists else best_input(manifest)
        if source is not None:
            params.from_format = source.format
        if (camera := photo_camera(manifest)) is not None and (variant != _FULL or self.lod_count is not None):
            params.camera.CopyFrom(camera)
        hashed = conversion_hash(entry.recipe, entry.model_key, self.format, called)
        return JobSpec(
            kind=CONVERT, id=job_id(CONVERT, known.of.source, hashed), params=params,
            shown={"format": self.format, "variant": called, "model": entry.model_key}, of=known.of,
            recipes={SPLAT: entry.recipe}, inputs={} if source is None else {SPLAT: reference(known.bucket, source)},
            existing=(entry,) if exists else (), is_seen=True,
        )  # fmt: skip

    def _is_raw(self) -> bool:
        return (self.format, self.label) == (_RAW, _FULL)

    def _own_label(self) -> str:
        parts = [f"lod-{self.lod_count}"] if self.lod_count is not None else []
        parts += [f"{name.replace('_', '-')}-{value}" for name, value in sorted(self.options.items())]
        return ".".join(parts)

    def check(self) -> None:
        """Raises Problem, naming what there is."""
        check_format(self.format)
        there_is = FORMATS[self.format]
        for name, value in self.options.items():
            if name not in there_is:
                raise not_accepted("option", name, list(there_is))
            if value not in there_is[name]:
                raise not_accepted(name, str(value), [str(one) for one in there_is[name]])


class VariantRequest(ConvertRequest):
    """A conversion as it follows from a splat: of either variant. variant: light has fewer Gaussians."""

    variant: Literal["full", "light"] = "full"

    @property
    def needs_models(self) -> bool:
        """The light variant makes nothing anew."""
        return self.variant == _FULL and super().needs_models

    def check(self) -> None:
        """Raises Problem, naming what there is."""
        super().check()
        if self.variant != _FULL and (self.format != "spz" or self._own_label()):
            raise Problem(422, "invalid_request", "the light variant is an SPZ, and takes neither options nor a count")

    def plan(self, known: Known) -> JobSpec:
        """A light one is made of whatever the splat has."""
        if self.variant == _FULL:
            return super().plan(known)
        self.check()
        return self._planned(known, *known.extended_asset(), self.variant)


def check_format(name: str) -> None:
    """Raises Problem for a format that is not written, naming those that are."""
    if name not in FORMATS:
        raise not_accepted("format", name, list(FORMATS))


def find_file(manifest: Manifest, kind: str, variant: str) -> AssetFile | None:
    """The file that a conversion makes, or that was there from the start."""
    wanted = (file for file in manifest.files if file.role in ("splat", "conversion", "level"))
    return next((file for file in wanted if (file.format, file.variant) == (kind, variant)), None)


def best_input(manifest: Manifest) -> AssetFile:
    """What a conversion starts from: the raw PLY of a splat, or else its SPZ. Raises Problem."""
    source = find_file(manifest, _RAW, _FULL) or find_file(manifest, "spz", _FULL)
    if source is None:
        raise Problem(409, "nothing_to_convert", f"asset {manifest.asset_key} holds no splat file to convert")
    return source


def photo_camera(manifest: Manifest) -> Camera | None:
    """What took the photo that a splat is of: an SPZ holds no camera. None for what is of many pictures."""
    camera = camera_of(manifest) if manifest.source.kind == PHOTO else None
    return None if camera is None else Camera(**camera)


def reference(bucket: str, file: AssetFile) -> ObjectRef:
    """A file of an asset as a job's input."""
    return ObjectRef(bucket=bucket, key=file.key, size=file.size, sha256=file.sha256, media_type=file.media_type)


def _can_be_made_anew(known: Known, entry: AssetEntry, manifest: Manifest) -> bool:
    """Whether the same splat would come of it again: else it is converted from its SPZ like to any other format."""
    if is_outdated(manifest, known.of.version):
        return False
    if manifest.requested_model in ("", "auto"):
        return not is_surpassed(entry, known)
    return model_refusal(manifest.requested_model, known) is None
