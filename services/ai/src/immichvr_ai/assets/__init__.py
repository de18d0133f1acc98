"""The files of an asset: depth as pictures, splats as PLY and SPZ."""

from immichvr_ai.assets.depth_files import depth_asset
from immichvr_ai.assets.splat_files import splat_asset

__all__ = ["depth_asset", "splat_asset"]
