"""People at the pages: the first admin, passwords, lockout, and what each role may do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.testclient import TestClient
from typer.testing import CliRunner

from tests.desk_data import application, engine_without_models
from textcrm.cli.main import build_app
from textcrm.errors import ConflictError, NotFoundError, UsageError
from textcrm.operations.access import users
from textcrm.settings import Settings
from textcrm.store import Store
from textcrm.store.users import LOCKED, MOST_FAILURES, ROLES
from textcrm_api.dashboard import WELCOME, sign_in_link
from textcrm_api.dashboard.pages import Pages
from textcrm_api.dashboard.route import page_route, role_of
from textcrm_api.dashboard.router import SIGNED_IN
from textcrm_api.dashboard.session import invitation_link

BASE = "http://testserver"
PASSWORD = "three green kettles"


@pytest.fixture
def app(settings: Settings, store: Store) -> FastAPI:
    return application(settings, store)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, follow_redirects=False) as opened:
        yield opened


def csrf(client: TestClient, path: str = "/signin") -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get(path).text)
    assert found, path
    return found[1]


def user(store: Store, name: str, role: str) -> None:
    _, token = users.add_user(store, name, role=role)
    users.Passwords(store).choose(token, PASSWORD)


def enter(client: TestClient, name: str, password: str = PASSWORD, **more: str) -> Any:
    form = {"csrf": csrf(client), "name": name, "password": password, **more}
    return client.post("/signin", data=form)


def test_the_first_link_leads_to_the_first_admin_and_then_no_more(client: TestClient, store: Store) -> None:
    assert client.get(sign_in_link(store, BASE, name="admin", to=WELCOME)).headers["location"] == WELCOME
    form = {"csrf": csrf(client, WELCOME), "name": " Ada  Byron ", "password": PASSWORD, "again": PASSWORD}
    assert client.post(WELCOME, data={**form, "again": "x"}).status_code == 422
    assert client.post(WELCOME, data={**form, "password": "short", "again": "short"}).status_code == 422
    made = client.post(WELCOME, data=form)
    assert made.headers["location"] == "/users?done=admin:1"
    assert "Ada Byron" in client.get("/users").text
    assert client.get(WELCOME).status_code == 303
    form["csrf"] = csrf(client, "/account")
    assert client.post(WELCOME, data={**form, "name": "Second"}).status_code == 422
    assert [u.name for u in users.users_of(store).list()] == ["Ada Byron"]


def test_name_and_password_sign_in_and_lead_where_one_wanted(client: TestClient, store: Store) -> None:
    user(store, "Ada", "agent")
    answered = enter(client, "aDA", next="/trends")
    assert (answered.status_code, answered.headers["location"]) == (303, "/trends")
    cookie = answered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert client.get("/desk").status_code == 200
    assert PASSWORD not in json.dumps(list(store.database["users"].find()), default=str)
    assert enter(client, "Ada", next="//evil.example").headers["location"] == "/desk"


@pytest.mark.parametrize(
    ("name", "password"), [("Ada", "wrong wrong wrong"), ("Nobody", PASSWORD), ("", ""), ("Ada", "")]
)
def test_what_is_wrong_is_answered_alike(client: TestClient, store: Store, name: str, password: str) -> None:
    user(store, "Ada", "agent")
    answered = enter(client, name, password)
    assert answered.status_code == 401
    assert "Name or password is wrong" in answered.text
    assert "textcrm_session" not in answered.headers.get("set-cookie", "")


def test_five_wrong_tries_lock_a_name_even_side_by_side(store: Store) -> None:
    user(store, "Ada", "agent")
    attempts = users.users_of(store)
    with ThreadPoolExecutor(8) as pool:
        looked_at = [found for found in pool.map(lambda _: attempts.attempt("Ada"), range(20)) if found]
    assert len(looked_at) == MOST_FAILURES
    assert users.Passwords(store).sign_in("Ada", PASSWORD) is None
    past = store.now() - timedelta(seconds=1)
    store.database["users"].update_one({}, {"$set": {"locked_until": past, "failed_at": past - LOCKED}})
    assert users.Passwords(store).sign_in("Ada", PASSWORD)
    assert (store.database["users"].find_one() or {})["failures"] == 0


def test_too_many_tries_from_one_address_wait(client: TestClient) -> None:
    token = csrf(client)
    answers = [client.post("/signin", data={"csrf": token, "name": f"n{n}"}).status_code for n in range(25)]
    assert set(answers) == {401, 429}


def test_the_sign_in_form_of_another_site_is_refused(client: TestClient, store: Store) -> None:
    user(store, "Ada", "agent")
    form = {"csrf": csrf(client), "name": "Ada", "password": PASSWORD}
    assert client.post("/signin", data=form, headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.post("/signin", data={**form, "csrf": "0" * 64}).status_code == 403
    client.cookies.clear()
    assert client.post("/signin", data=form).status_code == 403


def test_a_link_to_choose_a_password_works_once(client: TestClient, store: Store) -> None:
    _, token = users.add_user(store, "Ada", role="agent")
    link = invitation_link(BASE, token)
    form = {"csrf": csrf(client, link), "token": token, "password": PASSWORD, "again": PASSWORD}
    assert (
        "easily guessed" in client.post("/join", data={**form, **dict.fromkeys(("password", "again"), "a" * 12)}).text
    )
    assert client.post("/join", data=form).status_code == 303
    assert client.get("/desk").status_code == 200
    assert client.post("/join", data=form).status_code == 401
    assert client.get(link).status_code == 401


def test_whoever_is_disabled_is_out_at_once(client: TestClient, store: Store) -> None:
    user(store, "Ada", "agent")
    enter(client, "Ada")
    assert client.get("/desk").status_code == 200
    users.set_disabled(store, "Ada", disabled=True)
    assert client.get("/desk").status_code == 303
    assert enter(client, "Ada").status_code == 401
    assert client.get(sign_in_link(store, BASE, name="Ada")).status_code == 303
    assert client.get("/desk").status_code == 303
    users.set_disabled(store, "Ada", disabled=False)
    assert enter(client, "Ada").status_code == 303


def test_a_reset_ends_password_and_sessions(client: TestClient, store: Store) -> None:
    user(store, "Ada", "agent")
    enter(client, "Ada")
    token = users.reset_password(store, "Ada")
    assert client.get("/desk").status_code == 303
    assert enter(client, "Ada").status_code == 401
    users.Passwords(store).choose(token, "another few words")
    assert enter(client, "Ada", "another few words").status_code == 303


def test_changing_ones_password_ends_the_other_sessions(app: FastAPI, client: TestClient, store: Store) -> None:
    user(store, "Ada", "viewer")
    enter(client, "Ada")
    other = TestClient(app, follow_redirects=False)
    enter(other, "Ada")
    form = {
        "csrf": csrf(client, "/account"),
        "old": PASSWORD,
        **dict.fromkeys(("password", "again"), "x y z 1 2 3 4 5"),
    }
    assert client.post("/account", data={**form, "old": "wrong"}).status_code == 422
    assert client.post("/account", data=form).headers["location"] == "/account?done=password:1"
    assert client.get("/desk").status_code == 200
    assert other.get("/desk").status_code == 303


def test_one_admin_is_always_left(store: Store) -> None:
    user(store, "Ada", "admin")
    with pytest.raises(ConflictError):
        users.set_role(store, "Ada", "agent")
    with pytest.raises(ConflictError):
        users.set_disabled(store, "Ada", disabled=True)
    user(store, "Bea", "admin")
    assert users.set_role(store, "Ada", "agent").role == "agent"


@pytest.mark.parametrize("name", ["", " ", "a\x00b", "x" * 65, "\u202eAda"])
def test_names_that_cannot_be_shown_are_refused(store: Store, name: str) -> None:
    with pytest.raises(UsageError):
        users.add_user(store, name, role="agent")


def test_a_name_is_one_in_any_case(store: Store) -> None:
    users.add_user(store, "Ada", role="agent")
    with pytest.raises(ConflictError):
        users.add_user(store, "ADA", role="agent")
    with pytest.raises(NotFoundError):
        users.set_role(store, "Bea", "agent")
    with pytest.raises(UsageError):
        users.set_role(store, "Ada", "king")


def test_an_admin_adds_and_changes_users_at_the_page(client: TestClient, store: Store) -> None:
    user(store, "Ada", "admin")
    enter(client, "Ada")
    token = csrf(client, "/users")
    made = client.post("/users", data={"csrf": token, "name": "Bea", "role": "viewer"})
    link = re.search(r'value="(http://testserver/join\?token=[^"]+)"', made.text)
    assert link
    assert client.get(link[1]).status_code == 200
    assert client.post("/users", data={"csrf": token, "name": "Bea", "role": "viewer"}).status_code == 422
    assert client.post("/users/role", data={"csrf": token, "name": "Bea", "role": "analyst"}).status_code == 303
    assert client.post("/users/disable", data={"csrf": token, "name": "Bea"}).status_code == 303
    assert client.post("/users/disable", data={"csrf": token, "name": "Ada"}).status_code == 409
    (_, bea) = users.users_of(store).list()
    assert (bea.role, bea.disabled_at is not None) == ("analyst", True)


def page_routes(settings: Settings, store: Store) -> list[tuple[str, str, str]]:
    """Return method, path and least role of every page for people who signed in."""
    from fastapi import APIRouter

    shared = Pages(store, engine_without_models(), settings)
    router = APIRouter(route_class=page_route(shared))
    for part in SIGNED_IN:
        part.add(router, shared)
    found = [route for route in router.routes if isinstance(route, APIRoute)]
    return [(method, route.path, role_of(route)) for route in found for method in sorted(route.methods or ())]


def test_every_role_is_let_in_or_refused_at_every_page(settings: Settings, store: Store, app: FastAPI) -> None:
    routes = page_routes(settings, store)
    assert len(routes) > 20
    for role in ROLES:
        user(store, f"is {role}", role)
        client = TestClient(app, follow_redirects=False)
        assert enter(client, f"is {role}").status_code == 303
        for method, path, least in routes:
            if path == "/events":
                continue  # goes on for minutes; it only shows, and is asked for by the browser tests
            answered = client.request(method, path.replace("{", "").replace("}", ""))
            if users.may(role, least):  # a form without its token is refused, too, in other words
                assert "Your role may not do this" not in answered.text, (role, method, path)
                assert answered.status_code != 401
            else:
                assert answered.status_code == 403, (role, method, path)
                assert "Your role may not do this" in answered.text


def test_the_table_in_the_docs_says_the_least_role_of_every_page(settings: Settings, store: Store) -> None:
    readme = (Path(__file__).resolve().parents[2] / "api" / "README.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| (GET|POST) `(/\S+)` \| (viewer|agent|analyst|admin) \|$", readme, re.MULTILINE))
    assert set(page_routes(settings, store)) <= told


def test_what_a_role_may_not_do_is_not_offered(client: TestClient, store: Store) -> None:
    user(store, "Vic", "viewer")
    enter(client, "Vic")
    text = client.get("/desk").text + client.get("/models").text
    assert 'href="/users"' not in text
    assert 'action="/models/activate"' not in text


def test_the_terminal_adds_lists_and_resets(settings: Settings, monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    assert settings.mongodb_uri is not None
    monkeypatch.setenv("TEXTCRM_MONGODB_URI", settings.mongodb_uri.get_secret_value())
    monkeypatch.setenv("TEXTCRM_DATABASE", settings.database)
    monkeypatch.setenv("TEXTCRM_HOME", str(settings.home))

    def run(*arguments: str) -> Any:
        done = CliRunner().invoke(build_app(), ["users", *arguments, "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    made = run("add", "Ada", "--role", "admin", "--url", "https://crm.example")
    assert made["link"].startswith("https://crm.example/join?token=")
    token = made["link"].partition("=")[2]
    users.Passwords(store).choose(token, PASSWORD)
    assert [(u["name"], u["role"], u["state"]) for u in run("list")] == [("Ada", "admin", "active")]
    run("add", "Bea", "--role", "viewer")
    assert run("role", "Bea", "agent")["role"] == "agent"
    assert run("disable", "Bea")["state"] == "disabled"
    assert run("enable", "Bea")["state"] == "invited"
    assert "token=" in run("reset", "Ada")["link"]
    assert users.Passwords(store).sign_in("Ada", PASSWORD) is None
