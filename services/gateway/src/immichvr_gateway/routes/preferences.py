"""What a person has set for themselves, on whatever device."""

from __future__ import annotations

from fastapi import APIRouter

from immichvr_gateway.preferences import PreferenceRecords, Preferences
from immichvr_gateway.routes.dependencies import Up
from immichvr_gateway.routes.people import Person

router = APIRouter(prefix="/api/me", tags=["people"])


@router.get("/settings")
async def show_my_settings(who: Person, up: Up) -> Preferences:
    """What this person has set; null is left to the gateway and the viewer."""
    return await PreferenceRecords(up.bus).of(who.user_id)


@router.patch("/settings")
async def change_my_settings(wanted: Preferences, who: Person, up: Up) -> Preferences:
    """Sets what is in the body, takes back what is null there, and leaves the rest."""
    return await PreferenceRecords(up.bus).change(who.user_id, wanted.model_dump(exclude_unset=True, by_alias=True))
