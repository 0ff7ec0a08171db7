"""Every refusal of the API, as ``application/problem+json`` (RFC 9457). The one place that knows HTTP statuses.

References
----------
RFC 9457, Problem Details for HTTP APIs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pymongo.errors import ConnectionFailure, PyMongoError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from textcrm.errors import StoreError, TextcrmError, UnavailableError

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20


@dataclass(frozen=True)
class Kind:
    """What a code stands for: the HTTP status and a title that never changes."""

    status: int
    title: str


KINDS: Mapping[str, Kind] = {
    # the error tree of textcrm.errors
    "usage": Kind(400, "The request asks for something that cannot be"),
    "not_found": Kind(404, "There is no such thing"),
    "conflict": Kind(409, "It exists already, or changed in the meantime"),
    "input": Kind(422, "The content cannot be taken"),
    "unreadable": Kind(422, "The content is not what it says it is"),
    "too_large": Kind(413, "The content is too large"),
    "settings": Kind(500, "The service is set up wrongly"),
    "spec": Kind(500, "A pipeline or recipe of the service is wrong"),
    "artifact": Kind(500, "A model of the service is damaged"),
    "store": Kind(500, "The database refused"),
    "dependency": Kind(500, "A part of the service is missing"),
    "unavailable": Kind(503, "The database cannot be reached"),
    "mailbox": Kind(503, "A mail server cannot be reached"),
    "kafka": Kind(503, "A message broker cannot be reached"),
    "engine_down": Kind(503, "The models fail on texts that are known to be good"),
    "internal": Kind(500, "The service failed"),
    # what only the edge can say
    "invalid_json": Kind(400, "The body is not JSON"),
    "invalid_request": Kind(422, "The request breaks the schema"),
    "unauthenticated": Kind(401, "No valid key was given"),
    "bad_signature": Kind(401, "The signature is not right"),
    "forbidden": Kind(403, "The key lacks the scope"),
    "unknown_route": Kind(404, "There is no such path"),
    "method_not_allowed": Kind(405, "The path does not take this method"),
    "timeout": Kind(408, "The body took too long to arrive"),
    "precondition_failed": Kind(412, "It changed since it was read"),
    "body_too_large": Kind(413, "The body is too large"),
    "unsupported_media_type": Kind(415, "The body must be JSON"),
    "idempotency_mismatch": Kind(422, "The Idempotency-Key was used for another request"),
    "idempotency_running": Kind(409, "The first request with this Idempotency-Key still runs"),
    "rate_limited": Kind(429, "Too many requests with this key"),
    "quota_exceeded": Kind(429, "The requests of the day are spent"),
    "overloaded": Kind(503, "The service is busy"),
    "request_timeout": Kind(503, "The answer took too long"),
    "not_ready": Kind(503, "The service is not ready"),
}
_OF_STATUS = {400: "usage", 404: "unknown_route", 405: "method_not_allowed", 413: "body_too_large"}


class ProblemError(HTTPException):
    """A refusal that the edge itself decides.

    Parameters
    ----------
    code
        One of `KINDS`.
    detail
        What happened here, for a person; never what a customer wrote.
    extra
        Further members of the body.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        hint: str = "",
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(KINDS[code].status, detail, dict(headers or {}))
        self.code = code
        self.hint = hint
        self.extra = dict(extra or {})


