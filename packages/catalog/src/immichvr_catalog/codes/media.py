"""What can be wrong with a photo or a video."""

from __future__ import annotations

from immichvr_catalog.codes.code import ErrorCode

PHOTOS_AND_VIDEOS = (
    # the photo
    ErrorCode(
        "invalid_image", "This file could not be read as a photo.",
        "It may be damaged or incomplete. Open the original to check it, or upload it again.", statuses=(409, 422),
    ),
    ErrorCode(
        "image_too_large", "This photo has too many pixels.",
        "Make a smaller copy of it, or ask whoever runs this server to raise the limit.", statuses=(413,),
    ),
    ErrorCode(
        "image_too_small", "This photo has too few pixels to see depth in.",
        "Choose a larger version of it; each side needs at least 32 pixels.",
    ),
    ErrorCode(
        "unsupported_format", "This kind of file is not one that can be used here.",
        "The details below say what it is, and what to do. Photos do best as JPEG, PNG, WebP, HEIC or TIFF.",
        statuses=(422,),
    ),
    ErrorCode(
        "not_flat", "This is a panorama or fisheye photo, not a flat picture.",
        "Such photos are not turned into 3D yet. Choose one that an ordinary lens took.", statuses=(422,),
    ),
    ErrorCode("no_embedded_depth", "This photo carries no depth of its own.", "Choose another model."),
    ErrorCode(
        "changed", "The photo was changed meanwhile.",
        "Try again; the new version is used then.", statuses=(409,), retriable=True,
    ),
    ErrorCode(
        "not_ready", "The library has not made this picture yet.",
        "Wait until it has looked at the photo, then try again.", statuses=(409,), retriable=True,
    ),
    # the video
    ErrorCode(
        "invalid_video", "This file could not be read as a video.",
        "It may be damaged or incomplete. Open the original to check it, or upload it again.",
    ),
    ErrorCode("no_picture", "This file has sound, but no moving picture.", "Choose a video."),
    ErrorCode(
        "empty_video", "This video has no frame that can be shown.",
        "It may be damaged or incomplete. Open the original to check it, or upload it again.",
    ),
    ErrorCode(
        "video_too_large", "This video is too large.",
        "Make a smaller copy of it, or ask whoever runs this server to raise the limit.",
    ),
    ErrorCode(
        "video_too_long", "This video is too long.",
        "Choose a part of it, or ask whoever runs this server to raise the limit.",
    ),
    ErrorCode(
        "protected_video", "This video is encrypted.", "Its key is not here. Choose one without copy protection.",
    ),
    ErrorCode(
        "unsupported_video", "This kind of video is not one that can be used here.",
        "Convert it to MP4 with H.264 or HEVC.",
    ),
    ErrorCode(
        "outside_of_video", "The video does not have this part.", "Choose one between its beginning and its end.",
    ),
)  # fmt: skip

UNDECODED = frozenset({"invalid_image", "image_too_large", "unsupported_format"})
"""Of photos that cannot be decoded, and that the library's own picture may stand in for."""
