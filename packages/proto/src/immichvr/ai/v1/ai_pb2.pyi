from immichvr.common.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DepthParams(_message.Message):
    __slots__ = ("model", "accepted", "points")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    model: str
    accepted: _containers.RepeatedScalarFieldContainer[str]
    points: bool
    def __init__(self, model: _Optional[str] = ..., accepted: _Optional[_Iterable[str]] = ..., points: bool = ...) -> None: ...

class SplatParams(_message.Message):
    __slots__ = ("model", "max_gaussians", "keep_ply", "accepted", "quality")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MAX_GAUSSIANS_FIELD_NUMBER: _ClassVar[int]
    KEEP_PLY_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    model: str
    max_gaussians: int
    keep_ply: bool
    accepted: _containers.RepeatedScalarFieldContainer[str]
    quality: str
    def __init__(self, model: _Optional[str] = ..., max_gaussians: _Optional[int] = ..., keep_ply: bool = ..., accepted: _Optional[_Iterable[str]] = ..., quality: _Optional[str] = ...) -> None: ...

class ModelParams(_message.Message):
    __slots__ = ("key", "accepted")
    KEY_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    key: str
    accepted: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, key: _Optional[str] = ..., accepted: _Optional[_Iterable[str]] = ...) -> None: ...

class LiveParams(_message.Message):
    __slots__ = ("token", "model", "accepted")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    token: str
    model: str
    accepted: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, token: _Optional[str] = ..., model: _Optional[str] = ..., accepted: _Optional[_Iterable[str]] = ...) -> None: ...

class RenderParams(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: str
    def __init__(self, token: _Optional[str] = ...) -> None: ...

class Source(_message.Message):
    __slots__ = ("data", "object")
    DATA_FIELD_NUMBER: _ClassVar[int]
    OBJECT_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    object: _common_pb2.ObjectRef
    def __init__(self, data: _Optional[bytes] = ..., object: _Optional[_Union[_common_pb2.ObjectRef, _Mapping]] = ...) -> None: ...

class DepthRequest(_message.Message):
    __slots__ = ("source", "params")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    source: Source
    params: DepthParams
    def __init__(self, source: _Optional[_Union[Source, _Mapping]] = ..., params: _Optional[_Union[DepthParams, _Mapping]] = ...) -> None: ...

class MadeBy(_message.Message):
    __slots__ = ("model_key", "revision", "reason")
    MODEL_KEY_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    model_key: str
    revision: str
    reason: str
    def __init__(self, model_key: _Optional[str] = ..., revision: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class DepthResponse(_message.Message):
    __slots__ = ("progress", "result")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    result: DepthResult
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., result: _Optional[_Union[DepthResult, _Mapping]] = ...) -> None: ...

class DepthResult(_message.Message):
    __slots__ = ("png", "near", "far", "metric", "made_by")
    PNG_FIELD_NUMBER: _ClassVar[int]
    NEAR_FIELD_NUMBER: _ClassVar[int]
    FAR_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    MADE_BY_FIELD_NUMBER: _ClassVar[int]
    png: bytes
    near: float
    far: float
    metric: bool
    made_by: MadeBy
    def __init__(self, png: _Optional[bytes] = ..., near: _Optional[float] = ..., far: _Optional[float] = ..., metric: bool = ..., made_by: _Optional[_Union[MadeBy, _Mapping]] = ...) -> None: ...

class SplatRequest(_message.Message):
    __slots__ = ("source", "params")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    source: Source
    params: SplatParams
    def __init__(self, source: _Optional[_Union[Source, _Mapping]] = ..., params: _Optional[_Union[SplatParams, _Mapping]] = ...) -> None: ...

class SplatResponse(_message.Message):
    __slots__ = ("progress", "result", "chunk")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    result: SplatResult
    chunk: bytes
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., result: _Optional[_Union[SplatResult, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class SplatResult(_message.Message):
    __slots__ = ("size", "sha256", "gaussians", "made_by")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    GAUSSIANS_FIELD_NUMBER: _ClassVar[int]
    MADE_BY_FIELD_NUMBER: _ClassVar[int]
    size: int
    sha256: str
    gaussians: int
    made_by: MadeBy
    def __init__(self, size: _Optional[int] = ..., sha256: _Optional[str] = ..., gaussians: _Optional[int] = ..., made_by: _Optional[_Union[MadeBy, _Mapping]] = ...) -> None: ...

class DownloadModelRequest(_message.Message):
    __slots__ = ("key", "accepted")
    KEY_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    key: str
    accepted: bool
    def __init__(self, key: _Optional[str] = ..., accepted: bool = ...) -> None: ...

class DownloadModelResponse(_message.Message):
    __slots__ = ("done_bytes", "total_bytes", "rate", "remaining_s", "state")
    DONE_BYTES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    REMAINING_S_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    done_bytes: int
    total_bytes: int
    rate: float
    remaining_s: float
    state: str
    def __init__(self, done_bytes: _Optional[int] = ..., total_bytes: _Optional[int] = ..., rate: _Optional[float] = ..., remaining_s: _Optional[float] = ..., state: _Optional[str] = ...) -> None: ...

class StreamFramesRequest(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: bytes
    def __init__(self, message: _Optional[bytes] = ...) -> None: ...

class StreamFramesResponse(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: bytes
    def __init__(self, message: _Optional[bytes] = ...) -> None: ...

class RunDepthRequest(_message.Message):
    __slots__ = ("source", "params", "store_under")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    STORE_UNDER_FIELD_NUMBER: _ClassVar[int]
    source: _common_pb2.TaskInput
    params: DepthParams
    store_under: str
    def __init__(self, source: _Optional[_Union[_common_pb2.TaskInput, _Mapping]] = ..., params: _Optional[_Union[DepthParams, _Mapping]] = ..., store_under: _Optional[str] = ...) -> None: ...

class RunDepthResponse(_message.Message):
    __slots__ = ("progress", "result", "chunk")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    result: _common_pb2.TaskResult
    chunk: _common_pb2.FileChunk
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., result: _Optional[_Union[_common_pb2.TaskResult, _Mapping]] = ..., chunk: _Optional[_Union[_common_pb2.FileChunk, _Mapping]] = ...) -> None: ...

class RunSplatRequest(_message.Message):
    __slots__ = ("source", "params", "store_under")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    STORE_UNDER_FIELD_NUMBER: _ClassVar[int]
    source: _common_pb2.TaskInput
    params: SplatParams
    store_under: str
    def __init__(self, source: _Optional[_Union[_common_pb2.TaskInput, _Mapping]] = ..., params: _Optional[_Union[SplatParams, _Mapping]] = ..., store_under: _Optional[str] = ...) -> None: ...

class RunSplatResponse(_message.Message):
    __slots__ = ("progress", "result", "chunk")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    result: _common_pb2.TaskResult
    chunk: _common_pb2.FileChunk
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., result: _Optional[_Union[_common_pb2.TaskResult, _Mapping]] = ..., chunk: _Optional[_Union[_common_pb2.FileChunk, _Mapping]] = ...) -> None: ...

class RunModelRequest(_message.Message):
    __slots__ = ("kind", "params")
    KIND_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    params: ModelParams
    def __init__(self, kind: _Optional[str] = ..., params: _Optional[_Union[ModelParams, _Mapping]] = ...) -> None: ...

class RunModelResponse(_message.Message):
    __slots__ = ("progress", "result")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    result: _common_pb2.TaskResult
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., result: _Optional[_Union[_common_pb2.TaskResult, _Mapping]] = ...) -> None: ...
