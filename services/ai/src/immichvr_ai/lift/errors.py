"""What can be wrong with what is to be lifted."""


class LiftError(ValueError):
    """The photo, its depth or the focal length cannot be lifted; the message says what would do."""
