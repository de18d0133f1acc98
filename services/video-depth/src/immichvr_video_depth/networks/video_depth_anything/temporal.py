"""The temporal attention: every place of the picture looks at itself in the other frames."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from immichvr_video_depth.networks.video_depth_anything.shapes import LONGEST

_HEADS = 8
_GROUPS = 32
_ATTENTIONS = 2


class Step:
    """What the temporal attentions of one pass see of earlier frames, and what later ones are to see of this one.

    past: for each attention, in the order in which they run, the states (places, P, C) of earlier frames; none for a
    pass that stands for itself. states: of this pass's frames, (places, T, C), once it has run.
    """

    def __init__(self, past: Sequence[Tensor] = ()) -> None:
        self._past = past
        self.states: list[Tensor] = []

    def with_past(self, states: Tensor) -> Tensor:
        """The states of the next attention (places, P + T, C), those of earlier frames first."""
        index = len(self.states)
        self.states.append(states)
        return torch.cat([self._past[index], states], 1) if self._past else states


class TemporalModule(nn.Module):  # type: ignore[misc]  # torch has no types here
    """Two attentions along time and a feed-forward, added to what comes in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.temporal_transformer = _Transformer(width)

    def forward(self, features: Tensor, step: Step) -> Tensor:
        """Features (B, C, T, h, w) of all frames of a pass."""
        return self.temporal_transformer(features, step)


class _Transformer(nn.Module):  # type: ignore[misc]
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(_GROUPS, width, eps=1e-6)
        self.proj_in = nn.Linear(width, width)
        self.transformer_blocks = nn.ModuleList([_Block(width)])
        self.proj_out = nn.Linear(width, width)

    def forward(self, features: Tensor, step: Step) -> Tensor:
        batch, _, frames, height, width = features.shape
        single = features.transpose(1, 2).flatten(0, 1)  # so that the norm is each frame's own
        places = self.proj_in(self.norm(single).flatten(2).transpose(1, 2))
        for block in self.transformer_blocks:
            places = block(places, frames, step)
        places = self.proj_out(places).transpose(1, 2).unflatten(2, (height, width))
        return (single + places).unflatten(0, (batch, frames)).transpose(1, 2)


class _Block(nn.Module):  # type: ignore[misc]
    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention_blocks = nn.ModuleList(_Attention(width) for _ in range(_ATTENTIONS))
        self.norms = nn.ModuleList(nn.LayerNorm(width, eps=1e-5) for _ in range(_ATTENTIONS))
        self.ff = _FeedForward(width)
        self.ff_norm = nn.LayerNorm(width, eps=1e-5)

    def forward(self, places: Tensor, frames: int, step: Step) -> Tensor:
        for norm, attention in zip(self.norms, self.attention_blocks, strict=True):
            places = places + attention(norm(places), frames, step)
        return places + self.ff(self.ff_norm(places))


class _Attention(nn.Module):  # type: ignore[misc]
    def __init__(self, width: int) -> None:
        super().__init__()
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(width, width, bias=False)
        self.to_v = nn.Linear(width, width, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])
        self.pos_encoder = _Positions(width)

    def forward(self, places: Tensor, frames: int, step: Step) -> Tensor:
        """Places (B * T, h * w, C); frames: T. What is added to them."""
        count = places.shape[1]
        sequences = places.unflatten(0, (-1, frames)).transpose(1, 2).flatten(0, 1)
        seen = self.pos_encoder(step.with_past(sequences))
        query = _heads(self.to_q(seen[:, -frames:]))
        found = functional.scaled_dot_product_attention(query, _heads(self.to_k(seen)), _heads(self.to_v(seen)))
        out = self.to_out[0](found.transpose(1, 2).flatten(2))
        return out.unflatten(0, (-1, count)).transpose(1, 2).flatten(0, 1)


def _heads(sequences: Tensor) -> Tensor:
    return sequences.unflatten(2, (_HEADS, -1)).transpose(1, 2)


class _Positions(nn.Module):  # type: ignore[misc]
    """Adds where in the window a frame is: sines of falling frequency, computed, and part of published files."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("pe", positions(width))

    def forward(self, sequences: Tensor) -> Tensor:
        return sequences + self.pe[:, : sequences.shape[1]].to(sequences.dtype)


def positions(width: int) -> Tensor:
    """The encoding of places in a window: (1, 32, width) float32 on the CPU, sine and cosine by turns."""
    at = torch.arange(LONGEST, dtype=torch.float32, device="cpu")[:, None]  # with values where weights have none yet
    even = torch.arange(0, width, 2, dtype=torch.float32, device="cpu")
    angles = at * torch.exp(even * (-math.log(10000.0) / width))
    return torch.stack([angles.sin(), angles.cos()], 2).flatten(1)[None]


class _FeedForward(nn.Module):  # type: ignore[misc]
    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.ModuleDict({"0": _Gated(width), "2": nn.Linear(4 * width, width)})

    def forward(self, places: Tensor) -> Tensor:
        return self.net["2"](self.net["0"](places))


class _Gated(nn.Module):  # type: ignore[misc]
    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, 8 * width)

    def forward(self, places: Tensor) -> Tensor:
        value, gate = self.proj(places).chunk(2, -1)
        return value * functional.gelu(gate)
