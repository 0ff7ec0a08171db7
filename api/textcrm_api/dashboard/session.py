"""Who is at the pages: a password, or a one-time link that ``textcrm serve`` prints, sets a session cookie.

The CSRF token of the forms is derived from the session, so that it needs no place of its own; it never equals what is
in the cookie.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from textcrm.operations.access.users import sessions_of
from textcrm.store import Store
from textcrm.store.sessions import SESSION_LIFE

COOKIE = "textcrm_session"
FORM_COOKIE = "textcrm_form"  # stands for the session in the forms of those who have none yet
WELCOME = "/welcome"


def sign_in_link(store: Store, base: str, *, name: str, to: str = "") -> str:
    """Return the address that signs *name* in once, on the service at *base* (``http://127.0.0.1:8600``)."""
    link = f"{base.rstrip('/')}/signin?token={sessions_of(store).link(name)}"
    return f"{link}&next={to}" if to else link


def invitation_link(base: str, token: str) -> str:
    """Return the address at which whom the invitation *token* is for chooses a password."""
    return f"{base.rstrip('/')}/join?token={token}"


def csrf_token(session: str) -> str:
    """Return the token that every form of a session carries."""
    return hmac.new(session.encode(), b"textcrm csrf 1", hashlib.sha256).hexdigest()


def csrf_holds(session: str, given: str) -> bool:
    """Tell whether *given* is the token of this session."""
    return hmac.compare_digest(csrf_token(session).encode(), given.encode("utf-8", "replace"))


def from_here(request: Request) -> bool:
    """Tell whether a browser says that the request comes from a page of this service."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")


def form_session(request: Request) -> str:
    """Return what stands for the session of somebody who has none yet: that of the cookie, else a new one."""
    given = request.cookies.get(FORM_COOKIE, "")
    return given if len(given) == 43 and given.isascii() else secrets.token_urlsafe(32)


def set_form_session(response: Response, token: str, *, secure: bool) -> None:
    """Set the cookie that the forms of those who have no session are tied to."""
    response.set_cookie(FORM_COOKIE, token, max_age=3_600, httponly=True, samesite="strict", secure=secure, path="/")


def set_session(response: Response, token: str, *, secure: bool) -> None:
    """Set the cookie of a session."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(SESSION_LIFE.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=secure,
        path="/",
    )


def local_path(given: str, *, otherwise: str) -> str:
    """Return *given* where it is a path of this service, so that no redirect leads elsewhere."""
    safe = given.startswith("/") and not given.startswith(("//", "/\\")) and given.isprintable() and len(given) < 2_000
    return given if safe else otherwise
