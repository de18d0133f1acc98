"""What `/api/ready` says."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Trouble(BaseModel):
    """What is wrong with storage, for programs and for people."""

    where: str = Field(description="s3, nats or disk")
    code: str
    message: str
    restart: bool = Field(False, description="whether it stays until NATS is started again")


class Readiness(BaseModel):
    """Whether everything is as it should be.

    started: what was known before has been read; tasks: nothing inside has failed; room: there is some for more.
    """

    nats: bool
    s3: bool
    started: bool
    tasks: bool
    room: bool
    set_aside: int = Field(0, description="messages that could not be read or believed since the start")
    storage: list[Trouble] = Field([], description="what is known to be wrong with storage")
    problems: list[str] = Field([], description="everything that is known to be wrong, for people")
    remarks: list[str] | None = Field(None, description="what is good to know of the library, and is nothing wrong")
    folder: bool | None = Field(None, description="whether the folder of photos is there, where that is the library")
    immich: bool | None = Field(None, description="whether Immich answers, where that is the library")

    @property
    def is_all_well(self) -> bool:
        """Whether everything is."""
        return self.nats and self.s3 and self.started and self.tasks and self.room
