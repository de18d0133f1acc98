"""Worlds made of solids, rendered with true depth: for measuring, and for the sample photos."""

from immichvr_bench.scenes.colonnade import colonnade
from immichvr_bench.scenes.landscape import landscape
from immichvr_bench.scenes.rendering import Light, Scene, View, render_view
from immichvr_bench.scenes.still_life import still_life
from immichvr_bench.scenes.street import street

SCENES = {"still-life": still_life, "colonnade": colonnade, "landscape": landscape, "street": street}

__all__ = [
    "SCENES",
    "Light",
    "Scene",
    "View",
    "colonnade",
    "landscape",
    "render_view",
    "still_life",
    "street",
]
