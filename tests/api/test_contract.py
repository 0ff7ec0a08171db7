"""The written contract, and whether the application keeps it."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis.errors import FlakyStrategyDefinition
from schemathesis.config import SchemathesisConfig
from starlette.testclient import TestClient

from tests.api.problem import assert_problem
from textcrm_api.openapi import FILE, rendered

if TYPE_CHECKING:
    from fastapi import FastAPI

    from tests.api.conftest import Live

CONTRACT = json.loads(FILE.read_text(encoding="utf-8"))


def test_the_file_is_what_the_application_says() -> None:
    assert FILE.read_text(encoding="utf-8") == rendered(), "run: python -m textcrm_api.openapi"


def test_requests_are_closed_and_answers_have_no_defaults() -> None:
    for name, schema in CONTRACT["components"]["schemas"].items():
        if schema.get("type") != "object" or name == "Problem":
            continue
        assert schema["additionalProperties"] is False, name
        if name.endswith("Out") or name == "ItemError":
            assert set(schema["required"]) == set(schema["properties"]), name
            assert not any("default" in field for field in schema["properties"].values()), name


def test_every_operation_is_told_and_refuses_with_problems() -> None:
    for path, methods in CONTRACT["paths"].items():
        for method, operation in methods.items():
            assert operation["description"], (method, path)
            assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}
            assert "422" not in operation["responses"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/jobs", {"stale": 0}),
        ("/v1/jobs", {"stale": "true"}),
        ("/v1/similar", {"text": "a", "limit": "5"}),
        ("/v1/similar", {"text": "a", "limit": True}),
        ("/v1/keys", {"name": "a", "scopes": ["read"], "per_day": "5"}),
        ("/v1/keys", {"name": "a", "scopes": ["read"], "per_second": True}),
        ("/v1/keys/a/rotate", {"overlap_hours": "1"}),
    ],
)
def test_a_value_of_another_type_is_refused_and_not_guessed(reader: TestClient, path: str, body: object) -> None:
    assert_problem(reader.post(path, json=body), "invalid_request")


def config(*also: int) -> SchemathesisConfig:
    """Return the settings of the tries; *also*: further statuses that a request which keeps the schema may get."""
    return SchemathesisConfig.from_dict(
        {
            "generation": {"max-examples": 25},
            "request-timeout": 120.0,
            "checks": {
                # a request that keeps the schema may still ask for what cannot be: 400, 409, 412, 422
                "positive_data_acceptance": {"expected-statuses": [200, 201, 202, 400, 404, 409, 412, 422, *also]},
                # what is taken back stays on record: a job is cancelled, a correction undone, a key revoked
                "use_after_free": {"enabled": False},
                # a cursor or an id that is none of ours keeps every schema; a number in a query is text
                "negative_data_rejection": {"expected-statuses": [400, 401, 404, 405, 408, 409, 413, 415, 422]},
            },
        }
    )


schema = schemathesis.openapi.from_path(str(FILE), config=config())


def filter_query(context: Any, query: dict[str, Any] | None) -> bool:  # noqa: ARG001 - the names are theirs
    """Leave out what only looks wrong: in an address, a list of one is what it holds, and an object is its fields."""
    given = query or {}
    lists = (value for value in given.values() if isinstance(value, list))
    objects = (value for value in given.values() if isinstance(value, dict))
    return all(len(value) > 1 for value in lists) and not any(set(value) <= set(given) for value in objects)


schema.hook(filter_query)


@pytest.fixture
def ending(live: Live, app: FastAPI) -> Live:
    """The application as if it were about to stop: streams of events end once they have begun."""
    app.state.followers.ends = lambda: True
    return live


@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_comes_is_answered_as_the_contract_says(case: Any, ending: Live) -> None:
    case.call_and_validate(base_url=ending.url, headers=ending.headers)


@pytest.mark.slow
def test_calls_that_build_on_each_other_are_answered_as_the_contract_says(ending: Live) -> None:
    # calls find the key that they are made with, and may rotate it: from then on it is none
    live, linked = ending, schemathesis.openapi.from_path(str(FILE), config=config(401))
    linked.hook(filter_query)
    linked.config.update(base_url=live.url)
    base = linked.as_state_machine()
    failures: list[BaseException] = []

    class Calls(base):  # type: ignore[misc, valid-type]
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:  # noqa: ARG002 - the name is theirs
            return {"headers": live.headers}

        def validate_response(self, *arguments: Any, **named: Any) -> None:
            try:
                super().validate_response(*arguments, **named)
            except BaseException as error:
                failures.append(error)
                raise

    # which call may come next depends on what the server gave, and Hypothesis may say that it does: no failure of ours
    with suppress(FlakyStrategyDefinition):
        Calls.run(
            settings=settings(
                max_examples=15, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck)
            )
        )
    assert failures == []
