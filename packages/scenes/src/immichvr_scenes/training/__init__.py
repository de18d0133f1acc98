"""Training of Gaussians on pictures with cameras: on CUDA through gsplat, on the CPU with our own rasterizer."""

from immichvr_scenes.training.checkpoints import Checkpoint, InvalidCheckpoint
from immichvr_scenes.training.evaluation import Score, compare, evaluate
from immichvr_scenes.training.options import Quality, Strategy, TrainingOptions, options_for
from immichvr_scenes.training.run import Measured
from immichvr_scenes.training.trainer import Trained, train
from immichvr_scenes.training.watching import UNWATCHED, Preview, Watch

__all__ = [
    "UNWATCHED",
    "Checkpoint",
    "InvalidCheckpoint",
    "Measured",
    "Preview",
    "Quality",
    "Score",
    "Strategy",
    "Trained",
    "TrainingOptions",
    "Watch",
    "compare",
    "evaluate",
    "options_for",
    "train",
]
