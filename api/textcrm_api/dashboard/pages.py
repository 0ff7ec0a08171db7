"""Renders pages: templates, languages, the headers that every page carries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from textcrm.operations.access.audit import audit_of
from textcrm.operations.access.users import Passwords, may, sessions_of
from textcrm.operations.links.review import waiting
from textcrm.settings import Settings
from textcrm.store import Store
from textcrm_api.dashboard import words
from textcrm_api.dashboard.assets import Assets
from textcrm_api.dashboard.languages import LANGUAGES, catalogue, language_of
from textcrm_api.dashboard.session import csrf_token

if TYPE_CHECKING:
    from textcrm.engine import Engine

HERE = Path(__file__).parent
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-DNS-Prefetch-Control": "off",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
THEMES = ("auto", "light", "dark")


class Pages:
    """What the pages share.

    Parameters
    ----------
    engine
        None where no models are loaded: pages then say that they cannot explain.
    """

    def __init__(self, store: Store, engine: Engine | None, settings: Settings) -> None:
        self.store = store
        self.engine = engine
        self.settings = settings
        self.sessions = sessions_of(store)
        self.passwords = Passwords(store)
        self.audit = audit_of(store, settings)
        self.assets = Assets(HERE / "static")
        self._environments = {language: self._environment(language) for language in LANGUAGES}

    def render(self, request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """Return a page in the language and theme of the person."""
        language = language_of(request)
        theme = request.cookies.get("textcrm_theme", "auto")
        session = getattr(request.state, "session", "")
        role = getattr(request.state, "role", "")
        query = request.url.query
        done, _, about = request.query_params.get("done", "")[:64].partition(":")
        shared: Mapping[str, Any] = {
            "path": request.url.path,
            "waiting_links": waiting(self.store) if getattr(request.state, "person", None) else 0,
            "here": request.url.path + (f"?{query}" if query else ""),
            "person": getattr(request.state, "person", None),
            "can": lambda least: may(role, least),
            "csrf": csrf_token(session) if session else "",
            "theme": theme if theme in THEMES else "auto",
            "language": language,
            "languages": LANGUAGES,
            "done": (done, int(about) if about.isdigit() and len(about) < 6 else 1) if done else None,
            "done_about": about,
        }
        body = self._environments[language].get_template(template).render(**shared, **context)
        return HTMLResponse(body, status, headers=HEADERS)

    def problem(self, request: Request, status: int, text: str) -> HTMLResponse:
        """Return the page of an error."""
        return self.render(request, "problem.html", status=status, number=status, text=text)

    def _environment(self, language: str) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        )
        translations = catalogue(language)
        environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]
        environment.filters.update(words.filters(translations.gettext, language))
        environment.globals.update(asset=self.assets.address, query=words.query)
        return environment
