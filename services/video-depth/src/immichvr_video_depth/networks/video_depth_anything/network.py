"""The network: a clip in, its depth out."""

from __future__ import annotations

from torch import Tensor, nn

from immichvr_video_depth.networks.video_depth_anything.encoder import Encoder
from immichvr_video_depth.networks.video_depth_anything.head import Head
from immichvr_video_depth.networks.video_depth_anything.shapes import Shape
from immichvr_video_depth.networks.video_depth_anything.temporal import Step


class VideoDepthAnything(nn.Module):  # type: ignore[misc]  # torch has no types here
    """Depth of the frames of a clip, which see each other. Its tensors have the names of published files."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.pretrained = Encoder(shape)
        self.head = Head(shape)

    def forward(self, clips: Tensor, step: Step | None = None) -> Tensor:
        """Depth (B, T, H, W) float32, not negative, of clips (B, T, 3, H, W), normalised.

        T is 32 at most, and both sides are multiples of 14. step: gives what earlier frames left, and takes what these
        leave, where they come one by one.
        """
        batch, frames = clips.shape[:2]
        taps = self.pretrained(clips.flatten(0, 1))
        depth = self.head(taps, frames, step or Step())
        return depth.float().squeeze(1).unflatten(0, (batch, frames))
