"""Asks the service in this container whether it is well, and ends with 1 where it does not say so.

python health.py IMMICHVR_AI_

Of a gateway only whether it lives: what it waits for is nothing that a new start would mend, and `/api/ready` tells
of it. A worker says by gRPC that it takes jobs. Where a port speaks TLS, that it takes connections is enough.
"""

from __future__ import annotations

import os
import socket
import sys
from http.client import HTTPConnection

_TIMEOUT_S = 5
_HOST = "127.0.0.1"


def gateway_lives(port: int) -> bool:
    """Whether its API answers."""
    connection = HTTPConnection(_HOST, port, timeout=_TIMEOUT_S)
    connection.request("GET", "/api/health", headers={"Host": f"{_HOST}:{port}"})
    return connection.getresponse().status == 200


def worker_serves(port: int) -> bool:
    """Whether it says SERVING."""
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    with grpc.insecure_channel(f"{_HOST}:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=_TIMEOUT_S)
    return int(answer.status) == int(health_pb2.HealthCheckResponse.SERVING)


def listens(port: int) -> bool:
    """Whether it takes connections. Raises OSError where not."""
    socket.create_connection((_HOST, port), _TIMEOUT_S).close()
    return True


def main(prefix: str) -> int:
    """The exit status."""
    is_gateway = os.environ["SERVICE"] == "gateway"
    port = int(os.environ[f"{prefix}PORT" if is_gateway else f"{prefix}RPC__PORT"])
    tls = (f"{prefix}TLS__CERTIFICATE_FILE", f"{prefix}RPC__TLS__CERTIFICATE_FILE", f"{prefix}RPC__TLS__CERTIFICATE")
    own = gateway_lives if is_gateway else worker_serves
    ask = listens if any(os.environ.get(name) for name in tls) else own
    return 0 if ask(port) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
