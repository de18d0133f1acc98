"""Scenes that are trained at a service elsewhere: the one place from which anything leaves the house."""

from immichvr_inpaint.elsewhere.adapter import CloudFailed, CloudTrainer, RemoteState
from immichvr_inpaint.elsewhere.training import open_trainer, train_elsewhere

__all__ = ["CloudFailed", "CloudTrainer", "RemoteState", "open_trainer", "train_elsewhere"]
