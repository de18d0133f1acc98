"""The work itself: runs in a child process of the service."""

import hashlib

from google.protobuf import json_format
from immichvr.toymaker.v1.toymaker_pb2 import PlayParams
from immichvr_common.tasks import Made, MadeFile, Report, Task


def perform(task: Task, report: Report) -> list[Made]:
    """A toy that says of what it was made."""
    params = json_format.ParseDict(task.params, PlayParams(), ignore_unknown_fields=True)
    report(0.5, "carved", "carving")
    digest = hashlib.sha256(task.inputs["source"].read_bytes()).hexdigest()
    (task.folder / "toy.txt").write_text(
        f"a {params.colour} toy of the {task.source.kind} {task.source_name}: {digest}"
    )
    return [Made("toy", "wooden", [MadeFile("toy.txt", "toy", "txt", "text/plain")])]
