"""The languages of the pages, through gettext."""

from __future__ import annotations

import gettext
from pathlib import Path

from starlette.requests import Request

LANGUAGES = {"en": "English", "zh": "中文"}
FOLDER = Path(__file__).parent / "locale"


def catalogue(language: str) -> gettext.NullTranslations:
    """Return the translations of a language; English is what the templates are written in."""
    if language == "en":
        return gettext.NullTranslations()
    return gettext.translation("textcrm", FOLDER, languages=[language])


def language_of(request: Request) -> str:
    """Return the language that the person chose, else the first one of the browser that there is."""
    chosen = request.cookies.get("textcrm_language", "")
    if chosen in LANGUAGES:
        return chosen
    for part in request.headers.get("accept-language", "")[:200].split(","):
        code = part.split(";")[0].strip()[:2].lower()
        if code in LANGUAGES:
            return code
    return "en"
