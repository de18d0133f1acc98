"""How large pictures are drawn while the viewer moves, so that they keep up."""

from __future__ import annotations

TARGET_S = 0.1
"""Of a picture while one moves: ten a second."""
SMALLEST_SHARE = 0.5
"""Of each side of what was asked for."""
_TOO_SLOW, _FAST = 1.1, 0.7
_STEP = 1.2


def next_share(share: float, seconds: float) -> float:
    """Which part of each side is drawn next, after a picture with this part took so many seconds."""
    if seconds > TARGET_S * _TOO_SLOW:
        return max(SMALLEST_SHARE, share / _STEP)
    if seconds < TARGET_S * _FAST:
        return min(1.0, share * _STEP)
    return share
