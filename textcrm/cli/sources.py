"""``textcrm sources`` and ``textcrm sinks``: what is read all the time, and who is told of results."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textcrm.cli import output
from textcrm.cli.arguments import CHANNEL_HELP, JSON_HELP, channel_of, pairs
from textcrm.settings import read_settings

if TYPE_CHECKING:
    from textcrm.sources.kafka import KafkaBroker

SECRET_VARIABLE = "TEXTCRM_SECRET"  # noqa: S105 - the name of a variable, no secret

sources = typer.Typer(
    help="Mailboxes and topics that the worker reads, webhooks that the service takes.", no_args_is_help=True
)
add_source = typer.Typer(help="Add a mailbox, a topic or a webhook.", no_args_is_help=True)
sinks = typer.Typer(help="Where results are sent to: webhooks and topics.", no_args_is_help=True)
add_sink = typer.Typer(help="Add a webhook or a topic.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A name of your choice.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
CaFile = Annotated[Path | None, typer.Option(exists=True, help="Certificate of an authority of your own.")]
Brokers = Annotated[str, typer.Option(help="host:port, commas between.", show_default=False)]
KafkaUser = Annotated[str | None, typer.Option(help="User for SASL; asks for the password.")]
Tls = Annotated[bool, typer.Option(help="Use TLS.")]


def register(app: typer.Typer) -> None:
    """Add the command groups."""
    sources.add_typer(add_source, name="add")
    sinks.add_typer(add_sink, name="add")
    app.add_typer(sources, name="sources")
    app.add_typer(sinks, name="sinks")


@add_source.command("imap")
def add_imap(
    name: Name,
    host: Annotated[str, typer.Option(help="Mail server.", show_default=False)],
    user: Annotated[str, typer.Option(help="User name, often the mail address.", show_default=False)],
    port: Annotated[int, typer.Option(min=1, max=65535)] = 993,
    security: Annotated[str, typer.Option(help="tls, starttls, or none (this machine alone).")] = "tls",
    folder: Annotated[list[str] | None, typer.Option(help="Folder to read, again for more; INBOX else.")] = None,
    channel: Annotated[str, typer.Option(help=CHANNEL_HELP)] = "email",
    ca_file: CaFile = None,
    oauth2_token_url: Annotated[str | None, typer.Option(help="For OAuth 2: the secret is a refresh token.")] = None,
    oauth2_client: Annotated[str, typer.Option(help="Client id of OAuth 2; a client secret follows a colon.")] = "",
    oauth2_scope: Annotated[str, typer.Option(help="Scope of OAuth 2.")] = "",
) -> None:
    """Read a mailbox from now on. Nothing is marked as read or changed there.

    The password is asked for, or read from the variable TEXTCRM_SECRET; it is kept encrypted.
    """
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.intake.sources import add_imap as add
    from textcrm.sources.imap import SECURITIES, ImapServer
    from textcrm.sources.oauth import Refresher
    from textcrm.store import open_store

    settings = read_settings()
    chosen = next((s for s in SECURITIES if s == security), None)
    server = ImapServer(
        host=host,
        user=user,
        port=port,
        security=chosen or security,  # type: ignore[arg-type]  # refused there, with the choices
        ca_file=str(ca_file) if ca_file else None,
    )
    client_id, _, client_secret = oauth2_client.partition(":")
    refresher = Refresher(oauth2_token_url, client_id, client_secret, oauth2_scope) if oauth2_token_url else None
    secret = _secret("Refresh token" if refresher else "Password")
    with open_store(settings) as store:
        found = add(
            store,
            name,
            server=server,
            secret=secret,
            settings=settings,
            folders=tuple(folder or ["INBOX"]),
            channel=channel_of(channel),
            oauth2=refresher,
        )
        note_terminal(store, settings, "sources add imap", name)
    output.say(f"Added. The mailbox has: {', '.join(found)}.")
    output.say(f"textcrm worker reads it from now on; once, now: textcrm sources sync {name}")


@add_source.command("kafka")
def add_kafka(
    name: Name,
    brokers: Brokers,
    topic: Annotated[str, typer.Option(help="Topic to read.")] = "customer_data",
    group: Annotated[str, typer.Option(help="Consumer group.")] = "textcrm",
    dead_topic: Annotated[str | None, typer.Option(help="For records that are no message; TOPIC_dead.")] = None,
    channel: Annotated[str, typer.Option(help=CHANNEL_HELP)] = "chat",
    user: KafkaUser = None,
    tls: Tls = False,
    ca_file: CaFile = None,
) -> None:
    """Read a topic of JSON messages from now on."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.intake.kafka import add_kafka as add
    from textcrm.store import open_store

    settings = read_settings()
    broker, secret = _broker(brokers, user, tls, ca_file)
    with open_store(settings) as store:
        add(
            store,
            name,
            broker,
            settings=settings,
            channel=channel_of(channel),
            topic=topic,
            group=group,
            dead_topic=dead_topic,
            secret=secret,
        )
        note_terminal(store, settings, "sources add kafka", name)
    output.say("Added. textcrm worker reads it from now on.")


