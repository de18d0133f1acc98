"""Sources as they are stored and shown; apart from `sources`, which every child process imports at its start."""

from __future__ import annotations

from typing import Annotated

from immichvr_catalog import PHOTO
from pydantic import AliasChoices, BaseModel, BeforeValidator, Field, computed_field

from immichvr_common.sources import Source


def _named(value: object) -> object:
    """A source as it is stored, or the photo's id that the release before stored in its place."""
    return (Source(PHOTO, value) if value else None) if isinstance(value, str) else value


_IN_EITHER_SPELLING = (BeforeValidator(_named), Field(validation_alias=AliasChoices("source", "photo_id")))
StoredSource = Annotated[Source, *_IN_EITHER_SPELLING]
"""The field `source` of what is never about nothing."""


class OfSource(BaseModel):
    """What is stored, or shown, of a source: read in either spelling, written in both."""

    source: Annotated[Source | None, *_IN_EITHER_SPELLING] = None

    @computed_field  # type: ignore[prop-decorator]  # pydantic's own way
    @property
    def photo_id(self) -> str:
        """The source as the release before spells it: the photo's id, or nothing."""
        return self.source.photo_id if self.source is not None else ""
