"""The repository, and the ways of rendering its chart."""

from __future__ import annotations

from pathlib import Path

from immichvr_helm_check.matrix import Way, ways

ROOT = Path(__file__).resolve().parents[3]
WAYS: dict[str, Way] = {way.name: way for way in ways(ROOT)}
