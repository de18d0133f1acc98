"""How the viewer looks, by names that people and scripts have known since the first plan: camel case in JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool
from pydantic.alias_generators import to_camel

from immichvr_gateway.http.numbers import NUMBER

_NAMES = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)

SplatFormat = Literal["spz", "splat", "ksplat"]


class SplatSettings(BaseModel):
    """Of photos as Gaussian splats. Null is not set."""

    model_config = _NAMES

    enabled: StrictBool | None = Field(None, description="whether photos open in 3D")
    default_quality: Literal["light", "medium", "full"] | None = Field(
        None, description="which level is shown: up to 200,000 Gaussians, up to 300,000, or all of them"
    )
    formats: Annotated[list[SplatFormat], Field(min_length=1, max_length=3)] | None = Field(
        None, description="which formats are offered to download, the wanted one first"
    )


class GallerySettings(BaseModel):
    """How the viewer looks. Null is not set."""

    model_config = _NAMES

    adjacent_photos_count: Annotated[int, Field(ge=0, le=10), NUMBER] | None = Field(
        None, description="photos on either side of the one that is open whose pictures are fetched"
    )
    animation_duration: Annotated[float, Field(ge=0, le=5), NUMBER] | None = Field(
        None, description="seconds that cross-fades take"
    )
    gaussian_splat: SplatSettings | None = None
    parallax_intensity: Annotated[float, Field(ge=0, le=1), NUMBER] | None = Field(
        None, description="how far a photo moves by itself, and when one leans; 0.1 is as far as its depth bears well"
    )
    thumbnail_size: Annotated[float, Field(ge=0.5, le=3), NUMBER] | None = Field(
        None, description="height of the rows of the gallery, by the usual one"
    )
    row_width: Annotated[int, Field(ge=1, le=24), NUMBER] | None = Field(
        None, description="photos beside one another in a wide window, about, and on the wall in a headset"
    )
    background_color: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")] | None = Field(
        None, description="behind a photo that is open", examples=["#000000"]
    )


GALLERY_DEFAULTS = GallerySettings(
    adjacent_photos_count=2,
    animation_duration=0.5,
    gaussian_splat=SplatSettings(enabled=True, default_quality="medium", formats=["spz", "splat", "ksplat"]),
    parallax_intensity=0.1,
    thumbnail_size=1.0,
    row_width=8,
    background_color="#000000",
)
"""What counts where somebody has set nothing."""