def body_of(
    code: str, detail: str, *, request_id: str, hint: str = "", extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the members of a problem."""
    kind = KINDS[code]
    return {
        "type": f"/problems#{code}",
        "title": kind.title,
        "status": kind.status,
        "code": code,
        "detail": detail,
        "hint": hint,
        "request_id": request_id,
        **(extra or {}),
    }


def respond(
    code: str,
    detail: str,
    *,
    request_id: str,
    hint: str = "",
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response:
    """Return the response of a problem."""
    body = body_of(code, detail, request_id=request_id, hint=hint, extra=extra)
    return JSONResponse(body, KINDS[code].status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def item_error(error: TextcrmError) -> tuple[str, str]:
    """Return the code and the words of an error that befell one item of a batch."""
    return (error.code if error.code in KINDS else "internal", str(error))


def store_error(error: StoreError | PyMongoError) -> StoreError:
    """Return *error* in our words; what the driver says may quote a document."""
    if isinstance(error, StoreError):
        return error
    if isinstance(error, ConnectionFailure) or getattr(error, "timeout", False):
        return UnavailableError("The database does not answer", hint="Try again in a moment.")
    return StoreError(f"The database failed with {type(error).__name__}", hint="See: textcrm doctor.")


def install(app: FastAPI) -> None:
    """Make *app* answer every error as a problem."""
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(TextcrmError, _on_textcrm)
    app.add_exception_handler(PyMongoError, _on_mongo)


def _request_id(request: Request) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - starlette's handler types are not generic
    if isinstance(error, ProblemError):
        return respond(
            error.code,
            error.detail,
            request_id=_request_id(request),
            hint=error.hint,
            headers=error.headers,
            extra=error.extra,
        )
    code = _OF_STATUS.get(error.status_code, "internal")
    headers = {"Allow": _allowed(request)} if error.status_code == 405 else error.headers
    return respond(code, KINDS[code].title + ".", request_id=_request_id(request), headers=headers)


def _allowed(request: Request) -> str:
    """Return the methods of all routes at the path of *request*; the router itself names those of the first alone."""
    routes = [r for r in request.app.routes if isinstance(r, Route) and r.path_regex.match(request.scope["path"])]
    return ", ".join(sorted(method for route in routes for method in route.methods or ()))


async def _on_textcrm(request: Request, error: Exception) -> Response:
    assert isinstance(error, TextcrmError)  # noqa: S101
    code = error.code if error.code in KINDS else "internal"
    retry = {"Retry-After": "2"} if KINDS[code].status == 503 else None
    extra = {"options": list(error.options)} if error.options else None
    return respond(code, error.what + ".", request_id=_request_id(request), hint=error.hint, headers=retry, extra=extra)


async def _on_mongo(request: Request, error: Exception) -> Response:
    assert isinstance(error, PyMongoError)  # noqa: S101
    return await _on_textcrm(request, store_error(error))


async def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    found = error.errors()
    if any(e["type"] == "json_invalid" for e in found):
        reason = str(found[0].get("ctx", {}).get("error", ""))
        return respond("invalid_json", f"The body is not JSON: {reason}.", request_id=_request_id(request))
    if _body_is_bytes(error):
        return respond(
            "unsupported_media_type",
            "The body must be JSON.",
            request_id=_request_id(request),
            hint="Send it with Content-Type: application/json.",
        )
    errors = [{"field": _field(e["loc"]), "message": _words(e)} for e in found[:MAX_ERRORS]]
    more = f" ({len(found) - 1} more)" if len(found) > 1 else ""
    detail = f"{errors[0]['field']}: {errors[0]['message']}{more}." if errors else "The request breaks the schema."
    return respond("invalid_request", detail, request_id=_request_id(request), extra={"errors": errors})


def _body_is_bytes(error: RequestValidationError) -> bool:
    return isinstance(error.body, bytes)


def _field(location: Sequence[int | str]) -> str:
    """Return where it is, as ``items[3].text``: without the source (body, query) and the branch of a union."""
    text = ""
    for part in [p for p in location if p not in ("body", "query", "path", "header", "(batch)", "(single)")]:
        text += f"[{part}]" if isinstance(part, int) else f".{printable(str(part))}"
    return text.lstrip(".") or "the body"


def _words(error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "there is no field of this name"
    return str(error["msg"]).removeprefix("Value error, ").rstrip(".")


def printable(text: str) -> str:
    """Return at most 64 characters of a name that the caller gave, control characters replaced."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:64])


def problem_schema() -> dict[str, Any]:
    """Return the JSON Schema of the body of a problem."""
    text = {"type": "string"}
    return {
        "type": "object",
        "title": "Problem",
        "description": "RFC 9457 problem details.",
        "required": ["type", "title", "status", "code", "detail", "hint", "request_id"],
        "properties": {
            "type": text,
            "title": text,
            "status": {"type": "integer"},
            "code": {"type": "string", "enum": sorted(KINDS)},
            "detail": text,
            "hint": text,
            "request_id": text,
            "options": {"type": "array", "items": text},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["field", "message"],
                    "properties": {"field": text, "message": text},
                },
            },
        },
    }
