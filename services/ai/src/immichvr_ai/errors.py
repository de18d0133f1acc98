"""What can go wrong with a model, by the code that services report."""

from __future__ import annotations


class ModelError(ValueError):
    """A model did not do what was asked of it. `code` is the word for it in every answer of the system."""

    code: str = "model_error"


class UnknownModel(ModelError):
    """The model that was asked for does not exist, or does not make what was asked for."""

    code = "unknown_model"


class ModelUnavailable(ModelError):
    """The model exists and cannot run on this photo, here and now.

    code: `no_embedded_depth`, `not_installed`, `invalid_weights`, `out_of_memory`, or what stopped the download of
        the weights (`no_network`, `no_space`, `licence_required`, `consent_required`, `bad_checksum`, `not_found`).
    remedy: what a person can do about it, where that is known.
    """

    def __init__(self, model: str, code: str, message: str, remedy: str = "") -> None:
        super().__init__(f"{model}: {message}")
        self.model = model
        self.code = code
        self.remedy = remedy


class NotEnoughMemory(ModelUnavailable):
    """The device has less memory free than the model needs; nothing was loaded."""

    def __init__(self, model: str, message: str) -> None:
        super().__init__(model, "out_of_memory", message)


class DeviceFailed(ModelError):
    """The GPU reported a failure after which this process cannot use it any more; another one may."""

    code = "worker_crashed"
    retriable = True


class ImageTooSmall(ValueError):
    """The photo has too few pixels to see depth in."""

    code = "image_too_small"

    @classmethod
    def check(cls, width: int, height: int, least: int) -> None:
        """Raises ImageTooSmall where a side has fewer pixels than `least`."""
        if min(width, height) < least:
            raise cls(f"the photo is {width}×{height} pixels; at least {least} on each side are needed")
