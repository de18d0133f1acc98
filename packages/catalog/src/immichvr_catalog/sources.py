"""What assets are made from, and which kinds of assets there are."""

from __future__ import annotations

from dataclasses import dataclass

from immichvr_catalog.errors import CatalogError
from immichvr_catalog.services import check_name
from immichvr_catalog.table import Table


@dataclass(frozen=True)
class SourceKind:
    """What an asset can be of. title: what a viewer calls one."""

    name: str
    title: str

    def __post_init__(self) -> None:
        check_name("kind of source", self.name)


@dataclass(frozen=True)
class AssetKind:
    """What a job can make. root: the first word of its objects' keys. title: what a viewer calls one."""

    name: str
    root: str
    title: str

    def __post_init__(self) -> None:
        check_name("kind of asset", self.name)
        check_name("root of objects", self.root)


def _has_a_root_of_its_own(asset: AssetKind) -> None:
    other = next((one for one in ASSETS.values() if one.root == asset.root and one != asset), None)
    if other is not None:
        raise CatalogError(f"assets of the kinds {other.name!r} and {asset.name!r} would lie under one root")


PHOTO, VIDEO, SET, SCENE = "photo", "video", "set", "scene"
SOURCES = Table(
    "kind of source",
    SourceKind,
    (SourceKind(PHOTO, "Photo"), SourceKind(VIDEO, "Video"), SourceKind(SET, "Photos"), SourceKind(SCENE, "Scene")),
)
"""Every kind of source by its name; a set is an ordered list of photos of one place."""
OF_LIBRARIES = frozenset({PHOTO, VIDEO})
"""Kinds of sources that libraries hold; the others are made of those."""

DEPTH, SPLAT, DEPTH_VIDEO, MOTION, POINTS = "depth", "splat", "depth-video", "motion", "points"
ASSETS = Table(
    "kind of asset",
    AssetKind,
    (
        AssetKind(DEPTH, root="depth", title="Depth"),
        AssetKind(SPLAT, root="splats", title="3D"),
        AssetKind(DEPTH_VIDEO, root="videos", title="Depth video"),
        AssetKind(MOTION, root="motion", title="Motion clip"),
        AssetKind(POINTS, root="points", title="Points"),
    ),
    _has_a_root_of_its_own,
)
"""Every kind of asset by its name."""
