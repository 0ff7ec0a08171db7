"""``textcrm keys``: who may call the API."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textcrm.cli import output
from textcrm.cli.arguments import JSON_HELP
from textcrm.settings import read_settings

if TYPE_CHECKING:
    from textcrm.store.keys import ApiKey


def register(app: typer.Typer) -> None:
    """Add the group."""
    keys = typer.Typer(help="Keys for the API.", no_args_is_help=True)
    keys.command("create")(create)
    keys.command("rotate")(rotate)
    keys.command("list")(show_all)
    keys.command("revoke")(revoke)
    app.add_typer(keys, name="keys")


def create(
    name: Annotated[str, typer.Argument(help="What will use it.", show_default=False)],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="read, text (else texts are masked), write, correct or admin; again for more. Without: the first four."
        ),
    ] = None,
    expires_days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Days until it ends.")] = None,
    per_second: Annotated[float | None, typer.Option(min=0.01, help="Requests a second; bursts of twice.")] = None,
    per_day: Annotated[int | None, typer.Option(min=1, help="Requests a day, in UTC.")] = None,
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Make a key. It is shown once and kept as a hash."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.access.keys import DEFAULT_SCOPES, create_key
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        text, key = create_key(
            store,
            name,
            scopes=scope or DEFAULT_SCOPES,
            expires_days=expires_days,
            per_second=per_second,
            per_day=per_day,
        )
        note_terminal(store, settings, "keys create", key.id)
    if json:
        output.print_json({"key": text, **_fields(key)})
    else:
        output.say(f"Key {key.id} ({', '.join(key.scopes)}). It is shown this once:")
        typer.echo(text)


def rotate(
    name: Annotated[str, typer.Argument(help="Name or id of the key.", show_default=False)],
    overlap_hours: Annotated[float, typer.Option(min=0, max=8_760, help="Hours that the old key works on.")] = 24.0,
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Make a key in the place of another, with its scopes and limits; the old one works on for a time."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.access.keys import rotate_key
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        text, key, old = rotate_key(store, name, overlap=timedelta(hours=overlap_hours))
        note_terminal(store, settings, "keys rotate", key.id, old.id)
    if json:
        output.print_json({"key": text, **_fields(key), "old": _fields(old)})
    else:
        output.say(f"Key {key.id} ({', '.join(key.scopes)}). It is shown this once; {old.id} works {_state(old)}:")
        typer.echo(text)


def show_all(json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False) -> None:
    """List the keys."""
    from textcrm.operations.access.keys import list_keys
    from textcrm.store import open_store

    with open_store(read_settings()) as store:
        keys = list_keys(store)
    if json:
        output.print_json([_fields(key) for key in keys])
        return
    rows = [(key.id, key.name, ", ".join(key.scopes), f"{key.created_at:%Y-%m-%d}", _state(key)) for key in keys]
    output.print_table("Keys", ("id", "name", "scopes", "made", "state"), rows)


def revoke(
    name: Annotated[str, typer.Argument(help="Name or id of the key.", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """End a key; services that run notice within five seconds."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.access.keys import revoke_key
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        key = revoke_key(store, name)
        note_terminal(store, settings, "keys revoke", key.id)
    if json:
        output.print_json(_fields(key))
    else:
        output.say(f"Key {key.id} ({key.name}) is revoked.")


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    return f"until {key.expires_at:%Y-%m-%d}" if key.expires_at else "in use"


def _fields(key: ApiKey) -> dict[str, Any]:
    times = {"created_at": key.created_at, "expires_at": key.expires_at, "revoked_at": key.revoked_at}
    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "per_second": key.per_second,
        "per_day": key.per_day,
        **{name: time.isoformat() if time else None for name, time in times.items()},
    }
