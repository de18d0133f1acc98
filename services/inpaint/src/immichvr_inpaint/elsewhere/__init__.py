"""Scenes that are trained at a service elsewhere: the one place from which anything leaves the house."""

from immichvr_inpaint.elsewhere.adapter import CloudFailed, CloudTrainer, RemoteState
from immichvr_inpaint.elsewhere.opening import end_elsewhere, named_elsewhere, open_trainer

__all__ = ["CloudFailed", "CloudTrainer", "RemoteState", "end_elsewhere", "named_elsewhere", "open_trainer"]
