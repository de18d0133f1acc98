"""Asks parts that are up whether they still are: a process that hangs does not end, so nothing else would tell."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from immichvr_local.stack.part import Part
from immichvr_local.stack.patience import Patience

_LATE_S = 1


class Watch:
    """Questions all parts together, again and again, and has those ended that miss several questions in a row.

    should_answer: whether a part's process is far enough to be asked. hung: told of a part and why it is to end.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        patience: Patience,
        should_answer: Callable[[Part], bool],
        hung: Callable[[Part, str], None],
    ) -> None:
        self._parts, self._patience = parts, patience
        self._should_answer, self._hung = should_answer, hung
        self._misses: dict[str, int] = {}

    async def run(self) -> None:
        """Asks until it is cancelled."""
        while True:
            await asyncio.sleep(self._patience.asked_every_s)
            await self._ask_all()

    async def _ask_all(self) -> None:
        asked = [part for part in self._parts if part.healthy is not None and self._should_answer(part)]
        began = time.monotonic()
        answers = await asyncio.gather(*(self._is_well(part) for part in asked), return_exceptions=True)
        # Where nobody answers, or this process itself was late, the machine was asleep, paused or overloaded.
        if True not in answers or time.monotonic() - began > self._patience.answer_s + _LATE_S:
            return
        for part, answer in zip(asked, answers, strict=True):
            misses = 0 if answer is True else self._misses.get(part.name, 0) + 1
            self._misses[part.name] = misses
            if misses >= self._patience.misses:
                self._misses[part.name] = 0
                self._hung(part, f"did not answer {misses} times in a row, so it was ended")

    async def _is_well(self, part: Part) -> bool:
        if part.healthy is None:
            return True
        try:
            return await asyncio.wait_for(part.healthy(), self._patience.answer_s)
        except TimeoutError:
            return False
