"""Why a live session ends or does not begin."""

from __future__ import annotations

from immichvr_catalog.codes.code import ErrorCode

LIVE = (
    ErrorCode(
        "no_worker", "No worker was free in time.",
        "Try again when the server is less busy.", statuses=(503,), retriable=True,
    ),
    ErrorCode(
        "worker_gone", "The worker of this session has gone.",
        "Begin again.", statuses=(503,), retriable=True,
    ),
    ErrorCode(
        "too_many_sessions", "Too many live sessions are open.",
        "Close one, or try again later.", statuses=(429,), retriable=True,
    ),
    ErrorCode("output_unavailable", "This model cannot show that.", "Choose splats, or another model."),
    ErrorCode(
        "session_over", "This session has lasted as long as one may.",
        "Begin again to go on.", retriable=True,
    ),
    ErrorCode(
        "idle", "Nothing came for a while, so the session was closed.",
        "Begin again to go on.", statuses=(408,), retriable=True,
    ),
    ErrorCode(
        "invalid_message", "The server did not understand this page.",
        "Reload it, then begin again.", statuses=(422,),
    ),
    ErrorCode(
        "too_large", "What was sent is too large.",
        "Choose a lower quality, or something smaller.", statuses=(413,),
    ),
)  # fmt: skip
