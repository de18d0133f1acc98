"""What an error is: a code that programs tell it by, and words for people."""

from __future__ import annotations

import re
from dataclasses import dataclass

from immichvr_catalog.errors import CatalogError

_CODE = re.compile(r"[a-z]+(_[a-z]+)*")


@dataclass(frozen=True)
class ErrorCode:
    """Something that can go wrong.

    sentence: what happened. remedy: what can be done about it. statuses: of HTTP, where the API answers so; none where
    only a job or a live session ends so. retriable: whether the same, asked for again, may go well.
    """

    name: str
    sentence: str
    remedy: str
    statuses: tuple[int, ...] = ()
    retriable: bool = False

    def __post_init__(self) -> None:
        if _CODE.fullmatch(self.name) is None:
            raise CatalogError(f"{self.name!r} is no code of an error: lower-case words with underscores between")
        for text in (self.sentence, self.remedy):
            if not text.endswith("."):
                raise CatalogError(f"the error {self.name!r} is told in sentences, not as {text!r}")
        if not all(400 <= status <= 599 for status in self.statuses):
            raise CatalogError(f"the error {self.name!r} has a status of HTTP from 400 to 599, not {self.statuses!r}")
