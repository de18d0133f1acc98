"""What can be wrong with files of 3D."""

from __future__ import annotations

from immichvr_catalog.codes.code import ErrorCode

FILES = (
    ErrorCode(
        "invalid_depth", "The depth kept of this photo could not be read.", "Make its depth anew, then try again.",
    ),
    ErrorCode(
        "invalid_splat", "The 3D file made from this photo is not valid.",
        "Make it again. If it happens every time, please report it.",
    ),
    ErrorCode(
        "unsupported_version", "This 3D file has a version that is not known here.",
        "Save it in an older one, or update ImmichVR.",
    ),
    ErrorCode(
        "corrupt_object", "A stored file is damaged or lost.",
        "Make it again; the photo is not affected.", statuses=(502,),
    ),
    ErrorCode(
        "lost_object", "A stored file has gone.",
        "Make it again; the photo is not affected.", statuses=(410,),
    ),
    ErrorCode(
        "result_missing", "What was made did not arrive in the storage.",
        "Try again. If it happens every time, whoever runs the server should look at its log.", retriable=True,
    ),
    ErrorCode(
        "source_replaced", "The 3D of this photo was made anew meanwhile.",
        "Ask for the file again; it is made from the new one.", retriable=True,
    ),
    ErrorCode(
        "nothing_to_convert", "There is nothing to convert here.",
        "Make the 3D of this photo again.", statuses=(409,),
    ),
    ErrorCode(
        "lost", "The server lost track of this work.",
        "Try again. If it happens again, whoever runs the server should look at its log.", retriable=True,
    ),
)  # fmt: skip
