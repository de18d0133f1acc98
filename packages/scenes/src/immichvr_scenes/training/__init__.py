"""Training of Gaussians on pictures with cameras: on CUDA through gsplat, on the CPU with our own rasterizer."""

from immichvr_scenes.training.checkpoints import Checkpoint, InvalidCheckpoint
from immichvr_scenes.training.evaluation import Score, compare, evaluate
from immichvr_scenes.training.options import Quality, Strategy, TrainingOptions, options_for
from immichvr_scenes.training.run import Measured
from immichvr_scenes.training.trainer import Trained, train
from immichvr_scenes.training.watching import Preview, Report, Watch, ignore

__all__ = [
    "Checkpoint",
    "InvalidCheckpoint",
    "Measured",
    "Preview",
    "Quality",
    "Report",
    "Score",
    "Strategy",
    "Trained",
    "TrainingOptions",
    "Watch",
    "compare",
    "evaluate",
    "ignore",
    "options_for",
    "train",
]
