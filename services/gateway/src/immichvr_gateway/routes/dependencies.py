"""What routes are given of the gateway. What is not up yet answers 503, naming what it waits for.

Each asks the request itself: FastAPI takes as long for a dependency of a dependency as for one of a route.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from immichvr_gateway.assets.index import AssetIndex
from immichvr_gateway.requests.asking import JobRequests
from immichvr_gateway.resources import Resources
from immichvr_gateway.services import Services
from immichvr_gateway.startup import Startup


async def the_startup(request: Request) -> Startup:
    """How far the gateway behind this request is up."""
    startup: Startup = request.app.state.startup
    return startup


TheStartup = Annotated[Startup, Depends(the_startup)]


async def the_resources(request: Request) -> Resources:
    """What is there from the first moment on."""
    return (await the_startup(request)).here


async def the_services(request: Request) -> Services:
    """What works with what NATS told. Raises Unavailable before."""
    return (await the_startup(request)).services


async def the_assets(request: Request) -> AssetIndex:
    """Every asset. Raises Unavailable before any was told of."""
    return (await the_startup(request)).assets


async def the_requests(request: Request) -> JobRequests:
    """Where jobs are asked for. Raises Unavailable before NATS and S3 have answered."""
    return (await the_startup(request)).requests


Here = Annotated[Resources, Depends(the_resources)]
Up = Annotated[Services, Depends(the_services)]
Assets = Annotated[AssetIndex, Depends(the_assets)]
Requests = Annotated[JobRequests, Depends(the_requests)]
