from immichvr.common.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class VideoDepthParams(_message.Message):
    __slots__ = ("model", "outputs", "range", "codec", "accepted")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    model: str
    outputs: _containers.RepeatedScalarFieldContainer[str]
    range: Range
    codec: str
    accepted: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, model: _Optional[str] = ..., outputs: _Optional[_Iterable[str]] = ..., range: _Optional[_Union[Range, _Mapping]] = ..., codec: _Optional[str] = ..., accepted: _Optional[_Iterable[str]] = ...) -> None: ...

class Range(_message.Message):
    __slots__ = ("from_s", "to_s")
    FROM_S_FIELD_NUMBER: _ClassVar[int]
    TO_S_FIELD_NUMBER: _ClassVar[int]
    from_s: float
    to_s: float
    def __init__(self, from_s: _Optional[float] = ..., to_s: _Optional[float] = ...) -> None: ...

class StereoParams(_message.Message):
    __slots__ = ("layout", "model_key", "baseline", "convergence", "comfort", "range", "label")
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    MODEL_KEY_FIELD_NUMBER: _ClassVar[int]
    BASELINE_FIELD_NUMBER: _ClassVar[int]
    CONVERGENCE_FIELD_NUMBER: _ClassVar[int]
    COMFORT_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    layout: str
    model_key: str
    baseline: float
    convergence: float
    comfort: float
    range: Range
    label: str
    def __init__(self, layout: _Optional[str] = ..., model_key: _Optional[str] = ..., baseline: _Optional[float] = ..., convergence: _Optional[float] = ..., comfort: _Optional[float] = ..., range: _Optional[_Union[Range, _Mapping]] = ..., label: _Optional[str] = ...) -> None: ...

class MotionParams(_message.Message):
    __slots__ = ("path", "seconds", "amplitude", "depth_key")
    PATH_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    AMPLITUDE_FIELD_NUMBER: _ClassVar[int]
    DEPTH_KEY_FIELD_NUMBER: _ClassVar[int]
    path: str
    seconds: float
    amplitude: float
    depth_key: str
    def __init__(self, path: _Optional[str] = ..., seconds: _Optional[float] = ..., amplitude: _Optional[float] = ..., depth_key: _Optional[str] = ...) -> None: ...

class RunVideoDepthRequest(_message.Message):
    __slots__ = ("source", "params", "store_under")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    STORE_UNDER_FIELD_NUMBER: _ClassVar[int]
    source: _common_pb2.TaskInput
    params: VideoDepthParams
    store_under: str
    def __init__(self, source: _Optional[_Union[_common_pb2.TaskInput, _Mapping]] = ..., params: _Optional[_Union[VideoDepthParams, _Mapping]] = ..., store_under: _Optional[str] = ...) -> None: ...

class RunVideoDepthResponse(_message.Message):
    __slots__ = ("progress", "result", "chunk")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    result: _common_pb2.TaskResult
    chunk: _common_pb2.FileChunk
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., result: _Optional[_Union[_common_pb2.TaskResult, _Mapping]] = ..., chunk: _Optional[_Union[_common_pb2.FileChunk, _Mapping]] = ...) -> None: ...

class RunStereoRequest(_message.Message):
    __slots__ = ("source", "depth", "frames", "params", "store_under")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    STORE_UNDER_FIELD_NUMBER: _ClassVar[int]
    source: _common_pb2.TaskInput
    depth: _common_pb2.TaskInput
    frames: _common_pb2.TaskInput
    params: StereoParams
    store_under: str
    def __init__(self, source: _Optional[_Union[_common_pb2.TaskInput, _Mapping]] = ..., depth: _Optional[_Union[_common_pb2.TaskInput, _Mapping]] = ..., frames: _Optional[_Union[_common_pb2.TaskInput, _Mapping]] = ..., params: _Optional[_Union[StereoParams, _Mapping]] = ..., store_under: _Optional[str] = ...) -> None: ...

class RunStereoResponse(_message.Message):
    __slots__ = ("progress", "result", "chunk")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    result: _common_pb2.TaskResult
    chunk: _common_pb2.FileChunk
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., result: _Optional[_Union[_common_pb2.TaskResult, _Mapping]] = ..., chunk: _Optional[_Union[_common_pb2.FileChunk, _Mapping]] = ...) -> None: ...

class RunMotionRequest(_message.Message):
    __slots__ = ("source", "depth", "params", "store_under")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    STORE_UNDER_FIELD_NUMBER: _ClassVar[int]
    source: _common_pb2.TaskInput
    depth: _common_pb2.TaskInput
    params: MotionParams
    store_under: str
    def __init__(self, source: _Optional[_Union[_common_pb2.TaskInput, _Mapping]] = ..., depth: _Optional[_Union[_common_pb2.TaskInput, _Mapping]] = ..., params: _Optional[_Union[MotionParams, _Mapping]] = ..., store_under: _Optional[str] = ...) -> None: ...

class RunMotionResponse(_message.Message):
    __slots__ = ("progress", "result", "chunk")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    result: _common_pb2.TaskResult
    chunk: _common_pb2.FileChunk
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., result: _Optional[_Union[_common_pb2.TaskResult, _Mapping]] = ..., chunk: _Optional[_Union[_common_pb2.FileChunk, _Mapping]] = ...) -> None: ...

class ModelParams(_message.Message):
    __slots__ = ("key", "accepted")
    KEY_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    key: str
    accepted: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, key: _Optional[str] = ..., accepted: _Optional[_Iterable[str]] = ...) -> None: ...

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
