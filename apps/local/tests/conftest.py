"""A small photo, and the command run in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs `immichvr` with arguments, offline and without anything of the user's."""
    from immichvr_local.cli import app

    monkeypatch.setenv("IMMICHVR_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("IMMICHVR_MODELS_OFFLINE", "1")
    monkeypatch.setenv("IMMICHVR_DATA", str(tmp_path / "data"))
    return lambda *arguments: CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo of a bright square before a gradient, 96×64."""
    pixels = np.zeros((64, 96, 3), np.uint8)
    pixels[..., 2] = np.linspace(30, 220, 64, dtype=np.uint8)[:, None]
    pixels[20:50, 30:60] = (230, 200, 60)
    path = tmp_path_factory.mktemp("photos") / "square.png"
    Image.fromarray(pixels).save(path)
    return path
