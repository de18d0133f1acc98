"""Opening a video that nobody has checked: within limits, from this one file only, its picture chosen."""

from __future__ import annotations

from pathlib import Path

import av
from av.codec.hwaccel import HWAccel, hwdevices_available
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.stream import VideoStream

from immichvr_video import asf
from immichvr_video.demuxing import best_stream
from immichvr_video.errors import (
    DeviceGaveUp,
    InvalidVideo,
    NoPicture,
    ProtectedVideo,
    UnsupportedVideo,
    VideoTooLarge,
)
from immichvr_video.limits import VideoLimits

# What is read by name. Lists of other files (HLS, concat, SDP, image sequences) are none of them: they would have this
# machine open whatever they name.
_CONTAINERS = (
    "mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,live_flv,asf,mxf,ogg,ivf,dv,wtv,gxf,nut,"
    "h264,hevc,obu,av1,m4v,yuv4mpegpipe"
)
_TIMEOUT_S = 30.0
_ENCRYPTED_TAGS = frozenset({"encv", "drmi", "drmv"})
_PROBED_BYTES = 16 * 1024**2


def open_video(path: Path, limits: VideoLimits, on_device: bool = False) -> tuple[InputContainer, VideoStream]:
    """The container and its stream of moving pictures, neither a cover nor a still; no picture has been decoded.

    on_device: for NVIDIA's decoder. Raises VideoError, and DeviceGaveUp where that cannot be used.
    """
    check_size(path, limits)
    if asf.is_encrypted(path):
        raise protected()
    container = open_container(path, limits, accelerator() if on_device else None)
    try:
        stream = _moving_picture(container, limits)
        if not stream.codec_context.width:
            _refuse_what_was_held_back(path, stream.index, limits)
        return container, stream
    except BaseException:
        container.close()
        raise


def open_container(path: Path, limits: VideoLimits, device: HWAccel | None = None) -> InputContainer:
    """The container; decoders that ffmpeg opens to look at its streams are held to the limits already."""
    return _opened(path, {"probesize": str(_PROBED_BYTES), "max_pixels": str(limits.max_pixels)}, device)


def accelerator() -> HWAccel:
    """What has ffmpeg leave pictures to NVIDIA's decoder. Raises DeviceGaveUp where this ffmpeg knows none."""
    if "cuda" not in hwdevices_available():
        raise DeviceGaveUp("this ffmpeg was built without CUDA")
    return HWAccel("cuda", allow_software_fallback=True)


def _refuse_what_was_held_back(path: Path, index: int, limits: VideoLimits) -> None:
    """A decoder that was held to the limits forgot the size: it is read once more, without any decoder."""
    with _opened(path, {"codec_whitelist": "none"}) as container:
        streams = [one for one in container.streams.video if one.index == index]
        for one in streams:
            check_pixels(one.codec_context.width, one.codec_context.height, limits)


def _opened(path: Path, options: dict[str, str], device: HWAccel | None = None) -> InputContainer:
    try:
        return av.open(
            f"file:{path.absolute()}",
            mode="r",
            options={"format_whitelist": _CONTAINERS, "protocol_whitelist": "file", **options},
            metadata_errors="replace",
            timeout=_TIMEOUT_S,
            hwaccel=device,
        )
    except (FFmpegError, ValueError) as error:
        if device is not None:
            raise DeviceGaveUp(f"no GPU of NVIDIA's answers ({_words(error)})") from error
        raise InvalidVideo(
            f"this is no video that can be read here, or its head is damaged or missing ({_words(error)}); "
            "open the original to check it, or upload it again"
        ) from error


def check_size(path: Path, limits: VideoLimits) -> None:
    """VideoTooLarge for too many bytes, InvalidVideo for none."""
    size = path.stat().st_size
    if size == 0:
        raise InvalidVideo("the file has no content; upload it again")
    if size > limits.max_bytes:
        raise VideoTooLarge(f"the file has {size} bytes; at most {limits.max_bytes} are taken (max_bytes)")


def check_pixels(width: int, height: int, limits: VideoLimits) -> None:
    """VideoTooLarge for frames of too many pixels, or too long ones."""
    if max(width, height) > limits.max_side:
        raise VideoTooLarge(
            f"the frames are {width} x {height} pixels; a side of {limits.max_side} is the longest that is taken "
            "(max_side): make a smaller copy of it"
        )
    if width * height > limits.max_pixels:
        raise VideoTooLarge(
            f"the frames are {width} x {height} pixels; at most {limits.max_pixels} in all are taken (max_pixels): "
            "make a smaller copy of it"
        )


def _moving_picture(container: InputContainer, limits: VideoLimits) -> VideoStream:
    streams = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
    if not streams:
        raise NoPicture("the file has no moving picture, only sound or a cover; choose a video")
    best = best_stream(container, "video")
    stream = best if isinstance(best, VideoStream) and best in streams else streams[0]
    context: object = stream.codec_context
    if context is None:
        raise UnsupportedVideo("its codec is not decoded here; convert it to H.264 or HEVC")
    if stream.codec_context.codec_tag.strip("\0 ").lower() in _ENCRYPTED_TAGS:
        raise protected()
    check_pixels(stream.codec_context.width, stream.codec_context.height, limits)
    return stream


def protected() -> ProtectedVideo:
    """The error for a video that is encrypted."""
    return ProtectedVideo("the video is encrypted (DRM), and its key is not here; choose one that is not")


def _words(error: Exception) -> str:
    """What ffmpeg says, without the path."""
    return str(getattr(error, "strerror", None) or error)[:200]
