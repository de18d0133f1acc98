"""The codes by which errors are told."""

import pytest
from immichvr_common.errors import Unavailable, code_of


class OfAnotherPackage(ValueError):
    code = "invalid_image"


class OfALibrary(Exception):
    """As gRPC's are: what it calls by that name is no word."""

    def code(self) -> int:
        return 14


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unavailable("S3 is away", "s3"), "unavailable"),
        (OfAnotherPackage("no picture"), "invalid_image"),
        (OfALibrary(), "internal"),
        (KeyError("key"), "internal"),
    ],
)
def test_an_error_is_called_what_it_says_of_itself_if_that_is_a_word(error: Exception, code: str) -> None:
    assert code_of(error, "internal") == code
