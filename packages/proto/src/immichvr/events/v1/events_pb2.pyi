import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from immichvr.common.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class JobState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_STATE_UNSPECIFIED: _ClassVar[JobState]
    JOB_STATE_QUEUED: _ClassVar[JobState]
    JOB_STATE_RUNNING: _ClassVar[JobState]
    JOB_STATE_SUCCEEDED: _ClassVar[JobState]
    JOB_STATE_FAILED: _ClassVar[JobState]
    JOB_STATE_CANCELLED: _ClassVar[JobState]
JOB_STATE_UNSPECIFIED: JobState
JOB_STATE_QUEUED: JobState
JOB_STATE_RUNNING: JobState
JOB_STATE_SUCCEEDED: JobState
JOB_STATE_FAILED: JobState
JOB_STATE_CANCELLED: JobState

class Job(_message.Message):
    __slots__ = ("id", "kind", "photo_id", "run", "requesters", "params", "inputs", "recipes", "source_version", "bucket", "deadline_s", "created_at", "traceparent", "source_name", "source_note", "source", "grants", "asked_at", "withdrawn", "superseded")
    class InputsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _common_pb2.ObjectRef
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_common_pb2.ObjectRef, _Mapping]] = ...) -> None: ...
    class RecipesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PHOTO_ID_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    REQUESTERS_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    RECIPES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_VERSION_FIELD_NUMBER: _ClassVar[int]
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_S_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_NAME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_NOTE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    ASKED_AT_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    SUPERSEDED_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: str
    photo_id: str
    run: int
    requesters: _containers.RepeatedScalarFieldContainer[str]
    params: _struct_pb2.Struct
    inputs: _containers.MessageMap[str, _common_pb2.ObjectRef]
    recipes: _containers.ScalarMap[str, str]
    source_version: str
    bucket: str
    deadline_s: int
    created_at: _timestamp_pb2.Timestamp
    traceparent: str
    source_name: str
    source_note: str
    source: _common_pb2.Source
    grants: Grants
    asked_at: _timestamp_pb2.Timestamp
    withdrawn: bool
    superseded: _containers.RepeatedCompositeFieldContainer[_timestamp_pb2.Timestamp]
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[str] = ..., photo_id: _Optional[str] = ..., run: _Optional[int] = ..., requesters: _Optional[_Iterable[str]] = ..., params: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., inputs: _Optional[_Mapping[str, _common_pb2.ObjectRef]] = ..., recipes: _Optional[_Mapping[str, str]] = ..., source_version: _Optional[str] = ..., bucket: _Optional[str] = ..., deadline_s: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., traceparent: _Optional[str] = ..., source_name: _Optional[str] = ..., source_note: _Optional[str] = ..., source: _Optional[_Union[_common_pb2.Source, _Mapping]] = ..., grants: _Optional[_Union[Grants, _Mapping]] = ..., asked_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., withdrawn: bool = ..., superseded: _Optional[_Iterable[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]]] = ...) -> None: ...

class Grants(_message.Message):
    __slots__ = ("accepted", "token", "keep_ply", "stand_ins")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    KEEP_PLY_FIELD_NUMBER: _ClassVar[int]
    STAND_INS_FIELD_NUMBER: _ClassVar[int]
    accepted: _containers.RepeatedScalarFieldContainer[str]
    token: str
    keep_ply: bool
    stand_ins: bool
    def __init__(self, accepted: _Optional[_Iterable[str]] = ..., token: _Optional[str] = ..., keep_ply: bool = ..., stand_ins: bool = ...) -> None: ...

class Phase(_message.Message):
    __slots__ = ("stage", "at", "seconds")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    stage: str
    at: _timestamp_pb2.Timestamp
    seconds: float
    def __init__(self, stage: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., seconds: _Optional[float] = ...) -> None: ...

