"""What stands between us and a service elsewhere: an adapter with four methods.

Another distribution brings one by an entry point of the group GROUP, which names a callable that takes an address and a
token and gives a CloudTrainer; the setting `cloud.adapter` names the entry point. `http.py` is ours, and the example.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

GROUP = "immichvr.cloud"


class CloudFailed(ValueError):
    """The service elsewhere refused, failed, or told what cannot be understood; the message says what it told.

    is_over: the job there has ended, so that nothing will ever come of asking about it again.
    """

    def __init__(self, message: str, *, is_over: bool = False) -> None:
        super().__init__(message)
        self.is_over = is_over

    code = "cloud_failed"


@dataclass(frozen=True)
class RemoteState:
    """How far a job elsewhere is. state: queued, running, done or failed. fraction: 0 to 1. message: for people."""

    state: str
    fraction: float = 0.0
    message: str = ""


class CloudTrainer(Protocol):
    """A service elsewhere. Every method raises CloudFailed."""

    def upload(self, dataset: Path, quality: str) -> str:
        """Sends a dataset, a zip of images with transforms.json in nerfstudio's layout; the job that it becomes."""
        ...

    def poll(self, job: str) -> RemoteState:
        """How far that is."""
        ...

    def download(self, job: str, target: Path) -> None:
        """Fetches what was made: a splat in a format that its first bytes tell, as PLY, SPZ, SOG and GLB do."""
        ...

    def cancel(self, job: str) -> None:
        """Ends it, as nobody wants it any more; one that has ended, or is not known there, is none of our business."""
        ...
