"""Health, and what this gateway is."""

from __future__ import annotations

from importlib.metadata import version
from typing import Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from immichvr_models import CacheSettings
from pydantic import BaseModel, Field

from immichvr_gateway.gallery_settings import GALLERY_DEFAULTS, GallerySettings
from immichvr_gateway.http.description import also
from immichvr_gateway.library.immich.accounts import WaysIn
from immichvr_gateway.models.catalog import ModelState, ModelStatus
from immichvr_gateway.models.refusals import refusal_to_run
from immichvr_gateway.requests.conversion import FORMATS
from immichvr_gateway.requests.depth import DEPTH_MODELS
from immichvr_gateway.requests.splat import QUALITIES, SPLAT_MODELS
from immichvr_gateway.routes.dependencies import Here, TheStartup
from immichvr_gateway.routes.people import Anybody
from immichvr_gateway.upkeep.readiness import Readiness

router = APIRouter(prefix="/api", tags=["system"])


class ModelView(BaseModel):
    """A model, what it makes, and whether it can run."""

    key: str
    name: str
    makes: list[str]
    state: ModelState
    usable: bool = Field(description="whether a photo can be given to it without another yes")
    licence: str
    commercial_use: bool


class WaysInView(BaseModel):
    """How people sign in. oauth: what its button says; null where there is none."""

    password: bool
    oauth: str | None


class ConfigView(BaseModel):
    """What a viewer needs to know first."""

    version: str
    library: Literal["folder", "immich"]
    authenticated: bool
    sign_in: WaysInView
    immich_external_url: str | None
    models: list[ModelView]
    depth_models: list[str] = DEPTH_MODELS
    splat_models: list[str] = SPLAT_MODELS
    formats: list[str] = list(FORMATS)
    qualities: list[str] = QUALITIES
    draws_splats: bool = Field(True, description="whether splats can be drawn here, for who draws them slowly")
    gallery: GallerySettings = Field(GALLERY_DEFAULTS, description="how the viewer looks where nobody says otherwise")


class Health(BaseModel):
    """Alive."""

    status: Literal["ok"] = "ok"


class Started(BaseModel):
    """Whether what was known before has been read."""

    started: bool


@router.get("/health")
async def health() -> Health:
    """Whether the gateway lives."""
    return Health()


@router.get("/started", response_model=Started, responses={503: {"model": Started}})
async def started(startup: TheStartup) -> Response:
    """Whether requests may come: 200, or 503 until what was known before has been read.

    Unlike `/api/ready` it stays so when NATS, S3 or room is missing: what was made can be seen, and requests are told
    what is missing.
    """
    return JSONResponse({"started": startup.is_up}, 200 if startup.is_up else 503)


@router.get("/ready", response_model=Readiness, responses={503: {"model": Readiness}})
async def ready(here: Here, startup: TheStartup) -> Response:
    """Whether what the gateway depends on answers and has room: 200, or 503 naming what does not.

    The library is told of, with what is wrong with it in words, and does not decide: without it jobs, and what was
    made, are still served.
    """
    state = await startup.readiness()
    library: dict[str, bool] = {here.library.kind: await here.library.answers()}
    problems = [*(one.message for one in state.storage), *here.library_problems, *here.clocks.problems()]
    told = {**state.model_dump(exclude_none=True), **library, "problems": problems}
    if here.library_remarks:
        told["remarks"] = here.library_remarks
    return JSONResponse(told, 200 if state.is_all_well else 503)


@router.get("/config", responses=also(429))
async def config(here: Here, startup: TheStartup, who: Anybody) -> ConfigView:
    """What this gateway is and can do; also for those who have not signed in."""
    models = startup.services.models if who is not None and who.may_write else None
    ways = await here.accounts.ways_in() if here.accounts is not None else WaysIn(password=False)
    found = await models.all() if models is not None else []
    return ConfigView(
        version=version("immichvr-gateway"),
        library=here.library.kind,
        authenticated=who is not None,
        sign_in=WaysInView(password=ways.password, oauth=ways.oauth),
        immich_external_url=here.settings.immich.external_url or None,
        models=[_model_view(one, here.models.settings) for one in found],
    )


def _model_view(found: ModelStatus, settings: CacheSettings) -> ModelView:
    model = found.model
    return ModelView(
        key=model.key,
        name=model.name,
        makes=list(model.makes),
        state=found.state,
        usable=refusal_to_run(found, settings) is None,
        licence=model.licence.name,
        commercial_use=model.commercial_use,
    )
