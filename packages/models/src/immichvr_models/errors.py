"""What can stop a model from being fetched, in words and with what to do about it."""

from __future__ import annotations

from typing import Literal

ErrorCode = Literal[
    "no_network",
    "no_space",
    "not_writable",
    "licence_required",
    "consent_required",
    "bad_checksum",
    "not_found",
]


class UnknownModel(ValueError):
    """The registry has no model of this key."""


class DownloadError(ValueError):
    """A model is not here and cannot be fetched.

    code: what stopped it, for programs; the message: in words; remedy: what a person can do about it.
    """

    def __init__(self, code: ErrorCode, message: str, remedy: str) -> None:
        super().__init__(message)
        self.code: ErrorCode = code
        self.remedy = remedy

    def __reduce__(self) -> tuple[type, tuple[str, str, str]]:
        return DownloadError, (self.code, str(self), self.remedy)


class Offline(DownloadError):
    """Downloads are switched off by a setting."""

    def __init__(self) -> None:
        super().__init__(
            "no_network",
            "no network (offline mode is on)",
            "unset HF_HUB_OFFLINE and IMMICHVR_MODELS_OFFLINE, or put the files into the local model directory",
        )

    def __reduce__(self) -> tuple[type, tuple[()]]:  # type: ignore[override]
        return Offline, ()
