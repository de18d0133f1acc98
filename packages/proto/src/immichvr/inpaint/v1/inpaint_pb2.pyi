from immichvr.common.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReconstructParams(_message.Message):
    __slots__ = ("method", "poses", "quality", "mask_moving", "accepted", "keep_ply", "sends_to", "stand_ins", "cameras")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    POSES_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    MASK_MOVING_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    KEEP_PLY_FIELD_NUMBER: _ClassVar[int]
    SENDS_TO_FIELD_NUMBER: _ClassVar[int]
    STAND_INS_FIELD_NUMBER: _ClassVar[int]
    CAMERAS_FIELD_NUMBER: _ClassVar[int]
    method: str
    poses: str
    quality: str
    mask_moving: bool
    accepted: _containers.RepeatedScalarFieldContainer[str]
    keep_ply: bool
    sends_to: str
    stand_ins: bool
    cameras: str
    def __init__(self, method: _Optional[str] = ..., poses: _Optional[str] = ..., quality: _Optional[str] = ..., mask_moving: bool = ..., accepted: _Optional[_Iterable[str]] = ..., keep_ply: bool = ..., sends_to: _Optional[str] = ..., stand_ins: bool = ..., cameras: _Optional[str] = ...) -> None: ...

class PointsParams(_message.Message):
    __slots__ = ("poses", "quality", "mask_moving", "accepted", "stand_ins", "cameras")
    POSES_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    MASK_MOVING_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    STAND_INS_FIELD_NUMBER: _ClassVar[int]
    CAMERAS_FIELD_NUMBER: _ClassVar[int]
    poses: str
    quality: str
    mask_moving: bool
    accepted: _containers.RepeatedScalarFieldContainer[str]
    stand_ins: bool
    cameras: str
    def __init__(self, poses: _Optional[str] = ..., quality: _Optional[str] = ..., mask_moving: bool = ..., accepted: _Optional[_Iterable[str]] = ..., stand_ins: bool = ..., cameras: _Optional[str] = ...) -> None: ...

class DatasetParams(_message.Message):
    __slots__ = ("model_key",)
    MODEL_KEY_FIELD_NUMBER: _ClassVar[int]
    model_key: str
    def __init__(self, model_key: _Optional[str] = ...) -> None: ...

class InpaintParams(_message.Message):
    __slots__ = ("method", "iterations", "dataset_update", "model_key", "accepted", "keep_ply", "camera")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    ITERATIONS_FIELD_NUMBER: _ClassVar[int]
    DATASET_UPDATE_FIELD_NUMBER: _ClassVar[int]
    MODEL_KEY_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    KEEP_PLY_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    method: str
    iterations: int
    dataset_update: int
    model_key: str
    accepted: _containers.RepeatedScalarFieldContainer[str]
    keep_ply: bool
    camera: PhotoCamera
    def __init__(self, method: _Optional[str] = ..., iterations: _Optional[int] = ..., dataset_update: _Optional[int] = ..., model_key: _Optional[str] = ..., accepted: _Optional[_Iterable[str]] = ..., keep_ply: bool = ..., camera: _Optional[_Union[PhotoCamera, _Mapping]] = ...) -> None: ...

class PhotoCamera(_message.Message):
    __slots__ = ("fx", "fy", "cx", "cy", "width", "height", "extrinsic")
    FX_FIELD_NUMBER: _ClassVar[int]
    FY_FIELD_NUMBER: _ClassVar[int]
    CX_FIELD_NUMBER: _ClassVar[int]
    CY_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    EXTRINSIC_FIELD_NUMBER: _ClassVar[int]
    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int
    extrinsic: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, fx: _Optional[float] = ..., fy: _Optional[float] = ..., cx: _Optional[float] = ..., cy: _Optional[float] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., extrinsic: _Optional[_Iterable[float]] = ...) -> None: ...

