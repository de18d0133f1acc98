"""What assets of scenes are called by: how they were made, and what of another was completed."""

from __future__ import annotations

GAUSSIANS = "gaussians"
"""The model key of a scene that was trained."""
CLOUD = "cloud"
"""Of one that was trained elsewhere."""
_COMPLETED = "-inpainted-"


def completed_key(model_key: str, method: str) -> str:
    """The model key of what a method completed of the splat by a model."""
    return f"{model_key}{_COMPLETED}{method}"


def is_completed(model_key: str) -> bool:
    """Whether it is that of something completed."""
    return _COMPLETED in model_key


def before_completion(model_key: str) -> str:
    """The model key of what was completed; itself where nothing was."""
    return model_key.partition(_COMPLETED)[0]


def completed_method(model_key: str) -> str:
    """The method that completed it last; empty where nothing was."""
    return model_key.rpartition(_COMPLETED)[2] if is_completed(model_key) else ""
