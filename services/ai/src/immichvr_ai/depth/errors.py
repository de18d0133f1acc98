"""What can go wrong before there is a depth map, by the code that services report."""

from __future__ import annotations


class DepthError(ValueError):
    """No depth map was made. `code` is the word for it in every answer of the system."""

    code: str = "depth_error"


class UnknownDepthModel(DepthError):
    """The model that was asked for does not exist."""

    code = "unknown_model"


class DepthUnavailable(DepthError):
    """The model exists and cannot run on this photo, here and now.

    code: `no_embedded_depth`, `invalid_weights`, `out_of_memory`, or what stopped the download of the weights
        (`no_network`, `no_space`, `licence_required`, `consent_required`, `bad_checksum`, `not_found`).
    """

    def __init__(self, model: str, code: str, message: str) -> None:
        super().__init__(f"{model}: {message}")
        self.model = model
        self.code = code
