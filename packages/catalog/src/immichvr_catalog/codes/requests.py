"""What can be wrong with what was asked."""

from __future__ import annotations

from immichvr_catalog.codes.code import ErrorCode

REQUESTS = (
    ErrorCode(
        "bad_request", "The server did not understand this request.",
        "Reload the page, then try again.", statuses=(400,),
    ),
    ErrorCode(
        "not_found", "This is not here any more.",
        "It may have been deleted, or you may not be allowed to see it.", statuses=(404,),
    ),
    ErrorCode(
        "method_not_allowed", "The server does not know this request.",
        "Reload the page, then try again.", statuses=(405,),
    ),
    ErrorCode(
        "invalid_request", "The server did not understand this request.",
        "Reload the page, then try again.", statuses=(422,),
    ),
    ErrorCode("invalid_state", "There is no such state of work.", "Choose another one.", statuses=(422,)),
    ErrorCode("invalid_source_kind", "There is no such kind of source.", "Choose another one.", statuses=(422,)),
    ErrorCode("invalid_service", "No such service runs this model.", "Choose another one.", statuses=(422,)),
    ErrorCode("invalid_kind", "There is no such kind of work.", "Choose another one.", statuses=(422,)),
    ErrorCode(
        "invalid_cursor", "This place in the list is not known any more.",
        "Reload the page.", statuses=(422,),
    ),
    ErrorCode("invalid_model", "This model is not known to the server.", "Choose another one.", statuses=(422,)),
    ErrorCode("invalid_format", "This format is not known to the server.", "Choose another one.", statuses=(422,)),
    ErrorCode(
        "invalid_quality", "This quality is not known to the server.",
        "Choose another one.", statuses=(422,),
    ),
    ErrorCode("invalid_option", "This format has no such option.", "Choose another one.", statuses=(422,)),
    ErrorCode("invalid_output", "A video has no such output.", "Choose another one.", statuses=(422,)),
    ErrorCode("invalid_layout", "There is no such layout of stereo.", "Choose another one.", statuses=(422,)),
    ErrorCode("invalid_codec", "Depth videos are not written like that.", "Choose another one.", statuses=(422,)),
    ErrorCode("invalid_path", "The camera has no such way to go.", "Choose another one.", statuses=(422,)),
    ErrorCode("invalid_level", "There is no such level of detail.", "Choose another one.", statuses=(422,)),
    ErrorCode(
        "range_not_satisfiable", "That part of the file does not exist.",
        "Load the whole file again.", statuses=(416,),
    ),
    ErrorCode(
        "search_unavailable", "The library cannot be searched like that.",
        "Search by name instead. The details below say what is switched off.", statuses=(409,),
    ),
    ErrorCode("body_too_large", "The request was too large.", "Ask for less at once.", statuses=(413,)),
    ErrorCode(
        "too_slow", "The request took too long to arrive.",
        "Check your connection, then try again.", statuses=(408,), retriable=True,
    ),
)  # fmt: skip
