"""How networks run, as a service's settings say it under `models`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from immichvr_models import registry
from pydantic import BaseModel, Field

from immichvr_inference.ledger import default_directory

if TYPE_CHECKING:
    from immichvr_media import DecodeLimits


def _fallback() -> dict[str, tuple[str, ...]]:
    return {model.key: model.fallback for model in registry if model.fallback}


class RuntimeSettings(BaseModel):
    """How networks run.

    device: a torch device, or `auto`: CUDA, else Apple's GPU, else the CPU. threads: of the CPU, all by default.
    precision: of forward passes; `auto` is bfloat16 on CUDA and float32 elsewhere. preload: keys of models to load
    while no job waits, if their weights are there and no other has to leave memory for it. idle_s: a network that
    nobody used for so long leaves memory. spare_mb: memory of the device that is left to others. ledger: the directory
    in which the processes of this machine write down what they hold of its devices; wait_s: how long one waits for
    memory that it asks the others for. fallback: what runs instead of a model for which the memory does not suffice, in
    this order; of these, what is permitted and there. By default as the registry says.
    """

    device: str = "auto"
    threads: int | None = Field(None, ge=1)
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    preload: tuple[str, ...] = ()
    idle_s: float = Field(300, gt=0)
    spare_mb: int = Field(200, ge=0)
    ledger: Path = Field(default_factory=default_directory)
    wait_s: float = Field(10, ge=0)
    fallback: dict[str, tuple[str, ...]] = Field(default_factory=_fallback)


class PhotoSettings(BaseModel):
    """What a photo may be; larger ones are refused before they are decoded.

    min_side: pixels of its shorter side, at least. max_megapixels, max_megabytes: its size, at most.
    """

    min_side: int = Field(32, ge=1)
    max_megapixels: float = Field(200, gt=0)
    max_megabytes: float = Field(512, gt=0)

    @property
    def limits(self) -> DecodeLimits:
        """The same as decoders take it."""
        # Whoever reads settings alone need not be able to decode photos.
        from immichvr_media import DecodeLimits

        return DecodeLimits(
            min_side=self.min_side, max_pixels=int(self.max_megapixels * 1e6), max_bytes=int(self.max_megabytes * 1e6)
        )
