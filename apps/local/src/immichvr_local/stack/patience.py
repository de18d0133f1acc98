"""How long the supervisor waits for what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """start_s: for all parts to become ready. tries: starts of a part that never was ready.

    first_delay_s: before a part is started again, doubled each time up to longest_delay_s; back to the first one
    after it ran for healthy_s. asked_every_s: between questions to a part whether it is well; answer_s: how long
    one may take; misses: how many in a row must fail before the part is started again.
    """

    start_s: float = 120
    tries: int = 3
    first_delay_s: float = 0.5
    longest_delay_s: float = 30
    healthy_s: float = 30
    asked_every_s: float = 5
    answer_s: float = 5
    misses: int = 4

    def delay(self, deaths: int) -> float:
        """Seconds to wait after so many deaths in a row."""
        return float(min(self.first_delay_s * 2.0 ** (deaths - 1), self.longest_delay_s))
