"""Days and moments as the API's description has them; pydantic alone would take a number of seconds for one too."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def _written_as(pattern: re.Pattern[str], words: str) -> Callable[[object], object]:
    def check(value: object) -> object:
        if isinstance(value, int | float) or (isinstance(value, str) and not pattern.fullmatch(value)):
            raise ValueError(words)
        return value

    return check


Day = Annotated[date, BeforeValidator(_written_as(_DAY, "is no day, such as 2026-11-29"))]
Moment = Annotated[
    AwareDatetime, BeforeValidator(_written_as(_MOMENT, "is no time with its zone, such as 2026-11-29T08:00:00Z"))
]
