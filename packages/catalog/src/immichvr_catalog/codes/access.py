"""Who may not, and what the library does not let happen by itself."""

from __future__ import annotations

from immichvr_catalog.codes.code import ErrorCode

ACCESS = (
    # who may
    ErrorCode("unauthorized", "You are signed out.", "Sign in again to go on.", statuses=(401,)),
    ErrorCode("forbidden", "You are not allowed to do this.", "Ask the owner of the photo or of the server."),
    ErrorCode(
        "not_permitted", "Immich does not let you do this.",
        "The details below say what is missing.", statuses=(403,),
    ),
    ErrorCode(
        "password_required", "This link asks for a password.",
        "Whoever shared it can tell you.", statuses=(401,),
    ),
    ErrorCode(
        "read_only", "This link only shows photos.",
        "Sign in to do more than look.", statuses=(403,),
    ),
    ErrorCode(
        "refused", "The server does not take this from here.",
        "Open ImmichVR by its own address. The details below say which setting changes that.", statuses=(403,),
    ),
    ErrorCode(
        "too_many_requests", "You have asked too often.",
        "Wait a moment; `Retry-After` says how long, and `RateLimit` how much is left.", statuses=(429,),
        retriable=True,
    ),
    ErrorCode(
        "too_many_attempts", "Too many attempts to sign in.",
        "Wait a while, then try again with the right one.", statuses=(429,), retriable=True,
    ),
    # what happens by itself
    ErrorCode(
        "no_address", "Immich cannot be told where this server is.",
        "Whoever runs it should set the address at which Immich reaches it; the details below name the setting.",
        statuses=(409,),
    ),
    ErrorCode(
        "external_library", "This photo's file is in an external library of Immich.",
        "Say that clips may be linked to those too.", statuses=(409,),
    ),
    ErrorCode(
        "has_live_video", "Immich has a video of its own for this photo.", "It is left as it is.", statuses=(409,),
    ),
    ErrorCode("no_clip", "There is no motion clip of this photo yet.", "Make it first.", statuses=(409,)),
    ErrorCode(
        "too_many_clips", "Too many photos of yours move in Immich already.", "Take some off first.",
        statuses=(409,),
    ),
    ErrorCode(
        "immich_full", "Immich has no room left for you.",
        "Remove something there, or ask whoever runs it to raise your limit.", statuses=(507,),
    ),
    ErrorCode(
        "no_workflows", "This library cannot tell of new photos.",
        "That takes Immich, of version 3.0 or newer.", statuses=(409,),
    ),
)  # fmt: skip
