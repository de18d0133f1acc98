"""Models: what there is and in what state; licences, downloads, memory."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from immichvr_common.trace import accept_traceparent
from immichvr_models import UnknownModel
from pydantic import BaseModel, ConfigDict, Field

from immichvr_gateway.core import Core
from immichvr_gateway.jobs.records import JobError, JobView
from immichvr_gateway.library import Identity
from immichvr_gateway.models.orders import Deed
from immichvr_gateway.models.shelf import ModelState, OnShelf
from immichvr_gateway.problems import Problem
from immichvr_gateway.routes.people import Person, TheCore
from immichvr_gateway.views import JobAnswer

router = APIRouter(prefix="/api/models", tags=["models"])


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
    possible: list[str] = Field(
        description="what this person may do with it now: accept, download, load, unload, delete, cancel"
    )


class ModelsView(BaseModel):
    """Every model. may_manage: whether this person may accept licences, download and delete."""

    models: list[ModelDetails]
    may_manage: bool


class Acceptance(BaseModel):
    """A yes to a licence, by its name, so that nobody says yes to another than they have read."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"licence": "CC-BY-NC-4.0"}]})
    licence: str = Field(max_length=200)


async def manager(core: TheCore, who: Person) -> Identity:
    """A person who may manage models, by what they signed in with, as Immich says now. Raises Problem (403)."""
    if not await core.library.may_manage(who, fresh=True):
        detail = (
            "only an administrator of Immich may manage models, signed in with a password or with an API key that has "
            "the permission systemConfig.update"
        )
        raise Problem(403, "not_permitted", detail)
    return who


Manager = Annotated[Identity, Depends(manager)]


@router.get("")
async def list_models(core: TheCore, who: Person) -> ModelsView:
    """Every model of the registry with its state; no worker needs to run for it."""
    may_manage = await core.library.may_manage(who)
    found = await core.shelf.all()
    return ModelsView(models=[_details(core, one, who, may_manage) for one in found], may_manage=may_manage)


@router.get("/{key}")
async def get_model(key: str, core: TheCore, who: Person) -> ModelDetails:
    """One model."""
    return await _one(core, who, key)


@router.post("/{key}/accept")
async def accept_licence(key: str, yes: Acceptance, core: TheCore, who: Manager) -> ModelDetails:
    """Accepts a model's licence; who did and when is kept. Needed again when the licence changes."""
    try:
        await core.model_orders.accept(who, key, yes.licence)
    except UnknownModel as error:
        raise _unknown(core, error) from error
    return await _one(core, who, key)


@router.post("/{key}/download", status_code=202, response_model=JobAnswer)
async def download_model(key: str, request: Request, core: TheCore, who: Manager) -> Response:
    """Fetches a model's weights, as a job; `model:progress` tells how far it is."""
    return await _made(core, who, key, "download", request)


@router.post("/{key}/load", status_code=202, response_model=JobAnswer)
async def load_model(key: str, request: Request, core: TheCore, who: Manager) -> Response:
    """Brings a model into a worker's memory ahead of its first use."""
    return await _made(core, who, key, "load", request)


@router.post("/{key}/unload", status_code=202, response_model=JobAnswer)
async def unload_model(key: str, request: Request, core: TheCore, who: Manager) -> Response:
    """Has every worker give back the memory that the model takes; a photo in the making is finished first."""
    return await _made(core, who, key, "unload", request)


@router.delete("/{key}", status_code=202, response_model=JobAnswer)
async def delete_model(key: str, request: Request, core: TheCore, who: Manager) -> Response:
    """Deletes a model's weights; it leaves memory too."""
    return await _made(core, who, key, "delete", request)


async def _one(core: Core, who: Identity, key: str) -> ModelDetails:
    try:
        found = await core.shelf.find(key)
    except UnknownModel as error:
        raise _unknown(core, error) from error
    return _details(core, found, who, await core.library.may_manage(who))


async def _made(core: Core, who: Identity, key: str, deed: Deed, request: Request) -> Response:
    trace = accept_traceparent(request.headers.get("traceparent"))
    try:
        record = await core.model_orders.make(who, key, deed, trace)
    except UnknownModel as error:
        raise _unknown(core, error) from error
    view = record.view(who.user_id)
    return JSONResponse({"job": view.model_dump(mode="json")}, 202, {"Location": f"/api/jobs/{view.id}"})


def _unknown(core: Core, error: UnknownModel) -> Problem:
    return Problem(404, "unknown_model", str(error), accepted=list(core.models.registry.keys()))


def _details(core: Core, found: OnShelf, who: Identity, may_manage: bool) -> ModelDetails:
    model, record = found.model, found.record
    job = core.model_orders.under_way(model.key)
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
        possible=core.model_orders.possible(found, who) if may_manage else [],
    )
