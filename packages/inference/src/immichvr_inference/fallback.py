"""One model in another's place: the first of several that can run, and why it was not an earlier one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, Self, TypeVar

from immichvr_inference.errors import ModelUnavailable


class Attributed(Protocol):
    """What a model made, as far as it tells which one did.

    made_by: the model, in words; reason: why it ran where another was preferred, empty if it was the first choice.
    """

    @property
    def made_by(self) -> str: ...

    @property
    def reason(self) -> str: ...

    def with_reason(self, reason: str) -> Self:
        """The same with this reason."""


T = TypeVar("T", bound=Attributed)


def first_that_runs(
    candidates: Sequence[str], run: Callable[[str], T], declining: type[ModelUnavailable] = ModelUnavailable
) -> T:
    """What the first of these models makes that can run, with what stopped those before it as its reason.

    candidates: keys of models, at least one. declining: the errors that give the next one its turn; the last one's
    error, and every other, is the caller's.
    """
    declined: list[str] = []
    for key in candidates[:-1]:
        try:
            return _explained(run(key), declined)
        except declining as error:
            declined.append(str(error))
    return _explained(run(candidates[-1]), declined)


def _explained(made: T, declined: list[str]) -> T:
    if not declined:
        return made
    return made.with_reason("; ".join([*declined, made.reason or f"{made.made_by} was used"]))
