"""Tables of rows by name: our own, and those that other distributions register.

A distribution registers rows by an entry point of the group `immichvr.catalog`, which names an iterable of rows or a
callable that gives one. Its rows may be of any tables.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, ValuesView
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from immichvr_catalog.errors import CatalogError, UnknownName

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "immichvr.catalog"
"""The group of entry points that register rows."""


class Row(Protocol):
    """What a table holds: something that has a name of its own."""

    @property
    def name(self) -> str: ...


RowT = TypeVar("RowT", bound=Row)


class Table(Mapping[str, RowT]):
    """Rows of one type by their names, in the order in which they were written down; ours first.

    what: what a row is, in words. check: looks at one row beside all others; raises CatalogError where it cannot be.
    Reading raises CatalogError where a registered row is broken, UnknownName for a name that is in no row.
    """

    def __init__(
        self, what: str, row_type: type[RowT], own: Iterable[RowT], check: Callable[[RowT], None] = lambda row: None
    ) -> None:
        self.what, self.row_type, self.check = what, row_type, check
        self._own = tuple(own)
        self._rows: dict[str, RowT] = {}
        _TABLES.append(self)
        self.fill([])

    def __getitem__(self, name: str) -> RowT:
        _load()
        try:
            return self._rows[name]
        except KeyError:
            raise UnknownName(self.what, name, self._rows) from None

    def __contains__(self, name: object) -> bool:
        _load()
        return name in self._rows

    def __iter__(self) -> Iterator[str]:
        _load()
        return iter(self._rows)

    def __len__(self) -> int:
        _load()
        return len(self._rows)

    def values(self) -> ValuesView[RowT]:
        """The rows; a mapping's own way would look every one of them up by its name."""
        _load()
        return self._rows.values()

    def fill(self, registered: Iterable[_Registered]) -> None:
        """Holds our rows and these. Raises CatalogError for a second row of one name."""
        rows: dict[str, RowT] = {}
        for origin, row in [*(("immichvr-catalog", one) for one in self._own), *((r.by, r.row) for r in registered)]:
            if row.name in rows:
                raise CatalogError(f"{origin} registers the {self.what} {row.name!r}, which there is already")
            rows[row.name] = row
        self._rows = rows


@dataclass(frozen=True)
class _Registered:
    """A row, and whose it is."""

    by: str
    row: Any


class _Loading:
    """Whether the rows of other distributions have been read; they are when a table is first read."""

    lock = threading.RLock()
    is_done = False
    is_going_on = False


_TABLES: list[Table[Any]] = []


def reload_rows() -> None:
    """Has the rows of other distributions read anew when next a table is read: some came, or went."""
    with _Loading.lock:
        _Loading.is_done = False


def _load() -> None:
    if _Loading.is_done:
        return
    with _Loading.lock:
        # Who registers rows may look at ours meanwhile.
        if _Loading.is_done or _Loading.is_going_on:
            return
        # Takes as long to import as all else here together, and a child that reads no table has no use for it.
        from importlib.metadata import entry_points

        _Loading.is_going_on = True
        try:
            _fill_all([row for point in entry_points(group=GROUP) for row in _rows_of(point)])
            _Loading.is_done = True
        finally:
            _Loading.is_going_on = False


def _fill_all(registered: list[_Registered]) -> None:
    for table in _TABLES:
        table.fill([])
    for one in registered:
        if not any(isinstance(one.row, table.row_type) for table in _TABLES):
            raise CatalogError(f"{one.by} registers {one.row!r}, which is no row of any table")
    for table in _TABLES:
        table.fill([one for one in registered if isinstance(one.row, table.row_type)])
    for table in _TABLES:
        for row in table.values():
            table.check(row)


def _rows_of(point: EntryPoint) -> list[_Registered]:
    by = f"{point.dist.name if point.dist else 'an unknown distribution'} ({point.value})"
    try:
        found = point.load()
        return [_Registered(by, row) for row in (found() if callable(found) else found)]
    except Exception as error:
        raise CatalogError(f"{by} registers no rows: {type(error).__name__}: {error}") from error
