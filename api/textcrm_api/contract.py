"""The OpenAPI document of the application."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from textcrm_api.gate import SCHEMES
from textcrm_api.problems import MEDIA_TYPE, problem_schema

_OF_FASTAPI = ("HTTPValidationError", "ValidationError")


def contract_of(app: FastAPI) -> dict[str, Any]:
    """Return the document: what FastAPI knows, with problems for every error and the keys for access."""
    if app.openapi_schema:
        return app.openapi_schema
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in _OF_FASTAPI:
        schemas.pop(name, None)
    schemas["Problem"] = problem_schema()
    components["securitySchemes"] = SCHEMES
    components["responses"] = {
        "Problem": {
            "description": "Anything else: a problem with a stable `code`, listed at `/problems`.",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    }
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
    components["schemas"] = dict(sorted(schemas.items()))
    app.openapi_schema = document
    return document
