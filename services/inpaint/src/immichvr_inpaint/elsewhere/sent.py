"""What is known of work that is being done elsewhere, for the try after this one."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from immichvr_scenes.frames import Dropped
from immichvr_scenes.poses import Poses

from immichvr_inpaint.places.files import view_facts, view_of


@dataclass(frozen=True)
class Sent:
    """The job elsewhere, and where the pictures were taken that it was sent; those are found a little otherwise again.

    poses: None where an earlier release wrote it down.
    """

    job: str
    poses: Poses | None = None

    def encode(self) -> bytes:
        """As it is kept."""
        told: dict[str, object] = {"job": self.job}
        if self.poses is not None:
            told |= {
                "views": [view_facts(view) for view in self.poses.views],
                "dropped": [asdict(one) for one in self.poses.dropped],
                "notes": list(self.poses.notes),
                "reprojection_px": self.poses.reprojection_px,
            }
        return json.dumps(told).encode()

    @classmethod
    def decode(cls, kept: bytes | None) -> Sent | None:
        """What `encode` gave; None where nothing was sent, or what came of it is over."""
        told = {} if kept is None else json.loads(kept)
        if not told.get("job"):
            return None
        if "views" not in told:
            return cls(str(told["job"]))
        poses = Poses(
            tuple(view_of(one) for one in told["views"]), tuple(Dropped(**one) for one in told["dropped"]),
            reprojection_px=told["reprojection_px"], notes=tuple(told["notes"]),
        )  # fmt: skip
        return cls(str(told["job"]), poses)


OVER = Sent("")
"""Nothing is being done elsewhere any more."""
