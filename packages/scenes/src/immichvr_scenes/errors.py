"""What can be wrong with pictures that are to become a place, by the code that services report."""

from typing import ClassVar


class SceneError(ValueError):
    """Pictures, or a file about them, that no place can be made of; the message says what would do."""

    code: ClassVar[str]
