"""Ways to take pictures of the room: where the camera stands, picture after picture."""

from __future__ import annotations

import numpy as np

from immichvr_scenes.cameras import Camera, View

_EYE = -1.5
_TARGET = (0.2, -1.0, 4.6)


def through(camera: Camera, count: int) -> list[View]:
    """Somebody walks through the room from the left to the right, two and a half metres, looking at its far end."""
    views = []
    for index, share in enumerate(np.linspace(0, 1, count)):
        eye = (2.4 * (share - 0.5), _EYE + 0.15 * np.sin(6 * share), 0.5 + 1.3 * np.sin(np.pi * share))
        target = (_TARGET[0] + 0.8 * (share - 0.5), _TARGET[1], _TARGET[2])
        views.append(View.looking(_name(index), camera, eye, target))
    return views


def around(camera: Camera, count: int, radius: float = 1.1) -> list[View]:
    """A closed loop of the camera, at whose middle somebody would stand."""
    views = []
    for index in range(count):
        angle = 2 * np.pi * index / count
        eye = (radius * np.cos(angle), _EYE + 0.35 * np.sin(angle + 0.7), 1.3 + 0.6 * np.sin(angle))
        views.append(View.looking(_name(index), camera, eye, _TARGET))
    return views


def shaking(camera: Camera, count: int, reach: float = 0.05, seed: int = 0) -> list[View]:
    """A hand that holds still for a moment, as in a Live Photo: at most `reach` metres from the first place."""
    rng = np.random.default_rng(seed)
    phases = rng.uniform(0, 2 * np.pi, 3)
    time = np.linspace(0, 1, count)
    sway = np.stack([np.sin(2 * np.pi * time + phases[0]), np.sin(4 * np.pi * time + phases[1]) * 0.6,
                     np.sin(3 * np.pi * time + phases[2]) * 0.5])  # fmt: skip
    sway -= sway[:, :1]
    sway *= reach / np.linalg.norm(sway, axis=0).max()
    start = np.array([-0.2, _EYE, 0.9])
    return [
        View.looking(_name(index), camera, start + step, np.array(_TARGET) + 0.6 * step[::-1])
        for index, step in enumerate(sway.T)
    ]


def turning(camera: Camera, count: int, degrees: float = 40.0) -> list[View]:
    """A camera on a tripod that turns, and goes nowhere."""
    eye = np.array([0.0, _EYE, 1.2])
    views = []
    for index, angle in enumerate(np.radians(np.linspace(-degrees / 2, degrees / 2, count))):
        ahead = np.array([np.sin(angle), 0.05 * np.sin(3 * angle), np.cos(angle)])
        views.append(View.looking(_name(index), camera, eye, eye + ahead))
    return views


def standing_still(camera: Camera, count: int) -> list[View]:
    """The same view again and again."""
    return [View(_name(index), camera, through(camera, 3)[1].world_to_camera) for index in range(count)]


def _name(index: int) -> str:
    return f"{index:04}"
