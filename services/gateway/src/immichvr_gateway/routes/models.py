"""Models: what there is and in what state; licences, downloads, memory."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from immichvr_common.trace import accept_traceparent
from immichvr_models import UnknownModel
from pydantic import BaseModel, ConfigDict, Field

from immichvr_gateway.http.problems import Problem
from immichvr_gateway.http.repeated import Repeatable
from immichvr_gateway.jobs.records import JobError, JobView
from immichvr_gateway.library import Identity
from immichvr_gateway.models.catalog import ModelState, ModelStatus
from immichvr_gateway.models.orders import Deed, Possible
from immichvr_gateway.resources import Resources
from immichvr_gateway.routes.dependencies import Here, Up
from immichvr_gateway.routes.people import Person
from immichvr_gateway.services import Services
from immichvr_gateway.views import JobAnswer

router = APIRouter(prefix="/api/models", tags=["models"], route_class=Repeatable)


class LicenceView(BaseModel):
    """The licence of a model's weights. permissive: nobody has to accept it."""

    name: str = Field(examples=["CC-BY-NC-4.0"])
    url: str
    permissive: bool


class AcceptedView(BaseModel):
    """Who accepted the licence, and when."""

    name: str
    at: datetime


class ModelDetails(BaseModel):
    """A model, its state and what may be done with it."""

    key: str = Field(examples=["da2-base"])
    name: str = Field(examples=["Depth Anything V2 Base"])
    makes: list[str] = Field(examples=[["depth"]])
    splat_models: list[str] = Field(description="what to ask for to get a splat", examples=[["lift-da2-base"]])
    metric: bool
    several_views: bool
    inputs: str
    through: str | None
    revision: str
    built_in: bool
    size: int | None = Field(description="bytes; null where nobody knows before the first download")
    memory_cpu_mb: int | None
    memory_gpu_mb: int | None
    commercial_use: bool
    licence: LicenceView
    accepted: AcceptedView | None
    state: ModelState = Field(examples=["downloading"])
    done: int = Field(description="bytes that are there of a download", examples=[1048576])
    total: int = Field(description="bytes of a download, 0 where unknown", examples=[4194304])
    rate: float = Field(description="bytes per second lately")
    remaining_s: float | None
    error: JobError | None = Field(description="why the last download failed")
    loaded_on: list[str] = Field(description="workers that have it in memory")
    job: JobView | None = Field(description="what is under way about it")
    possible: list[Possible] = Field(description="what this person may do with it now")


class ModelsView(BaseModel):
    """Every model. may_manage: whether this person may accept licences, download and delete."""

    models: list[ModelDetails]
    may_manage: bool


class Acceptance(BaseModel):
    """A yes to a licence, by its name, so that nobody says yes to another than they have read."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"licence": "CC-BY-NC-4.0"}]})
    licence: str = Field(max_length=200)


async def manager(here: Here, who: Person) -> Identity:
    """A person who may manage models, by what they signed in with, as Immich says now. Raises Problem (403)."""
    if not await here.library.may_manage(who, fresh=True):
        detail = (
            "only an administrator of Immich may manage models, signed in with a password or with an API key that has "
            "the permission systemConfig.update"
        )
        raise Problem(403, "not_permitted", detail)
    return who


Manager = Annotated[Identity, Depends(manager)]


@router.get("")
async def list_models(here: Here, who: Person, up: Up) -> ModelsView:
    """Every model of the registry with its state; no worker needs to run for it."""
    may_manage = await here.library.may_manage(who)
    found = await up.models.all()
    return ModelsView(models=[_details(up, one, who, may_manage) for one in found], may_manage=may_manage)


@router.get("/{key}")
async def get_model(key: str, here: Here, who: Person, up: Up) -> ModelDetails:
    """One model."""
    return await _one(here, up, who, key)


@router.post("/{key}/accept")
async def accept_licence(key: str, yes: Acceptance, here: Here, who: Manager, up: Up) -> ModelDetails:
    """Accepts a model's licence; who did and when is kept. Needed again when the licence changes."""
    try:
        await up.model_actions.accept(who, key, yes.licence)
    except UnknownModel as error:
        raise _unknown(here, error) from error
    return await _one(here, up, who, key)


@router.post("/{key}/download", status_code=202, response_model=JobAnswer)
async def download_model(key: str, request: Request, here: Here, who: Manager, up: Up) -> Response:
    """Fetches a model's weights, as a job; `model:progress` tells how far it is."""
    return await _made(here, up, who, key, "download", request)


@router.post("/{key}/load", status_code=202, response_model=JobAnswer)
async def load_model(key: str, request: Request, here: Here, who: Manager, up: Up) -> Response:
    """Brings a model into a worker's memory ahead of its first use."""
    return await _made(here, up, who, key, "load", request)


@router.post("/{key}/unload", status_code=202, response_model=JobAnswer)
async def unload_model(key: str, request: Request, here: Here, who: Manager, up: Up) -> Response:
    """Has every worker give back the memory that the model takes; a photo in the making is finished first."""
    return await _made(here, up, who, key, "unload", request)


@router.delete("/{key}", status_code=202, response_model=JobAnswer)
async def delete_model(key: str, request: Request, here: Here, who: Manager, up: Up) -> Response:
    """Deletes a model's weights; it leaves memory too."""
    return await _made(here, up, who, key, "delete", request)


async def _one(here: Resources, up: Services, who: Identity, key: str) -> ModelDetails:
    try:
        found = await up.models.find(key)
    except UnknownModel as error:
        raise _unknown(here, error) from error
    return _details(up, found, who, await here.library.may_manage(who))


async def _made(here: Resources, up: Services, who: Identity, key: str, deed: Deed, request: Request) -> Response:
    trace = accept_traceparent(request.headers.get("traceparent"))
    try:
        record = await up.model_actions.make(who, key, deed, trace)
    except UnknownModel as error:
        raise _unknown(here, error) from error
    view = record.view(who.user_id)
    return JSONResponse({"job": view.model_dump(mode="json")}, 202, {"Location": f"/api/jobs/{view.id}"})


def _unknown(here: Resources, error: UnknownModel) -> Problem:
    return Problem(404, "unknown_model", str(error), accepted=list(here.cache.registry.keys()))


def _details(up: Services, found: ModelStatus, who: Identity, may_manage: bool) -> ModelDetails:
    model, record = found.model, found.record
    job = up.model_actions.under_way(model.key)
    facts: dict[str, Any] = model.model_dump(include=set(ModelDetails.model_fields) & set(type(model).model_fields))
    return ModelDetails(
        **facts,
        splat_models=list(model.splat_keys),
        built_in=model.built_in,
        size=model.size,
        accepted=AcceptedView(name=found.accepted.name, at=found.accepted.at) if found.accepted else None,
        state=found.state,
        done=record.done,
        total=record.total,
        rate=record.rate,
        remaining_s=record.remaining_s,
        error=record.error,
        loaded_on=found.held_by,
        job=job.view(who.user_id) if job else None,
        possible=up.model_actions.possible(found, who) if may_manage else [],
    )
