"""What work is done on and assets are made of: a photo, a video, a set of photos, a scene."""

from __future__ import annotations

from dataclasses import dataclass

from immichvr.common.v1 import common_pb2
from immichvr.events.v1.events_pb2 import AssetEvent, Job, JobEvent
from immichvr_catalog import PHOTO

_IS = "="


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """One source of work. id: opaque, unique among those of its kind, and one word of a subject.

    Where the release before said no kind, it is a photo: it knew no other.
    """

    kind: str
    id: str

    @classmethod
    def of(cls, message: Job | JobEvent | AssetEvent) -> Source | None:
        """What a message is about, in either spelling; None where it is about nothing, as a model's job is."""
        if message.HasField("source"):
            kind, name = message.source.kind or PHOTO, message.source.id
        else:
            kind, name = PHOTO, message.photo_id
        return cls(kind, name) if name else None

    @classmethod
    def photo(cls, photo_id: str) -> Source:
        """The photo of that id."""
        return cls(PHOTO, photo_id)

    @classmethod
    def of_word(cls, word: str) -> Source:
        """The source that `word` names."""
        kind, is_kind, name = word.rpartition(_IS)
        return cls(kind if is_kind else PHOTO, name)

    @property
    def word(self) -> str:
        """One word of a key that no other source has. No id has the sign in it that other kinds than photos have."""
        return self.id if self.kind == PHOTO else f"{self.kind}{_IS}{self.id}"

    @property
    def photo_id(self) -> str:
        """How the release before, which knew photos alone, spells it: the photo's id, or nothing."""
        return self.id if self.kind == PHOTO else ""

    def put(self, message: Job | JobEvent | AssetEvent) -> None:
        """Says in a message what it is about, in both spellings."""
        message.source.CopyFrom(common_pb2.Source(kind=self.kind, id=self.id))
        message.photo_id = self.photo_id

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
