from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from tests.api.problem import assert_problem
from textcrm import errors
from textcrm_api import cursors
from textcrm_api.problems import KINDS, ProblemError

if TYPE_CHECKING:
    from textcrm.store import Store


def test_every_error_of_the_tree_has_a_status() -> None:
    tree = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.TextcrmError)]
    assert len(tree) > 10
    assert {kind.code for kind in tree} <= KINDS.keys()


def test_the_list_of_problems_is_served(reader: TestClient) -> None:
    items = reader.get("/problems").json()["items"]
    assert {item["code"]: item["status"] for item in items} == {code: kind.status for code, kind in KINDS.items()}


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/nowhere", "unknown_route"),
        ("GET", "/v1/nowhere", "unknown_route"),
        ("GET", "/v1/messages/", "unknown_route"),
        ("DELETE", "/v1/classify", "method_not_allowed"),
        ("PATCH", "/v1/customers/1", "method_not_allowed"),
        ("GET", "/v1/messages/absent", "not_found"),
        ("GET", "/v1/insights/absent", "not_found"),
        ("GET", "/v1/customers/absent", "not_found"),
        ("GET", "/v1/customers/absent/messages", "not_found"),
        ("DELETE", "/v1/corrections/absent", "not_found"),
        ("DELETE", "/v1/keys/absent", "not_found"),
        ("GET", "/v1/messages?cursor=abc", "usage"),
        ("GET", "/v1/insights?cursor=WzFd", "usage"),
        ("GET", "/v1/insights?limit=0", "invalid_request"),
        ("GET", "/v1/insights?channel=fax", "invalid_request"),
        ("GET", "/v1/insights?chanel=email", "invalid_request"),
        ("GET", "/v1/insights?$where=1", "invalid_request"),
        ("GET", "/v1/insights?limit=1&limit=2", "invalid_request"),
        ("GET", "/v1/trends?by=hour", "invalid_request"),
        ("GET", "/v1/trends?since=yesterday", "invalid_request"),
        ("GET", "/v1/messages/" + "x" * 200, "invalid_request"),
    ],
)
def test_a_wrong_request_is_a_problem(reader: TestClient, method: str, path: str, code: str) -> None:
    assert_problem(reader.request(method, path), code)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_request"),
        (b"{", "invalid_json"),
        (b"\xff\xfe", "invalid_json"),
        (b'{"text": NaN}', "invalid_json"),
        (b'{"text": ' + b"9" * 5000 + b"}", "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
        (b'{"text":' * 200 + b"1" + b"}" * 200, "invalid_json"),
        (b"[]", "invalid_request"),
        (b"null", "invalid_request"),
        (b"{}", "invalid_request"),
        (b'{"text": 3}', "invalid_request"),
        (b'{"items": []}', "invalid_request"),
        (b'{"text": "a", "models": []}', "invalid_request"),
        (b'{"text": "a", "models": ["no such"]}', "invalid_request"),
        (b'{"text": "a", "models": ["weather"]}', "usage"),
        (b'{"text": "a", "models": ["intent@0000"]}', "conflict"),
        (b'{"text": "a", "pipeline": "telegraph"}', "usage"),
        (b'{"text": "a", "channel": "fax"}', "invalid_request"),
    ],
)
def test_a_wrong_body_is_a_problem(reader: TestClient, body: bytes, code: str) -> None:
    answer = reader.post("/v1/classify", content=body, headers={"Content-Type": "application/json"})
    assert_problem(answer, code)


def test_an_unknown_field_is_named(reader: TestClient) -> None:
    body = assert_problem(reader.post("/v1/classify", json={"text": "a", "txet": "b"}), "invalid_request")
    assert body["errors"] == [{"field": "txet", "message": "there is no field of this name"}]
    answer = reader.post("/v1/classify", json={"items": [{"text": "a"}, {"text": "b", "lang": "en"}]})
    assert assert_problem(answer, "invalid_request")["errors"][0]["field"] == "items[1].lang"


def test_more_than_a_hundred_texts_are_refused(reader: TestClient) -> None:
    answer = reader.post("/v1/classify", json={"items": [{"text": "a"}] * 101})
    assert_problem(answer, "invalid_request")


def test_a_body_that_is_no_json_type_is_refused(reader: TestClient) -> None:
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    assert_problem(reader.post("/v1/classify", content=b"--x--", headers=form), "unsupported_media_type")


def test_no_problem_says_what_a_customer_wrote(reader: TestClient) -> None:
    secret = "my password is swordfish"
    bodies: list[dict[str, Any]] = [
        {"text": {"nested": secret}},
        {"text": "a", "channel": secret},
        {"items": [{"text": "a", "id": secret * 20}]},
        {"items": secret},
    ]
    for body in bodies:
        for path in ("/v1/classify", "/v1/messages", "/v1/analyse", "/v1/entities", "/v1/mask"):
            answer = reader.post(path, json=body)
            assert_problem(answer, "invalid_request")
            assert secret not in answer.text


def test_an_unforeseen_failure_is_a_problem_without_its_text(app: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise RuntimeError("the customer wrote: swordfish")

    app.add_api_route("/fail", fail)
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/fail", headers={"X-Request-Id": "abc-1"})
    body = assert_problem(answer, "internal")
    assert body["request_id"] == "abc-1"
    assert "swordfish" not in answer.text
    assert "swordfish" not in caplog.text
    assert "RuntimeError" in caplog.text
    assert "abc-1" in caplog.text


@pytest.mark.parametrize(
    ("failure", "code"), [({"closeConnection": True}, "unavailable"), ({"errorCode": 8000}, "store")]
)
def test_a_database_that_fails_is_a_problem_and_the_next_request_works(
    client: TestClient, store: Store, failure: dict[str, Any], code: str
) -> None:
    data = {"failCommands": ["find"], **failure}
    store.client.admin.command("configureFailPoint", "failCommand", mode={"times": 2}, data=data)
    try:
        answer = client.get("/v1/messages/absent")
    finally:
        store.client.admin.command("configureFailPoint", "failCommand", mode="off")
    assert_problem(answer, code)
    assert_problem(client.get("/v1/messages/absent"), "not_found")


def test_a_cursor_goes_there_and_back() -> None:
    row = (3, datetime(2026, 9, 1, 10, 0, 0, 123_000, tzinfo=UTC), "a" * 32)
    assert cursors.decode(cursors.encode(*row)) == row
    for wrong in ("", "a", "bnVsbA", "WzEsMiwzXQ", "WzEsMSwieCIsMV0", "W" * 300, cursors.encode(1000, row[1], "x")):
        with pytest.raises(ProblemError):
            cursors.decode(wrong)
