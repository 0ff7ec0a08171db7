"""``textcrm alerts``: be told when something moves."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from textcrm.cli import output
from textcrm.cli.arguments import JSON_HELP
from textcrm.settings import read_settings

Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]

group = typer.Typer(help="Be told when volume, sentiment, a topic or an intent moves.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="alerts")


@group.command()
def add(
    what: Annotated[str, typer.Argument(help="volume, net, topic or intent.", show_default=False)],
    key: Annotated[str | None, typer.Option(help="One topic, by its id, or one intent; any unless set.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only this channel.")] = None,
    mail: Annotated[list[str] | None, typer.Option(help="An address to write to; may be given several times.")] = None,
    webhook: Annotated[str | None, typer.Option(help="The name of a webhook of textcrm sinks.")] = None,
    json: Json = False,
) -> None:
    """Watch something: the last week against the four before it, told where the difference is significant."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.trends.alerts import add_rule
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        rule = add_rule(store, what, key=key, channel=channel, mails=mail or (), hook=webhook, by=getpass.getuser())
        note_terminal(store, settings, "alerts add", rule.id)
    if json:
        output.print_json({"id": rule.id, "what": rule.what, "key": rule.key, "channel": rule.channel})
    else:
        output.say(f"{rule.id} is watched. The worker tells; see: textcrm alerts list.")


@group.command("list")
def list_alerts(json: Json = False) -> None:
    """Show what is watched and what was told."""
    from textcrm.operations.trends.alerts import as_json, sentence
    from textcrm.operations.trends.topics import names
    from textcrm.store import open_store

    with open_store(read_settings()) as store:
        rules, told, called = store.alerts.rules(), store.alerts.told(), names(store)
    if json:
        for alert in told:
            output.print_json({"id": alert.id, "rule": alert.rule, **as_json(alert, called)})
        return
    rows = [
        (r.id, r.what, called.get(r.key or "", r.key or "any"), r.channel or "all", ", ".join(r.mails), r.problem)
        for r in rules
    ]
    output.print_table("Watched", ("id", "what", "which", "channel", "mail", "problem"), rows)
    output.print_table("Told", ("when", "what"), [(f"{a.at:%Y-%m-%d}", sentence(a, called)) for a in told])


@group.command()
def remove(rule: Annotated[str, typer.Argument(help="The id of a rule.", show_default=False)]) -> None:
    """Watch no longer."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        store.alerts.remove(rule)
        note_terminal(store, settings, "alerts remove", rule)
    output.say(f"{rule} is no longer watched.")


@group.command()
def check(json: Json = False) -> None:
    """Check all rules now, and tell what moved; the worker does so every quarter of an hour."""
    from textcrm.operations.trends.alerts import as_json, check_and_tell, sentence
    from textcrm.operations.trends.topics import names
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        told = [alert for rule in store.alerts.rules() for alert in check_and_tell(store, rule, settings=settings)]
        called = names(store)
        failed = [rule for rule in store.alerts.rules() if rule.problem]
    for alert in told:
        if json:
            output.print_json({"id": alert.id, "rule": alert.rule, **as_json(alert, called)})
        else:
            output.say(sentence(alert, called))
    if not told and not json:
        output.say("Nothing moved that was not told already.")
    for rule in failed:
        output.say(f"{rule.id}: {rule.problem}")
    if failed:
        raise output.fail(output.EXIT_SOME_FAILED)
