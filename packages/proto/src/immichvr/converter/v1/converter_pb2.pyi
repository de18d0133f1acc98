from immichvr.common.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ConvertParams(_message.Message):
    __slots__ = ("to_format", "variant", "from_format", "model_key", "spz_version", "ksplat_level", "sh_degree", "frame", "order", "lod_count", "ply_layout", "glb_encoding", "to_formats", "label", "from_frame", "camera")
    TO_FORMAT_FIELD_NUMBER: _ClassVar[int]
    VARIANT_FIELD_NUMBER: _ClassVar[int]
    FROM_FORMAT_FIELD_NUMBER: _ClassVar[int]
    MODEL_KEY_FIELD_NUMBER: _ClassVar[int]
    SPZ_VERSION_FIELD_NUMBER: _ClassVar[int]
    KSPLAT_LEVEL_FIELD_NUMBER: _ClassVar[int]
    SH_DEGREE_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    LOD_COUNT_FIELD_NUMBER: _ClassVar[int]
    PLY_LAYOUT_FIELD_NUMBER: _ClassVar[int]
    GLB_ENCODING_FIELD_NUMBER: _ClassVar[int]
    TO_FORMATS_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    FROM_FRAME_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    to_format: str
    variant: str
    from_format: str
    model_key: str
    spz_version: int
    ksplat_level: int
    sh_degree: int
    frame: str
    order: str
    lod_count: int
    ply_layout: str
    glb_encoding: str
    to_formats: _containers.RepeatedScalarFieldContainer[str]
    label: str
    from_frame: str
    camera: Camera
    def __init__(self, to_format: _Optional[str] = ..., variant: _Optional[str] = ..., from_format: _Optional[str] = ..., model_key: _Optional[str] = ..., spz_version: _Optional[int] = ..., ksplat_level: _Optional[int] = ..., sh_degree: _Optional[int] = ..., frame: _Optional[str] = ..., order: _Optional[str] = ..., lod_count: _Optional[int] = ..., ply_layout: _Optional[str] = ..., glb_encoding: _Optional[str] = ..., to_formats: _Optional[_Iterable[str]] = ..., label: _Optional[str] = ..., from_frame: _Optional[str] = ..., camera: _Optional[_Union[Camera, _Mapping]] = ...) -> None: ...

class LodParams(_message.Message):
    __slots__ = ("model_key", "to_format", "from_format", "levels", "counts", "tile_gaussians", "from_frame", "camera")
    MODEL_KEY_FIELD_NUMBER: _ClassVar[int]
    TO_FORMAT_FIELD_NUMBER: _ClassVar[int]
    FROM_FORMAT_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    TILE_GAUSSIANS_FIELD_NUMBER: _ClassVar[int]
    FROM_FRAME_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    model_key: str
    to_format: str
    from_format: str
    levels: _containers.RepeatedScalarFieldContainer[str]
    counts: _containers.RepeatedScalarFieldContainer[int]
    tile_gaussians: int
    from_frame: str
    camera: Camera
    def __init__(self, model_key: _Optional[str] = ..., to_format: _Optional[str] = ..., from_format: _Optional[str] = ..., levels: _Optional[_Iterable[str]] = ..., counts: _Optional[_Iterable[int]] = ..., tile_gaussians: _Optional[int] = ..., from_frame: _Optional[str] = ..., camera: _Optional[_Union[Camera, _Mapping]] = ...) -> None: ...

