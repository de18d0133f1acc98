"""The AI service's live sessions with a model that answers at once, so that what remains is transport and packing."""

from __future__ import annotations

import asyncio

import numpy as np
from immichvr_ai.live.frames import Picture
from immichvr_ai.live.gaussians import Gaussians
from immichvr_ai.live.packing import Packed
from immichvr_ai.live.protocol import Output
from immichvr_ai.live.serving import serve_live
from immichvr_ai.settings import AiSettings
from immichvr_common.service import ServiceSpec, serve
from immichvr_common.tasks import Made, Report, Task
from immichvr_depth.compiled import Floats

SPLATS = 21_000


class ReadyMade:
    """Gives the same Gaussians for every frame."""

    key, licence, reason = "ready-made", "Apache-2.0", ""
    makes: tuple[Output, ...] = ("gaussians", "points")

    def __init__(self) -> None:
        random = np.random.default_rng(0)

        def normal(*shape: int) -> Floats:
            return random.standard_normal(shape).astype(np.float32)

        self.gaussians = Gaussians(
            means=normal(SPLATS, 3) + np.array([0, 0, 4], np.float32),
            scales=np.exp(normal(SPLATS, 3) - 4),
            quaternions=normal(SPLATS, 4),
            colours=normal(SPLATS, 3),
            opacities=random.uniform(0.1, 1, SPLATS).astype(np.float32),
        )

    def see(self, picture: Picture, output: Output, process_res: int, sh_degree: int) -> Gaussians:
        """The Gaussians, whatever the picture."""
        return self.gaussians

    def capture(self, picture: Picture) -> Packed:
        """Nothing: benches capture nothing."""
        return Packed(b"", 0, 0)


def perform(task: Task, report: Report) -> list[Made]:
    """Serves one live session."""
    serve_live(task, report, lambda *_: ReadyMade())
    return []


if __name__ == "__main__":
    asyncio.run(serve(ServiceSpec("immichvr_bench.live_worker:perform"), AiSettings()))
