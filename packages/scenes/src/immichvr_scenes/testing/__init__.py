"""A room with true cameras, depth and pictures, for tests and measurements."""

from immichvr_scenes.testing.paths import around, shaking, standing_still, through, turning
from immichvr_scenes.testing.photographs import photograph, write_clip, write_photo
from immichvr_scenes.testing.rooms import Look, Panel, Room, box, person, room

__all__ = [
    "Look",
    "Panel",
    "Room",
    "around",
    "box",
    "person",
    "photograph",
    "room",
    "shaking",
    "standing_still",
    "through",
    "turning",
    "write_clip",
    "write_photo",
]
