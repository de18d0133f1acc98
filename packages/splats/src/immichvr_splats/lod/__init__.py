"""Levels of detail: fewer Gaussians, or points, that together look like the many they stand for.

`reduction.py` makes one of any count, by cells (`cells.py`) whose Gaussians are merged (`merging.py`), in colours that
make up for what merging does to the picture (`likeness.py`); `levels.py`, `points.py` write several as files, with an
index (`index.py`); `tiles.py` and `point_tiles.py` write trees of them (`tree.py`).
"""

from immichvr_splats.lod.index import INDEX_VERSION, Bounds, cloud_entries, write_index
from immichvr_splats.lod.levels import LEVEL_COUNTS, LEVELS_FILE, Level, levels, write_levels
from immichvr_splats.lod.point_tiles import write_point_tiles
from immichvr_splats.lod.points import LEAST_CONFIDENCE, confident, lod_points, point_levels, write_point_levels
from immichvr_splats.lod.reduction import LIGHT_BYTES, LIGHT_COUNT, Reduction, light, lod, within_bytes
from immichvr_splats.lod.tiles import write_tiles
from immichvr_splats.lod.tree import TILES_FILE, Tile

__all__ = [
    "INDEX_VERSION",
    "LEAST_CONFIDENCE",
    "LEVELS_FILE",
    "LEVEL_COUNTS",
    "LIGHT_BYTES",
    "LIGHT_COUNT",
    "TILES_FILE",
    "Bounds",
    "Level",
    "Reduction",
    "Tile",
    "cloud_entries",
    "confident",
    "levels",
    "light",
    "lod",
    "lod_points",
    "point_levels",
    "within_bytes",
    "write_index",
    "write_levels",
    "write_point_levels",
    "write_point_tiles",
    "write_tiles",
]
