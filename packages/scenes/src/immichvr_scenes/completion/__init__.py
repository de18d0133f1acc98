"""Completion: what is missing from a scene is painted in views of it and put into the scene as new Gaussians."""

from immichvr_scenes.completion.complete import Completed, RoundFacts, complete
from immichvr_scenes.completion.errors import CannotComplete, InvalidCompletion, NothingMissing
from immichvr_scenes.completion.missing import MissingRules
from immichvr_scenes.completion.options import AUTO, METHODS, CompletionOptions, CompletionProgress

__all__ = [
    "AUTO",
    "METHODS",
    "CannotComplete",
    "Completed",
    "CompletionOptions",
    "CompletionProgress",
    "InvalidCompletion",
    "MissingRules",
    "NothingMissing",
    "RoundFacts",
    "complete",
]
