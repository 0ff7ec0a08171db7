"""``textcrm serve``: the API and the pages."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from textcrm.cli import output
from textcrm.cli.link import tell_own
from textcrm.errors import DependencyError, NotFoundError
from textcrm.settings import Settings, read_settings

if TYPE_CHECKING:
    from textcrm.engine import Engine
    from textcrm.store import Store


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1 unless set.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; 8600 unless set.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes behind the one port.")] = 1,
    with_worker: Annotated[bool, typer.Option("--with-worker", help="Analyse stored messages, too.")] = False,
    json_logs: Annotated[bool, typer.Option("--json-logs", help="Log one JSON object a line.")] = False,
    traces: Annotated[bool, typer.Option("--traces", help="Send OpenTelemetry spans; see OTEL_EXPORTER_*.")] = False,
) -> None:
    """Serve the API and the pages until stopped with Ctrl-C."""
    settings = read_settings()
    given = {"host": host, "port": port}
    settings = settings.model_copy(update={name: value for name, value in given.items() if value is not None})
    _require_api()
    if workers > 1:
        from textcrm.store import open_store
        from textcrm_api.server import run_many

        with open_store(settings) as store:  # held until all have ended: they share what it started
            if with_worker:
                tell_own(store, settings)
            run_many(
                settings,
                workers=workers,
                with_worker=with_worker,
                json_logs=json_logs,
                traces=traces,
                ready=_greeting(store),
            )
        return
    from textcrm_api.server import opened

    with opened(settings) as (store, engine):
        if with_worker:
            tell_own(store, settings)
        run_service(settings, store=store, engine=engine, with_worker=with_worker, json_logs=json_logs, traces=traces)


def run_service(
    settings: Settings,
    *,
    store: Store,
    engine: Engine,
    demo: bool = False,
    with_worker: bool = True,
    json_logs: bool = False,
    traces: bool = False,
) -> None:
    """Serve what is open until stopped, and say where and how to get in; for the demo, with a key to try."""
    _require_api()
    from textcrm_api.server import run

    run(
        settings,
        store=store,
        engine=engine,
        with_worker=with_worker,
        json_logs=json_logs,
        traces=traces,
        ready=_greeting(store, demo=demo),
    )


def _greeting(store: Store, *, demo: bool = False) -> Callable[[str], None]:
    """Return what says where the service is and how to get in, once the port is ours."""

    def say(address: str) -> None:
        output.say(_way_in(store, address, demo=demo))
        if demo:
            output.say(_try_it(address, _demo_key(store)))
        else:
            output.say(f"The API: {address}/v1. Make a key with: textcrm keys create NAME.")
        output.say("Ctrl-C ends.")

    return say


def _way_in(store: Store, address: str, *, demo: bool) -> str:
    """Return how to come to the pages: by a one-time link; once there are users, by name and password."""
    from textcrm.operations.access.users import users_of
    from textcrm_api.dashboard import WELCOME, sign_in_link

    if demo:
        return f"The pages: {sign_in_link(store, address, name='admin')}"
    if users_of(store).any():
        return f"The pages: {address}/signin (or a one-time link: textcrm signin)"
    return f"The pages, to make the first admin: {sign_in_link(store, address, name='admin', to=WELCOME)}"


def _require_api() -> None:
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ModuleNotFoundError as error:
        raise DependencyError(
            f"The service needs {error.name}", hint="Install it with: pip install 'textcrm[api]'."
        ) from error


def _demo_key(store: Store) -> str:
    from textcrm.operations.access.keys import create_key, revoke_key

    with suppress(NotFoundError):
        revoke_key(store, "demo")
    return create_key(store, "demo", expires_days=1)[0]


def _try_it(address: str, key: str) -> str:
    body = '{"text": "My parcel never came and nobody answers!"}'
    return (
        f"The API: curl {address}/v1/classify -H 'Authorization: Bearer {key}' "
        f"-H 'Content-Type: application/json' -d '{body}'"
    )
