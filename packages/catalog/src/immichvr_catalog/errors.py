"""What can be wrong with the catalogue."""

from __future__ import annotations

from collections.abc import Iterable


class CatalogError(ValueError):
    """A row that cannot be: the message names it and whoever registered it."""


class UnknownName(KeyError):
    """There is no row of that name; the message lists those that there are."""

    def __init__(self, what: str, name: str, names: Iterable[str]) -> None:
        self.message = f"there is no {what} {name!r}; there are: {', '.join(names)}"
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message