@add_source.command("webhook")
def add_hook(
    name: Name,
    channel: Annotated[str, typer.Option(help=CHANNEL_HELP)] = "chat",
    scheme: Annotated[str, typer.Option(help="standard, hmac or token: how the sender signs.")] = "standard",
    header: Annotated[
        str, typer.Option(help="Header of the signature (hmac) or of the secret (token).")
    ] = "x-signature",
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="FIELD=PATH in the JSON, text=comment.body; again for more.")
    ] = None,
    own_secret: Annotated[bool, typer.Option(help="Ask for the sender's secret; else one is made and shown.")] = False,
) -> None:
    """Take messages that another system posts to /v1/hooks/NAME of the service, signed."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.intake.hooks import SCHEMES
    from textcrm.operations.intake.hooks import add_hook as add
    from textcrm.store import open_store

    settings = read_settings()
    chosen = next((s for s in SCHEMES if s == scheme), None)
    secret = _secret("Secret") if own_secret else None
    with open_store(settings) as store:
        key = add(
            store,
            name,
            settings=settings,
            channel=channel_of(channel),
            scheme=chosen or scheme,  # type: ignore[arg-type]  # refused there, with the choices
            header=header,
            mapping=pairs(mapping or [], option="--map"),
            secret=secret,
        )
        note_terminal(store, settings, "sources add webhook", name)
    output.say(f"Added. The service takes it at POST /v1/hooks/{name}.")
    if secret is None:
        output.say("The sender signs with this secret; it is not shown again:")
        typer.echo(key)


@sources.command("list")
def list_(json: Json = False) -> None:
    """List the sources, when each was read last, and what is wrong with it."""
    from textcrm.store import open_store

    with open_store(read_settings()) as store:
        entries = store.sources.list()
    if json:
        for e in entries:
            output.print_json({"name": e.name, "kind": e.kind, "channel": e.channel, "config": e.config,
                               "read_at": e.read_at, "problem": e.problem})  # fmt: skip
        return
    rows = [(e.name, e.kind, e.channel, f"{e.read_at:%Y-%m-%d %H:%M}" if e.read_at else "", e.problem) for e in entries]
    output.print_table("Sources", ("name", "kind", "channel", "read (UTC)", "problem"), rows)


@sources.command("remove")
def remove(name: Name) -> None:
    """Forget a source and its secret. The messages stay."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        store.sources.remove(name)
        note_terminal(store, settings, "sources remove", name)
    output.say("Removed. Its messages stay.")


@sources.command("sync")
def sync(name: Name, json: Json = False) -> None:
    """Read a mailbox now, to its end."""
    _read(name, compare=False, json=json)


@sources.command("compare")
def compare(name: Name, json: Json = False) -> None:
    """Compare a mailbox with what was taken from it, and take what is missing. The worker does so each night."""
    _read(name, compare=True, json=json)


def _read(name: str, *, compare: bool, json: bool) -> None:
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.intake.sources import read_now
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        report, found = read_now(store, name, settings=settings, compare=compare)
        note_terminal(store, settings, f"sources {'compare' if compare else 'sync'}", name)
    for remark in report.remarks:
        output.say(remark)
    if json:
        counts = {"stored": report.stored, "duplicates": report.duplicates + report.known}
        rest = {"quarantined": report.quarantined, "items": report.items + report.known}
        output.print_json({**counts, **rest, "folders": [asdict(f) for f in found]})
    else:
        output.say(
            f"{report.stored:,} stored, {report.duplicates + report.known:,} there already, "
            f"{report.quarantined:,} in quarantine."
        )
        if found:
            columns = ("folder", "on the server", "taken", "missing, now taken", "gone there", "deleted here")
            output.print_table("Comparison", columns, (tuple(asdict(f).values()) for f in found))
    if report.quarantined:
        raise output.fail(output.EXIT_SOME_FAILED)


@add_sink.command("webhook")
def add_webhook(name: Name, url: Annotated[str, typer.Argument(help="https://...", show_default=False)]) -> None:
    """Post each result to a URL, signed. The secret is shown once."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.work.push import add_webhook as add
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        secret = add(store, name, url, settings=settings)
        note_terminal(store, settings, "sinks add webhook", name)
    output.say("Added. Check the header webhook-signature (Standard Webhooks) with this secret; it is not shown again:")
    typer.echo(secret)


@add_sink.command("kafka")
def add_kafka_sink(
    name: Name,
    brokers: Brokers,
    topic: Annotated[str, typer.Option(help="Topic to write to.")] = "customer_result",
    user: KafkaUser = None,
    tls: Tls = False,
    ca_file: CaFile = None,
) -> None:
    """Write each result to a topic, its key the customer's id."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.work.push import add_kafka as add
    from textcrm.store import open_store

    settings = read_settings()
    broker, secret = _broker(brokers, user, tls, ca_file)
    with open_store(settings) as store:
        add(store, name, broker, settings=settings, topic=topic, secret=secret)
        note_terminal(store, settings, "sinks add kafka", name)
    output.say("Added. textcrm worker writes to it from now on.")


@sinks.command("list")
def list_sinks(json: Json = False) -> None:
    """List the sinks, how many results wait for each, and what is wrong with it."""
    from textcrm.store import open_store

    with open_store(read_settings()) as store:
        rows = [(s.name, s.kind, store.outbox.count(s.name), s.problem) for s in store.sinks.list()]
    columns = ("name", "kind", "waiting", "problem")
    if json:
        for row in rows:
            output.print_json(dict(zip(columns, row, strict=True)))
        return
    output.print_table("Sinks", columns, rows)


@sinks.command("remove")
def remove_sink(name: Name) -> None:
    """Send nothing more to a sink; what waits for it is forgotten."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        store.sinks.remove(name)
        note_terminal(store, settings, "sinks remove", name)
    output.say("Removed.")


def _broker(brokers: str, user: str | None, tls: bool, ca_file: Path | None) -> tuple[KafkaBroker, str]:
    from textcrm.sources.kafka import KafkaBroker

    secret = _secret("Password") if user else ""
    return KafkaBroker(brokers, user, tls, str(ca_file) if ca_file else None), secret


def _secret(what: str) -> str:
    """Ask for a secret; it never stands on the command line, where others can read it."""
    named = os.environ.get(SECRET_VARIABLE)
    return named if named else str(typer.prompt(what, hide_input=True, err=True))
