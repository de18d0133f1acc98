"""The similarity that brings points onto others.

Source: Umeyama, "Least-squares estimation of transformation parameters between two point patterns" (1991).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from immichvr_scenes.cameras import View

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Similarity:
    """x → scale · rotation x + translation. rotation: (3, 3); translation: (3,)."""

    scale: float
    rotation: F64
    translation: F64

    def applied(self, points: npt.NDArray[np.floating]) -> F64:
        """Points, (n, 3), moved."""
        return np.asarray(self.scale * points @ self.rotation.T + self.translation)

    def moved(self, view: View) -> View:
        """A view in the world that its own was moved to."""
        return View.turned(view.name, view.camera, self.applied(view.centre[None])[0], view.rotation @ self.rotation.T)

    def after(self, first: Similarity) -> Similarity:
        """This one after another."""
        return Similarity(
            self.scale * first.scale, self.rotation @ first.rotation, self.applied(first.translation[None])[0]
        )


def similarity(of: F64, onto: F64, weights: F64 | None = None) -> Similarity:
    """The one of least squares. of, onto: (n, 3), not all in one place; weights: (n,).

    Raises ValueError where the points are all in one place, or fewer than two.
    """
    share = np.ones(len(of)) if weights is None else np.asarray(weights, np.float64)
    share = share / share.sum()
    middle, target = share @ of, share @ onto
    centred, wanted = of - middle, onto - target
    spread = float(share @ (centred * centred).sum(axis=1))
    if len(of) < 2 or not spread > 0:
        raise ValueError("points in one place tell no similarity")
    u, stretch, vt = np.linalg.svd((wanted * share[:, None]).T @ centred)
    signs = np.array([1, 1, np.linalg.det(u) * np.linalg.det(vt)])
    rotation = u @ np.diag(signs) @ vt
    scale = float((stretch * signs).sum() / spread)
    return Similarity(scale, rotation, target - scale * rotation @ middle)
