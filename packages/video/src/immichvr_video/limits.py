"""Limits on what is read from a video nobody has checked yet."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VideoLimits:
    """Bounds on time and memory for one video.

    max_bytes: size of the file.
    max_pixels: width x height of a frame, read from the header; decoders are held to it too, whatever comes later.
    max_side: of a frame, as networks see a strip of pixels enlarged.
    max_seconds: how long the video runs, or the part of it that is read.
    max_frames: how many frames are read.
    threads: of one decoder; each holds a few frames.
    """

    max_bytes: int = 64 * 1024**3
    max_pixels: int = 8192 * 4320
    max_side: int = 16_384
    max_seconds: float = 3 * 3600
    max_frames: int = 1_000_000
    threads: int = 4
