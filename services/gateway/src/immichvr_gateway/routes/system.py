"""Health, what this gateway is, and signing in."""

from __future__ import annotations

from importlib.metadata import version
from typing import Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from immichvr_models import CacheSettings
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from immichvr_gateway.conversions import FORMATS
from immichvr_gateway.models.orders import refusal_to_run
from immichvr_gateway.models.shelf import OnShelf
from immichvr_gateway.orders import DEPTH_MODELS, QUALITIES, SPLAT_MODELS
from immichvr_gateway.readiness import Readiness
from immichvr_gateway.routes.people import Anybody, TheCore
from immichvr_gateway.sealed import LIFETIME_S
from immichvr_gateway.visitors import COOKIE, shown_by

router = APIRouter(prefix="/api", tags=["system"])


class ModelView(BaseModel):
    """A model, what it makes, and whether it can run."""

    key: str
    name: str
    makes: list[str]
    state: str
    usable: bool = Field(description="whether a photo can be given to it without another yes")
    licence: str
    commercial_use: bool


class ConfigView(BaseModel):
    """What a viewer needs to know first."""

    version: str
    library: Literal["folder", "immich"]
    authenticated: bool
    immich_external_url: str | None
    models: list[ModelView]
    depth_models: list[str] = DEPTH_MODELS
    splat_models: list[str] = SPLAT_MODELS
    formats: list[str] = list(FORMATS)
    qualities: list[str] = QUALITIES


class Health(BaseModel):
    """Alive."""

    status: Literal["ok"] = "ok"


class SignIn(BaseModel):
    """One of: an Immich API key; e-mail and password of an Immich account; the gateway's access token."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"api_key": "…"}],
            "anyOf": [{"required": ["api_key"]}, {"required": ["email", "password"]}, {"required": ["token"]}],
        },
    )
    api_key: SecretStr = SecretStr("")
    email: str = Field("", max_length=320)
    password: SecretStr = SecretStr("")
    token: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _names_one(self) -> SignIn:
        if not ({"api_key", "token"} & self.model_fields_set or {"email", "password"} <= self.model_fields_set):
            raise ValueError("send api_key, or email and password, or token")
        return self


@router.get("/health")
async def health() -> Health:
    """Whether the gateway lives."""
    return Health()


@router.get("/ready", response_model=Readiness, responses={503: {"model": Readiness}})
async def ready(core: TheCore) -> Response:
    """Whether what the gateway depends on answers and has room: 200, or 503 naming what does not.

    The library is told of, with what is wrong with it in words, and does not decide: without it jobs, and what was
    made, are still served.
    """
    state = await core.readiness()
    library: dict[str, bool] = {core.library.kind: await core.library.answers()}
    problems = [*(one.message for one in state.storage), *core.library_problems, *core.clocks.problems()]
    told = {**state.model_dump(exclude_none=True), **library, "problems": problems}
    return JSONResponse(told, 200 if state.is_all_well else 503)


@router.get("/config")
async def config(core: TheCore, who: Anybody) -> ConfigView:
    """What this gateway is and can do; also for those who have not signed in."""
    models = [_model_view(found, core.shelf.settings) for found in await core.shelf.all()] if who else []
    return ConfigView(
        version=version("immichvr-gateway"),
        library=core.library.kind,
        authenticated=who is not None,
        immich_external_url=core.settings.immich.external_url or None,
        models=models,
    )


@router.post("/session", status_code=204)
async def sign_in(wish: SignIn, request: Request, core: TheCore) -> Response:
    """Exchanges a key, a password or a token for a cookie."""
    cookie, _ = await core.sessions.sign_in(
        shown_by(request.scope),
        wish.api_key.get_secret_value(), wish.email, wish.password.get_secret_value(), wish.token.get_secret_value(),
    )  # fmt: skip
    response = Response(status_code=204)
    response.set_cookie(
        COOKIE, cookie, max_age=LIFETIME_S, httponly=True, samesite="strict",
        secure="https" in (request.url.scheme, urlsplit(core.settings.public_url).scheme),
    )  # fmt: skip
    return response


@router.delete("/session", status_code=204)
async def sign_out(request: Request, core: TheCore) -> Response:
    """Ends the session."""
    await core.sessions.sign_out(shown_by(request.scope).cookie)
    response = Response(status_code=204)
    response.delete_cookie(COOKIE)
    return response


def _model_view(found: OnShelf, settings: CacheSettings) -> ModelView:
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
