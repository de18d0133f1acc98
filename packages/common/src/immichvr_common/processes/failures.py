"""What an error in a child is called where it is told."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

from immichvr_catalog import ERRORS

from immichvr_common.errors import ServiceError, WorkerCrashed, code_of, disk_full
from immichvr_common.tasks import Failure, Made, TaskResult


def failure_of(error: Exception) -> Failure:
    """The code of an error, its message, and whether the task may be tried again."""
    if type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error):
        return Failure("out_of_memory", f"the work needs more memory than there is: {error}", True)
    error = disk_full(error) or error
    if isinstance(error, ServiceError):
        return Failure(error.code, error.message, error.retriable, error.inputs)
    if code := code_of(error, ""):
        remedy = getattr(error, "remedy", "")
        message = f"{error}; {remedy}" if remedy else str(error)
        known = ERRORS.get(code)
        return Failure(code, message, bool(getattr(error, "retriable", known is not None and known.retriable)))
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(place.filename).name}:{place.lineno}"
    return Failure("internal", f"{type(error).__name__} in {where}: {error}", False)


def result_of(work: Callable[[], list[Made]]) -> TaskResult:
    """The result of a task of a batch, whatever it raises but the end of the whole process. For capabilities."""
    try:
        return TaskResult(made=work())
    except MemoryError:
        raise
    except Exception as error:
        failure = failure_of(error)
        if failure.code == WorkerCrashed.code:
            raise  # nothing can be done in this process any more
        return TaskResult(failure=failure)