class RunReconstructRequest(_message.Message):
    __slots__ = ("photos", "video", "params", "store_under", "transforms")
    PHOTOS_FIELD_NUMBER: _ClassVar[int]
    VIDEO_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    STORE_UNDER_FIELD_NUMBER: _ClassVar[int]
    TRANSFORMS_FIELD_NUMBER: _ClassVar[int]
    photos: _containers.RepeatedCompositeFieldContainer[_common_pb2.TaskInput]
    video: _common_pb2.TaskInput
    params: ReconstructParams
    store_under: str
    transforms: _common_pb2.TaskInput
    def __init__(self, photos: _Optional[_Iterable[_Union[_common_pb2.TaskInput, _Mapping]]] = ..., video: _Optional[_Union[_common_pb2.TaskInput, _Mapping]] = ..., params: _Optional[_Union[ReconstructParams, _Mapping]] = ..., store_under: _Optional[str] = ..., transforms: _Optional[_Union[_common_pb2.TaskInput, _Mapping]] = ...) -> None: ...

class RunReconstructResponse(_message.Message):
    __slots__ = ("progress", "result", "chunk")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    result: _common_pb2.TaskResult
    chunk: _common_pb2.FileChunk
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., result: _Optional[_Union[_common_pb2.TaskResult, _Mapping]] = ..., chunk: _Optional[_Union[_common_pb2.FileChunk, _Mapping]] = ...) -> None: ...

class RunPointsRequest(_message.Message):
    __slots__ = ("photos", "video", "params", "store_under", "transforms")
    PHOTOS_FIELD_NUMBER: _ClassVar[int]
    VIDEO_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    STORE_UNDER_FIELD_NUMBER: _ClassVar[int]
    TRANSFORMS_FIELD_NUMBER: _ClassVar[int]
    photos: _containers.RepeatedCompositeFieldContainer[_common_pb2.TaskInput]
    video: _common_pb2.TaskInput
    params: PointsParams
    store_under: str
    transforms: _common_pb2.TaskInput
    def __init__(self, photos: _Optional[_Iterable[_Union[_common_pb2.TaskInput, _Mapping]]] = ..., video: _Optional[_Union[_common_pb2.TaskInput, _Mapping]] = ..., params: _Optional[_Union[PointsParams, _Mapping]] = ..., store_under: _Optional[str] = ..., transforms: _Optional[_Union[_common_pb2.TaskInput, _Mapping]] = ...) -> None: ...

class RunPointsResponse(_message.Message):
    __slots__ = ("progress", "result", "chunk")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    result: _common_pb2.TaskResult
    chunk: _common_pb2.FileChunk
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., result: _Optional[_Union[_common_pb2.TaskResult, _Mapping]] = ..., chunk: _Optional[_Union[_common_pb2.FileChunk, _Mapping]] = ...) -> None: ...

class RunDatasetRequest(_message.Message):
    __slots__ = ("splat", "views", "params", "store_under")
    SPLAT_FIELD_NUMBER: _ClassVar[int]
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    STORE_UNDER_FIELD_NUMBER: _ClassVar[int]
    splat: _common_pb2.TaskInput
    views: _common_pb2.TaskInput
    params: DatasetParams
    store_under: str
    def __init__(self, splat: _Optional[_Union[_common_pb2.TaskInput, _Mapping]] = ..., views: _Optional[_Union[_common_pb2.TaskInput, _Mapping]] = ..., params: _Optional[_Union[DatasetParams, _Mapping]] = ..., store_under: _Optional[str] = ...) -> None: ...

class RunDatasetResponse(_message.Message):
    __slots__ = ("progress", "result", "chunk")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    result: _common_pb2.TaskResult
    chunk: _common_pb2.FileChunk
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., result: _Optional[_Union[_common_pb2.TaskResult, _Mapping]] = ..., chunk: _Optional[_Union[_common_pb2.FileChunk, _Mapping]] = ...) -> None: ...

class RunInpaintRequest(_message.Message):
    __slots__ = ("splat", "cameras", "params", "store_under")
    SPLAT_FIELD_NUMBER: _ClassVar[int]
    CAMERAS_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    STORE_UNDER_FIELD_NUMBER: _ClassVar[int]
    splat: _common_pb2.TaskInput
    cameras: _common_pb2.TaskInput
    params: InpaintParams
    store_under: str
    def __init__(self, splat: _Optional[_Union[_common_pb2.TaskInput, _Mapping]] = ..., cameras: _Optional[_Union[_common_pb2.TaskInput, _Mapping]] = ..., params: _Optional[_Union[InpaintParams, _Mapping]] = ..., store_under: _Optional[str] = ...) -> None: ...

class RunInpaintResponse(_message.Message):
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
