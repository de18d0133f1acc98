"""Numbers as JSON has them; pydantic alone would take a text or a truth value for one too."""

from __future__ import annotations

from pydantic import BeforeValidator


def _number(value: object) -> object:
    if isinstance(value, bool | str):
        raise ValueError("is not a number")
    return value


NUMBER = BeforeValidator(_number)
"""To be put behind the bounds of an `int` or a `float`, so that the API's description has them."""
