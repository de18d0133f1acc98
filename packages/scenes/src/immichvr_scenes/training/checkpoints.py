"""The state of a run between two steps as bytes: tensors in the safetensors format, the rest as JSON in its header.

Nothing in such a file is ever executed. A run on the CPU that is taken up again gives the bytes that it would have
given without the break, on the same kind of machine, whatever the number of its cores.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

_FORMAT = "immichvr-training-1"
_HEADER_LENGTH_BYTES = 8
_MOST_HEADER_BYTES = 64 << 20


class InvalidCheckpoint(ValueError):
    """Bytes that are no checkpoint, or one of other work."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """tensors: by name. facts: what JSON holds. work: what the run is about; another's checkpoint is of no use."""

    work: str
    tensors: dict[str, torch.Tensor]
    facts: dict[str, Any]

    def packed(self) -> bytes:
        """As bytes."""
        tensors = {name: value.detach().cpu().contiguous() for name, value in self.tensors.items()}
        data = save(tensors, {"format": _FORMAT, "work": self.work, "facts": json.dumps(self.facts, sort_keys=True)})
        return bytes(data)

    @classmethod
    def unpacked(cls, data: bytes, work: str | None = None) -> Checkpoint:
        """Raises InvalidCheckpoint for anything else, and where it is not about `work`."""
        try:
            length = int.from_bytes(data[:_HEADER_LENGTH_BYTES], "little")
            if length > _MOST_HEADER_BYTES:
                raise InvalidCheckpoint("these bytes are no checkpoint: their header would be too long")
            told = json.loads(data[_HEADER_LENGTH_BYTES : _HEADER_LENGTH_BYTES + length])["__metadata__"]
            found = cls(told["work"], load(data), json.loads(told["facts"]))
        except (SafetensorError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
            raise InvalidCheckpoint(f"these bytes are no checkpoint: {error}") from error
        if told.get("format") != _FORMAT:
            raise InvalidCheckpoint(f"this checkpoint is of the format {told.get('format')!r}, wants {_FORMAT!r}")
        if work is not None:
            found.check(work)
        return found

    def check(self, work: str) -> None:
        """Raises InvalidCheckpoint where it is not about `work`."""
        if self.work != work:
            raise InvalidCheckpoint("this checkpoint is of other work: pictures, cameras, points or options differ")