class Output(_message.Message):
    __slots__ = ("kind", "asset_key", "manifest", "files", "model_key", "recipe")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ASSET_KEY_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    MODEL_KEY_FIELD_NUMBER: _ClassVar[int]
    RECIPE_FIELD_NUMBER: _ClassVar[int]
    kind: str
    asset_key: str
    manifest: _common_pb2.ObjectRef
    files: _containers.RepeatedCompositeFieldContainer[_common_pb2.ObjectRef]
    model_key: str
    recipe: str
    def __init__(self, kind: _Optional[str] = ..., asset_key: _Optional[str] = ..., manifest: _Optional[_Union[_common_pb2.ObjectRef, _Mapping]] = ..., files: _Optional[_Iterable[_Union[_common_pb2.ObjectRef, _Mapping]]] = ..., model_key: _Optional[str] = ..., recipe: _Optional[str] = ...) -> None: ...

class JobEvent(_message.Message):
    __slots__ = ("job_id", "kind", "photo_id", "run", "attempt", "seq", "state", "progress", "timeline", "error", "outputs", "at", "worker", "traceparent", "job", "address", "begun", "source")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PHOTO_ID_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    TIMELINE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    BEGUN_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    kind: str
    photo_id: str
    run: int
    attempt: int
    seq: int
    state: JobState
    progress: _common_pb2.Progress
    timeline: _containers.RepeatedCompositeFieldContainer[Phase]
    error: _common_pb2.Error
    outputs: _containers.RepeatedCompositeFieldContainer[Output]
    at: _timestamp_pb2.Timestamp
    worker: str
    traceparent: str
    job: Job
    address: str
    begun: int
    source: _common_pb2.Source
    def __init__(self, job_id: _Optional[str] = ..., kind: _Optional[str] = ..., photo_id: _Optional[str] = ..., run: _Optional[int] = ..., attempt: _Optional[int] = ..., seq: _Optional[int] = ..., state: _Optional[_Union[JobState, str]] = ..., progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., timeline: _Optional[_Iterable[_Union[Phase, _Mapping]]] = ..., error: _Optional[_Union[_common_pb2.Error, _Mapping]] = ..., outputs: _Optional[_Iterable[_Union[Output, _Mapping]]] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., worker: _Optional[str] = ..., traceparent: _Optional[str] = ..., job: _Optional[_Union[Job, _Mapping]] = ..., address: _Optional[str] = ..., begun: _Optional[int] = ..., source: _Optional[_Union[_common_pb2.Source, _Mapping]] = ...) -> None: ...

class AssetEvent(_message.Message):
    __slots__ = ("photo_id", "output", "at", "source")
    PHOTO_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    photo_id: str
    output: Output
    at: _timestamp_pb2.Timestamp
    source: _common_pb2.Source
    def __init__(self, photo_id: _Optional[str] = ..., output: _Optional[_Union[Output, _Mapping]] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[_Union[_common_pb2.Source, _Mapping]] = ...) -> None: ...

class ModelEvent(_message.Message):
    __slots__ = ("key", "state", "done_bytes", "total_bytes", "error", "at", "rate", "remaining_s", "worker")
    KEY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DONE_BYTES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    REMAINING_S_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    key: str
    state: str
    done_bytes: int
    total_bytes: int
    error: _common_pb2.Error
    at: _timestamp_pb2.Timestamp
    rate: float
    remaining_s: float
    worker: str
    def __init__(self, key: _Optional[str] = ..., state: _Optional[str] = ..., done_bytes: _Optional[int] = ..., total_bytes: _Optional[int] = ..., error: _Optional[_Union[_common_pb2.Error, _Mapping]] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., rate: _Optional[float] = ..., remaining_s: _Optional[float] = ..., worker: _Optional[str] = ...) -> None: ...

class DeadJob(_message.Message):
    __slots__ = ("job", "error", "deliveries", "at")
    JOB_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    job: Job
    error: _common_pb2.Error
    deliveries: int
    at: _timestamp_pb2.Timestamp
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ..., error: _Optional[_Union[_common_pb2.Error, _Mapping]] = ..., deliveries: _Optional[int] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