class Loss(_message.Message):
    __slots__ = ("what", "message", "count")
    WHAT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    what: str
    message: str
    count: int
    def __init__(self, what: _Optional[str] = ..., message: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class ConvertRequest(_message.Message):
    __slots__ = ("input", "output", "params")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    input: _common_pb2.ObjectRef
    output: _common_pb2.ObjectRef
    params: ConvertParams
    def __init__(self, input: _Optional[_Union[_common_pb2.ObjectRef, _Mapping]] = ..., output: _Optional[_Union[_common_pb2.ObjectRef, _Mapping]] = ..., params: _Optional[_Union[ConvertParams, _Mapping]] = ...) -> None: ...

class ConvertResponse(_message.Message):
    __slots__ = ("output", "gaussians", "losses")
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    GAUSSIANS_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    output: _common_pb2.ObjectRef
    gaussians: int
    losses: _containers.RepeatedCompositeFieldContainer[Loss]
    def __init__(self, output: _Optional[_Union[_common_pb2.ObjectRef, _Mapping]] = ..., gaussians: _Optional[int] = ..., losses: _Optional[_Iterable[_Union[Loss, _Mapping]]] = ...) -> None: ...

class ConvertStreamRequest(_message.Message):
    __slots__ = ("params", "chunk")
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    params: ConvertParams
    chunk: bytes
    def __init__(self, params: _Optional[_Union[ConvertParams, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class ConvertStreamResponse(_message.Message):
    __slots__ = ("summary", "chunk")
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    summary: ConvertStreamSummary
    chunk: bytes
    def __init__(self, summary: _Optional[_Union[ConvertStreamSummary, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class ConvertStreamSummary(_message.Message):
    __slots__ = ("size", "sha256", "gaussians", "losses")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    GAUSSIANS_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    size: int
    sha256: str
    gaussians: int
    losses: _containers.RepeatedCompositeFieldContainer[Loss]
    def __init__(self, size: _Optional[int] = ..., sha256: _Optional[str] = ..., gaussians: _Optional[int] = ..., losses: _Optional[_Iterable[_Union[Loss, _Mapping]]] = ...) -> None: ...

class InspectRequest(_message.Message):
    __slots__ = ("input", "data", "from_format", "from_frame")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    FROM_FORMAT_FIELD_NUMBER: _ClassVar[int]
    FROM_FRAME_FIELD_NUMBER: _ClassVar[int]
    input: _common_pb2.ObjectRef
    data: bytes
    from_format: str
    from_frame: str
    def __init__(self, input: _Optional[_Union[_common_pb2.ObjectRef, _Mapping]] = ..., data: _Optional[bytes] = ..., from_format: _Optional[str] = ..., from_frame: _Optional[str] = ...) -> None: ...

class InspectResponse(_message.Message):
    __slots__ = ("format", "gaussians", "sh_degree", "bounds", "camera", "losses")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    GAUSSIANS_FIELD_NUMBER: _ClassVar[int]
    SH_DEGREE_FIELD_NUMBER: _ClassVar[int]
    BOUNDS_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    format: str
    gaussians: int
    sh_degree: int
    bounds: Bounds
    camera: Camera
    losses: _containers.RepeatedCompositeFieldContainer[Loss]
    def __init__(self, format: _Optional[str] = ..., gaussians: _Optional[int] = ..., sh_degree: _Optional[int] = ..., bounds: _Optional[_Union[Bounds, _Mapping]] = ..., camera: _Optional[_Union[Camera, _Mapping]] = ..., losses: _Optional[_Iterable[_Union[Loss, _Mapping]]] = ...) -> None: ...

class Bounds(_message.Message):
    __slots__ = ("low", "high")
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    low: _containers.RepeatedScalarFieldContainer[float]
    high: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, low: _Optional[_Iterable[float]] = ..., high: _Optional[_Iterable[float]] = ...) -> None: ...

class Camera(_message.Message):
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

class ListFormatsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Format(_message.Message):
    __slots__ = ("key", "extensions", "media_type", "can_read", "can_write", "max_sh_degree", "description", "keeps_camera", "keeps_order", "frame", "options")
    KEY_FIELD_NUMBER: _ClassVar[int]
    EXTENSIONS_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    CAN_READ_FIELD_NUMBER: _ClassVar[int]
    CAN_WRITE_FIELD_NUMBER: _ClassVar[int]
    MAX_SH_DEGREE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    KEEPS_CAMERA_FIELD_NUMBER: _ClassVar[int]
    KEEPS_ORDER_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    key: str
    extensions: _containers.RepeatedScalarFieldContainer[str]
    media_type: str
    can_read: bool
    can_write: bool
    max_sh_degree: int
    description: str
    keeps_camera: bool
    keeps_order: bool
    frame: str
    options: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, key: _Optional[str] = ..., extensions: _Optional[_Iterable[str]] = ..., media_type: _Optional[str] = ..., can_read: bool = ..., can_write: bool = ..., max_sh_degree: _Optional[int] = ..., description: _Optional[str] = ..., keeps_camera: bool = ..., keeps_order: bool = ..., frame: _Optional[str] = ..., options: _Optional[_Iterable[str]] = ...) -> None: ...

class ListFormatsResponse(_message.Message):
    __slots__ = ("formats",)
    FORMATS_FIELD_NUMBER: _ClassVar[int]
    formats: _containers.RepeatedCompositeFieldContainer[Format]
    def __init__(self, formats: _Optional[_Iterable[_Union[Format, _Mapping]]] = ...) -> None: ...

class RunConvertRequest(_message.Message):
    __slots__ = ("splat", "params", "store_under")
    SPLAT_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    STORE_UNDER_FIELD_NUMBER: _ClassVar[int]
    splat: _common_pb2.TaskInput
    params: ConvertParams
    store_under: str
    def __init__(self, splat: _Optional[_Union[_common_pb2.TaskInput, _Mapping]] = ..., params: _Optional[_Union[ConvertParams, _Mapping]] = ..., store_under: _Optional[str] = ...) -> None: ...

class RunConvertResponse(_message.Message):
    __slots__ = ("progress", "result", "chunk")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    result: _common_pb2.TaskResult
    chunk: _common_pb2.FileChunk
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., result: _Optional[_Union[_common_pb2.TaskResult, _Mapping]] = ..., chunk: _Optional[_Union[_common_pb2.FileChunk, _Mapping]] = ...) -> None: ...

class RunLodRequest(_message.Message):
    __slots__ = ("splat", "params", "store_under")
    SPLAT_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    STORE_UNDER_FIELD_NUMBER: _ClassVar[int]
    splat: _common_pb2.TaskInput
    params: LodParams
    store_under: str
    def __init__(self, splat: _Optional[_Union[_common_pb2.TaskInput, _Mapping]] = ..., params: _Optional[_Union[LodParams, _Mapping]] = ..., store_under: _Optional[str] = ...) -> None: ...

class RunLodResponse(_message.Message):
    __slots__ = ("progress", "result", "chunk")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.Progress
    result: _common_pb2.TaskResult
    chunk: _common_pb2.FileChunk
    def __init__(self, progress: _Optional[_Union[_common_pb2.Progress, _Mapping]] = ..., result: _Optional[_Union[_common_pb2.TaskResult, _Mapping]] = ..., chunk: _Optional[_Union[_common_pb2.FileChunk, _Mapping]] = ...) -> None: ...
