"""Models of depth for videos, as the engine drives them; and which of them runs."""

from immichvr_video_depth.estimators.choice import VIDEO_MODELS, estimator_for

__all__ = ["VIDEO_MODELS", "estimator_for"]
