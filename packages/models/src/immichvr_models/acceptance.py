"""Who accepted which licence on this machine, and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from immichvr_models.disk import writing
from immichvr_models.model import Model
from immichvr_models.records import read_record, write_record

_Stamp = tuple[int, int, int]
"""Which file it is, its bytes and its time of last change."""


class Acceptance(BaseModel):
    """Somebody's yes to a model's licence. licence, url: its name and the address of its text as they were then."""

    model_config = ConfigDict(frozen=True)

    key: str
    who: str
    at: AwareDatetime
    licence: str
    url: str

    def covers(self, model: Model) -> bool:
        """Whether it is a yes to this model's licence as the registry has it now."""
        return (self.key, self.licence, self.url) == (model.key, model.licence.name, model.licence.url)


@dataclass(frozen=True)
class Acceptances:
    """The records of one cache, a file for each model, read when it has changed. They outlive the models' files."""

    directory: Path
    _known: dict[str, tuple[_Stamp, Acceptance]] = field(default_factory=dict, compare=False, repr=False)

    def record(self, model: Model, who: str) -> Acceptance:
        """Note that somebody accepted the model's licence now. Raises DownloadError where it cannot be written."""
        acceptance = Acceptance(
            key=model.key, who=who, at=datetime.now(UTC), licence=model.licence.name, url=model.licence.url
        )
        with writing(self.directory):
            write_record(self._path(model.key), acceptance.model_dump(mode="json"))
        return acceptance

    def find(self, model: Model) -> Acceptance | None:
        """The record that covers the model's present licence, if there is one."""
        acceptance = self._read(model.key)
        return acceptance if acceptance is not None and acceptance.covers(model) else None

    def _read(self, key: str) -> Acceptance | None:
        """What the file says, whatever of: it is asked of every model each time somebody looks at them."""
        path = self._path(key)
        try:
            status = path.stat()
        except OSError:
            self._known.pop(key, None)
            return None
        stamp = status.st_ino, status.st_size, status.st_mtime_ns
        known = self._known.get(key)
        if known is not None and known[0] == stamp:
            return known[1]
        try:
            acceptance = Acceptance.model_validate(read_record(path))
        except ValidationError:  # whatever is wrong with it may pass
            return None
        self._known[key] = stamp, acceptance
        return acceptance

    def _path(self, key: str) -> Path:
        return self.directory / f"{key}.json"
