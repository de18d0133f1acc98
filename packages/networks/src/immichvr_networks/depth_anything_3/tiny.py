"""A small backbone of upstream's classes, for networks of random weights. Imported by upstream, by its path."""

from __future__ import annotations

from typing import Any

from depth_anything_3.model.dinov2.dinov2 import DinoV2
from depth_anything_3.model.dinov2.vision_transformer import DinoVisionTransformer
from torch import nn

from immichvr_networks.depth_anything_3.inputs import PATCH


class TinyBackbone(DinoV2):  # type: ignore[misc]  # upstream has no types
    """DinoV2 of 4 blocks and `width` features, with the feed-forward layers of the size it stands for.

    Trained at 4 x 4 patches, so to speak: its positions are interpolated for any input, as the real ones are.
    """

    def __init__(self, name: str, out_layers: list[int], width: int, heads: int, **settings: Any) -> None:
        nn.Module.__init__(self)
        self.out_layers = out_layers
        self.pretrained = DinoVisionTransformer(
            img_size=4 * PATCH,
            patch_size=PATCH,
            embed_dim=width,
            depth=4,
            num_heads=heads,
            ffn_layer="swiglufused" if name == "vitg" else "mlp",
            **settings,
        )
