"""Which pictures a place is made of: chosen from a video, taken from a set or a Live Photo, decoded once, on disk."""

from immichvr_scenes.frames.frame import Dropped, Frame, FrameOptions, Frames
from immichvr_scenes.frames.photos import frames_of_live_photo, frames_of_photos
from immichvr_scenes.frames.posed import frames_of_pictures
from immichvr_scenes.frames.video import frames_of_video

__all__ = [
    "Dropped",
    "Frame",
    "FrameOptions",
    "Frames",
    "frames_of_live_photo",
    "frames_of_photos",
    "frames_of_pictures",
    "frames_of_video",
]
