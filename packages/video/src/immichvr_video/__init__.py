"""Reads and writes videos: frames with exact times, sound as it was, cuts; hostile files within limits."""

from immichvr_video.encoding import Codec, Encoding
from immichvr_video.errors import (
    EmptyVideo,
    EncoderFailed,
    InvalidVideo,
    NoPicture,
    OutsideOfVideo,
    ProtectedVideo,
    UnsupportedVideo,
    VideoError,
    VideoTooLarge,
    VideoTooLong,
)
from immichvr_video.facts import Span, VideoFacts, inspect
from immichvr_video.limits import VideoLimits
from immichvr_video.reader import Frame, Gap, LumaFrame, LumaReader, VideoReader
from immichvr_video.segments import SegmentWriter, join
from immichvr_video.shots import ShotFinder, shots
from immichvr_video.sound import AudioSpan, fits_mp4, plays_in_browsers
from immichvr_video.writer import VideoWriter

__all__ = [
    "AudioSpan",
    "Codec",
    "EmptyVideo",
    "EncoderFailed",
    "Encoding",
    "Frame",
    "Gap",
    "InvalidVideo",
    "LumaFrame",
    "LumaReader",
    "NoPicture",
    "OutsideOfVideo",
    "ProtectedVideo",
    "SegmentWriter",
    "ShotFinder",
    "Span",
    "UnsupportedVideo",
    "VideoError",
    "VideoFacts",
    "VideoLimits",
    "VideoReader",
    "VideoTooLarge",
    "VideoTooLong",
    "VideoWriter",
    "fits_mp4",
    "inspect",
    "join",
    "plays_in_browsers",
    "shots",
]
