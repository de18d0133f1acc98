"""What can be wrong with pictures that are to become a place, by the code that services report."""

from typing import ClassVar


class SceneError(ValueError):
    """Pictures, or a file about them, that no place can be made of; the message says what would do."""

    code: ClassVar[str]


class TooFewPictures(SceneError):
    """Fewer than two pictures that can be used."""

    code = "too_few_pictures"


class TooManyPictures(SceneError):
    """More photos than one place is made of."""

    code = "too_many_pictures"


class AllBlurred(SceneError):
    """No picture is sharp enough for anything to be recognised in it."""

    code = "all_blurred"


class NothingToRecognise(SceneError):
    """Pictures of walls without a pattern, of the sky, of darkness."""

    code = "nothing_to_recognise"


class NoOverlap(SceneError):
    """Pictures that do not show the same things: of different places, or of one from too far apart."""

    code = "no_overlap"


class OnlyTurned(SceneError):
    """Pictures from one spot: the camera turned, and went nowhere, so that nothing tells how far things are."""

    code = "only_turned"


class NothingMoved(SceneError):
    """Pictures that are all the same one."""

    code = "nothing_moved"


class InvalidDataset(SceneError):
    """A folder or an archive that is no dataset of pictures with cameras, or one that would do harm."""

    code = "invalid_dataset"


class DatasetTooLarge(SceneError):
    """A dataset above a limit of files, bytes or pictures."""

    code = "dataset_too_large"


class TooFewPoints(SceneError):
    """There is next to nothing to begin training with."""

    code = "too_few_points"


class NotEnoughMemory(SceneError):
    """Memory did not suffice, not even for fewer Gaussians."""

    code = "out_of_memory"


class GsplatMissing(SceneError):
    """Training on a GPU was asked for where what it takes is not installed."""

    code = "not_installed"
