"""torchvision beside a torch that is not built for CUDA, for packages that import it and use none of its operators."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

_declarations: list[Any] = []  # torch forgets a declaration with the object that made it


def import_torchvision() -> None:
    """Import torchvision. Raises ModuleNotFoundError where it is not installed.

    The wheels on PyPI are built for CUDA: beside a torch without it the operators do not load, and the import ends
    where it describes two of them. With their signatures declared it goes through.
    """
    import torch

    try:
        import torchvision
    except RuntimeError:
        if _declarations:
            raise
        signature = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        _declarations.append(torch.library.Library("torchvision", "FRAGMENT"))
        for operator in ("nms", "qnms"):
            _declarations[-1].define(operator + signature)
        import torchvision  # noqa: F401


def prepare_for_transformers() -> None:
    """Import torchvision first where it is installed: transformers does so, and gives up on networks if it fails."""
    if find_spec("torchvision") is not None:
        import_torchvision()
