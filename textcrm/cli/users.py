"""``textcrm users``: who may sign in to the pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textcrm.cli import output
from textcrm.cli.arguments import JSON_HELP
from textcrm.settings import read_settings

if TYPE_CHECKING:
    from textcrm.store import Store
    from textcrm.store.users import User

Name = Annotated[str, typer.Argument(help="Name of the user.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
Url = Annotated[str | None, typer.Option(help="Address of the service, where it is not the one of the settings.")]
ROLE_HELP = "viewer, agent, analyst or admin; each may what those before it may."


def register(app: typer.Typer) -> None:
    """Add the group."""
    users = typer.Typer(help="People who sign in to the pages.", no_args_is_help=True)
    users.command("add")(add)
    users.command("list")(show_all)
    users.command("role")(role)
    users.command("disable")(disable)
    users.command("enable")(enable)
    users.command("reset")(reset)
    app.add_typer(users, name="users")


def add(
    name: Name,
    role: Annotated[str, typer.Option(help=ROLE_HELP)] = "agent",
    url: Url = None,
    json: Json = False,
) -> None:
    """Add a user, and print the one-time link at which they choose their password."""
    from textcrm.operations.access.users import add_user

    with _store() as store:
        user, token = add_user(store, name, role=role)
        _note(store, "add", user.name)
    _print_link(user.name, token, url=url, json=json)


def show_all(json: Json = False) -> None:
    """List the users."""
    from textcrm.operations.access.users import users_of

    with _store() as store:
        users = users_of(store).list()
    if json:
        output.print_json([_fields(user) for user in users])
        return
    rows = [(user.name, user.role, f"{user.created_at:%Y-%m-%d}", _state(user)) for user in users]
    output.print_table("Users", ("name", "role", "added", "state"), rows)


def role(
    name: Name, role: Annotated[str, typer.Argument(help=ROLE_HELP, show_default=False)], json: Json = False
) -> None:
    """Give a user another role."""
    from textcrm.operations.access.users import set_role

    with _store() as store:
        user = set_role(store, name, role)
        _note(store, "role", user.name)
    _print_user(user, json=json)


def disable(name: Name, json: Json = False) -> None:
    """Let a user in no more; what they had open ends at once."""
    from textcrm.operations.access.users import set_disabled

    with _store() as store:
        user = set_disabled(store, name, disabled=True)
        _note(store, "disable", user.name)
    _print_user(user, json=json)


def enable(name: Name, json: Json = False) -> None:
    """Let a user in again."""
    from textcrm.operations.access.users import set_disabled

    with _store() as store:
        user = set_disabled(store, name, disabled=False)
        _note(store, "enable", user.name)
    _print_user(user, json=json)


def reset(name: Name, url: Url = None, json: Json = False) -> None:
    """End the password and the sessions of a user, and print the one-time link at which they choose another."""
    from textcrm.operations.access.users import reset_password

    with _store() as store:
        token = reset_password(store, name)
        _note(store, "reset", name)
    _print_link(name, token, url=url, json=json)


@contextmanager
def _store() -> Iterator[Store]:
    from textcrm.store import open_store

    with open_store(read_settings()) as store:
        yield store


def _note(store: Store, command: str, name: str) -> None:
    from textcrm.operations.access.audit import note_terminal

    note_terminal(store, read_settings(), f"users {command}", name)


def _print_link(name: str, token: str, *, url: str | None, json: bool) -> None:
    from textcrm_api.dashboard.session import invitation_link

    settings = read_settings()
    link = invitation_link(url or f"http://{settings.host}:{settings.port}", token)
    if json:
        output.print_json({"name": name, "link": link})
    else:
        output.say(f"{name} chooses a password at this address, once, within three days:")
        typer.echo(link)


def _print_user(user: User, *, json: bool) -> None:
    if json:
        output.print_json(_fields(user))
    else:
        output.say(f"{user.name}: {user.role}, {_state(user)}.")


def _state(user: User) -> str:
    if user.disabled_at is not None:
        return f"disabled {user.disabled_at:%Y-%m-%d}"
    return "active" if user.has_password else "invited"


def _fields(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "role": user.role,
        "state": _state(user).split()[0],
        "created_at": user.created_at.isoformat(),
        "disabled_at": user.disabled_at.isoformat() if user.disabled_at else None,
    }
