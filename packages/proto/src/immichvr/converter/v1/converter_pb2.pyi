from immichvr.common.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ConvertParams(_message.Message):
    __slots__ = ("to_format", "variant", "from_format", "model_key")
    TO_FORMAT_FIELD_NUMBER: _ClassVar[int]
    VARIANT_FIELD_NUMBER: _ClassVar[int]
    FROM_FORMAT_FIELD_NUMBER: _ClassVar[int]
    MODEL_KEY_FIELD_NUMBER: _ClassVar[int]
    to_format: str
    variant: str
    from_format: str
    model_key: str
    def __init__(self, to_format: _Optional[str] = ..., variant: _Optional[str] = ..., from_format: _Optional[str] = ..., model_key: _Optional[str] = ...) -> None: ...

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

class ListFormatsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Format(_message.Message):
    __slots__ = ("key", "extensions", "media_type", "can_read", "can_write", "max_sh_degree")
    KEY_FIELD_NUMBER: _ClassVar[int]
    EXTENSIONS_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    CAN_READ_FIELD_NUMBER: _ClassVar[int]
    CAN_WRITE_FIELD_NUMBER: _ClassVar[int]
    MAX_SH_DEGREE_FIELD_NUMBER: _ClassVar[int]
    key: str
    extensions: _containers.RepeatedScalarFieldContainer[str]
    media_type: str
    can_read: bool
    can_write: bool
    max_sh_degree: int
    def __init__(self, key: _Optional[str] = ..., extensions: _Optional[_Iterable[str]] = ..., media_type: _Optional[str] = ..., can_read: bool = ..., can_write: bool = ..., max_sh_degree: _Optional[int] = ...) -> None: ...

class ListFormatsResponse(_message.Message):
    __slots__ = ("formats",)
    FORMATS_FIELD_NUMBER: _ClassVar[int]
    formats: _containers.RepeatedCompositeFieldContainer[Format]
    def __init__(self, formats: _Optional[_Iterable[_Union[Format, _Mapping]]] = ...) -> None: ...
