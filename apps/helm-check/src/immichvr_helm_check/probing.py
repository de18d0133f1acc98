"""What a kubelet asks a container."""

from __future__ import annotations

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc


async def answers(url: str) -> bool:
    """Whether a GET is answered as a kubelet wants it."""
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        try:
            return 200 <= (await client.get(url)).status_code < 400
        except httpx.TransportError:
            return False


async def serves(port: int, service: str) -> bool:
    """Whether the health service of gRPC says SERVING at a port of loopback."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service=service), timeout=10
            )
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
