"""What can be wrong with a scene that is to be completed, by the code that services report."""

from immichvr_scenes.errors import SceneError


class InvalidCompletion(SceneError):
    """Options that no completion can follow; the message says what would be right."""

    code = "invalid_request"


class CannotComplete(SceneError):
    """There is nothing to look at the scene from, or nothing to look at."""

    code = "cannot_complete"


class NothingMissing(SceneError):
    """No view shows a hole that is worth filling."""

    code = "nothing_missing"
