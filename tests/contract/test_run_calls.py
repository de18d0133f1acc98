"""Every kind of job can be asked for by a call too: the services are a public contract."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from google.protobuf.descriptor import MethodDescriptor
from immichvr_catalog import KINDS, SERVICES, is_session
from immichvr_catalog.jobs import JobKind

ROOT = Path(__file__).parents[2]
TOLD = {"progress": "Progress", "result": "TaskResult", "chunk": "FileChunk"}


def call_of(kind: JobKind) -> MethodDescriptor | None:
    """The method Run<Kind> of the service that does this kind."""
    proto = SERVICES[kind.service].proto
    word = proto.split(".")[1]
    module = importlib.import_module(f"{proto}.{word}_pb2")
    name = "Model" if kind.is_of_model else "".join(part.title() for part in kind.name.split("-"))
    found = [service.methods_by_name.get(f"Run{name}") for service in module.DESCRIPTOR.services_by_name.values()]
    return next((method for method in found if method is not None), None)


@pytest.mark.parametrize("name", [name for name in KINDS if not is_session(name)])
def test_each_kind_has_one_call_that_takes_a_task_and_streams_progress_and_result(name: str) -> None:
    method = call_of(KINDS[name])
    assert method is not None, f"the service {KINDS[name].service} has no call for jobs of kind {name}"
    assert (method.client_streaming, method.server_streaming) == (False, True)
    assert "params" in method.input_type.fields_by_name
    told = {field.name: field.message_type.name for field in method.output_type.oneofs_by_name["message"].fields}
    assert told == (TOLD if KINDS[name].asset else {key: TOLD[key] for key in ("progress", "result")})
    if KINDS[name].asset:
        brought = [field for field in method.input_type.fields if field.message_type and field.name != "params"]
        assert {field.message_type.name for field in brought} == {"TaskInput"}
        assert "store_under" in method.input_type.fields_by_name


@pytest.mark.parametrize("name", [name for name in KINDS if not is_session(name)])
def test_a_test_of_its_service_asks_each_call(name: str) -> None:
    method = call_of(KINDS[name])
    assert method is not None
    tests = list((ROOT / "services" / KINDS[name].service / "tests").rglob("test_*.py"))
    assert tests
    assert any(f"stub.{method.name}(" in test.read_text() for test in tests), f"no test asks {method.full_name}"
