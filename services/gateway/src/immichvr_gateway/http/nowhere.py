"""The page of an address where there is nothing, in the language of whoever came there."""

from __future__ import annotations

import re

from starlette.responses import HTMLResponse

_PAGE = """<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>{title} · ImmichVR</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="dark light">
<h1>{heading}</h1><p>{advice} <a href="{root}">{way_out}</a></p>"""
_WORDS = {
    "en": {
        "title": "Not here", "heading": "There is nothing here", "advice": "The address may be mistyped.",
        "way_out": "Go to the photos",
    },
    "de": {
        "title": "Nicht hier", "heading": "Hier ist nichts", "advice": "Vielleicht ist die Adresse vertippt.",
        "way_out": "Zu den Fotos",
    },
}  # fmt: skip
_LANGUAGE = re.compile(r"\s*([a-z]{2})(?:-[a-z0-9-]+)?\s*(?:;\s*q=([01](?:\.[0-9]{1,3})?)\s*)?", re.IGNORECASE)
_READ = 100


def nowhere(path: str, accept_language: str) -> HTMLResponse:
    """That there is nothing at a path, and the way to the photos, also below the path of a proxy."""
    lang = spoken(accept_language, list(_WORDS))
    page = _PAGE.format(root="../" * path.count("/") or "./", lang=lang, **_WORDS[lang])
    return HTMLResponse(page, 404, {"Vary": "Accept, Accept-Language"})


def spoken(accept_language: str, known: list[str]) -> str:
    """Of the languages that are known the one that a browser would rather have (RFC 9110 §12.5.4), else the first."""
    found = [_LANGUAGE.fullmatch(one) for one in accept_language[:_READ].split(",")]
    wishes = [(float(one[2] or 1), one[1].lower()) for one in found if one]
    likes = [(weight, name) for weight, name in wishes if name in known and weight > 0]
    return max(likes, key=lambda one: one[0], default=(0, known[0]))[1]
