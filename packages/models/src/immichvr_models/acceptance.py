"""Who accepted which licence on this machine, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from immichvr_models.disk import writing
from immichvr_models.model import Model
from immichvr_models.records import read_record, write_record


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
    """The records of one cache, a file for each model. They outlive the models' files."""

    directory: Path

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
        try:
            acceptance = Acceptance.model_validate(read_record(self._path(model.key)))
        except ValidationError:
            return None
        return acceptance if acceptance.covers(model) else None

    def _path(self, key: str) -> Path:
        return self.directory / f"{key}.json"
