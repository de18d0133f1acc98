"""What schemathesis cannot know: a key under which a request is repeated is of one request alone."""

import re
import uuid
from typing import Any

import schemathesis

_HEADER, _SOUND = "Idempotency-Key", re.compile(r"[\x21-\x7e]{1,255}")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Has every request that carries a sound key carry one of its own."""
    for name, value in list((case.headers or {}).items()):
        if name.lower() == _HEADER.lower() and _SOUND.fullmatch(str(value)):
            case.headers[name] = str(uuid.uuid4())
