"""A protoc plugin that runs grpcio-tools' own gRPC generator, which lives inside its protoc and nowhere else."""

import sys
import tempfile
from pathlib import Path

from google.protobuf.compiler.plugin_pb2 import CodeGeneratorRequest, CodeGeneratorResponse
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc


def main() -> None:
    request = CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
    response = CodeGeneratorResponse(supported_features=CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL)
    with tempfile.TemporaryDirectory() as folder:
        descriptors = Path(folder, "descriptors.binpb")
        descriptors.write_bytes(FileDescriptorSet(file=request.proto_file).SerializeToString())
        out = Path(folder, "out")
        out.mkdir()
        arguments = ["protoc", f"--descriptor_set_in={descriptors}", f"--grpc_python_out={out}"]
        if protoc.main(arguments + list(request.file_to_generate)) != 0:
            response.error = "grpc_python generation failed"
        for path in sorted(out.rglob("*_pb2_grpc.py")):
            text = path.read_text()
            if "_stub" in text or "Stub(" in text:
                response.file.add(name=str(path.relative_to(out)), content=text)
    sys.stdout.buffer.write(response.SerializeToString())


if __name__ == "__main__":
    main()
