"""What can go wrong with a model, by the code that services report."""

from __future__ import annotations

from immichvr_models import DownloadError


class ModelError(ValueError):
    """A model did not do what was asked of it.

    code: the word for it in every answer of the system. remedy: what a person can do about it, where that is known.
    """

    code: str = "model_error"
    remedy: str = ""

    @property
    def advice(self) -> str:
        """The message, and what can be done about it."""
        return f"{self}; {self.remedy}" if self.remedy else str(self)


class UnknownModel(ModelError):
    """The model that was asked for does not exist, or does not make what was asked for."""

    code = "unknown_model"


class ModelUnavailable(ModelError):
    """The model exists and cannot run on this photo, here and now.

    code: `no_embedded_depth`, `not_installed`, `invalid_weights`, `out_of_memory`, or what stopped the download of
        the weights (`no_network`, `no_space`, `licence_required`, `consent_required`, `bad_checksum`, `not_found`).
    """

    def __init__(self, model: str, code: str, message: str, remedy: str = "") -> None:
        super().__init__(f"{model}: {message}")
        self.model = model
        self.code = code
        self.remedy = remedy

    @classmethod
    def not_fetched(cls, model: str, error: DownloadError) -> ModelUnavailable:
        """A model whose weights are not here and could not be fetched."""
        return cls(model, error.code, str(error), error.remedy)


class NotEnoughMemory(ModelUnavailable):
    """The device has less memory free than the model needs; nothing was loaded."""

    def __init__(self, model: str, message: str) -> None:
        super().__init__(model, "out_of_memory", message)


class DeviceFailed(ModelError):
    """The GPU reported a failure after which this process cannot use it any more; another one may."""

    code = "worker_crashed"
    retriable = True
