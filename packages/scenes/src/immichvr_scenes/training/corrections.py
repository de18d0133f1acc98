"""What is put right for each picture: its exposure, and where its camera stands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from immichvr_scenes.cameras import View
from immichvr_scenes.rasterizer.projection import turned_by
from immichvr_scenes.training.adam import Adam

_EXPOSURE_RATE = 8e-3
_PIXELS_A_STEP = 0.1
"""How far a picture may turn on the screen at a step, in pixels, at first."""
_HELD_BACK = 1e-3


class Corrections:
    """For each of the trained views: `exposure` (V, 2, 3), logarithms of gains, and offsets; `turn`, `move` (V, 3).

    The exposures' mean is none at all, so that the cloud keeps the pictures' own. move: in extents of the place.
    """

    def __init__(self, views: Sequence[View], extent: float, device: torch.device) -> None:
        self._extent = extent
        count = len(views)
        self.values = {
            "exposure": torch.nn.Parameter(torch.zeros(count, 2, 3, device=device)),
            "turn": torch.nn.Parameter(torch.zeros(count, 3, device=device)),
            "move": torch.nn.Parameter(torch.zeros(count, 3, device=device)),
        }
        self._places = torch.from_numpy(np.stack([view.world_to_camera for view in views])).to(device)
        focal = float(np.median([max(view.camera.fx, view.camera.fy) for view in views]))
        turn_rate = _PIXELS_A_STEP / focal
        self.rates = {"exposure": _EXPOSURE_RATE, "turn": turn_rate, "move": turn_rate}
        self.optimizers = {name: Adam([value], lr=self.rates[name]) for name, value in self.values.items()}

    def exposed(self, rgb: torch.Tensor, index: int) -> torch.Tensor:
        """A picture of the cloud, (h, w, 3), as the camera of a view would have exposed it."""
        gain, offset = (self.values["exposure"][index] - self.values["exposure"].mean(dim=0)).unbind(0)
        return rgb * gain.exp() + offset

    def place(self, index: int) -> torch.Tensor:
        """World to camera of a view, (4, 4) float32, with gradients."""
        place = self._places[index]
        turn = turned_by(self.values["turn"][index]).to(place.dtype)
        moved = turn @ place[:3, 3] + self.values["move"][index].to(place.dtype) * self._extent
        top = torch.cat([turn @ place[:3, :3], moved[:, None]], dim=1)
        return torch.cat([top, place[3:]]).float()

    def held_back(self, index: int) -> torch.Tensor:
        """What keeps a camera from wandering: a loss."""
        return _HELD_BACK * (self.values["turn"][index].square().sum() + self.values["move"][index].square().sum())

    def refined(self, views: Sequence[View]) -> list[View]:
        """The views where they stand now."""
        with torch.no_grad():
            places = [self.place(index).double().cpu().numpy() for index in range(len(views))]
        return [View(view.name, view.camera, _rigid(place)) for view, place in zip(views, places, strict=True)]

    def step(self, share: float, names: Sequence[str]) -> None:
        """One step of those of `names`; share: of their first rates."""
        for name in names:
            optimizer = self.optimizers[name]
            optimizer.param_groups[0]["lr"] = self.rates[name] * share
            optimizer.step()
        self.forget_gradients()

    def forget_gradients(self) -> None:
        """Of all values."""
        for optimizer in self.optimizers.values():
            optimizer.zero_grad()


def _rigid(place: np.ndarray) -> np.ndarray:
    """The nearest rigid movement: float32 has left a trace."""
    left, _, right = np.linalg.svd(place[:3, :3])
    place[:3, :3] = left @ right
    place[3] = [0, 0, 0, 1]
    return place
