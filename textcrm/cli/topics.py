"""``textcrm topics``: what customers write about, found in their messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from textcrm.cli import output
from textcrm.cli.arguments import JSON_HELP
from textcrm.settings import read_settings

if TYPE_CHECKING:
    from textcrm.store.topics import Topic

Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
Id = Annotated[str, typer.Argument(help="The id of a topic, as textcrm topics list shows it.", show_default=False)]

group = typer.Typer(help="What customers write about: topics found in their messages.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="topics")


@group.command()
def fit(
    most: Annotated[int, typer.Option(min=100, max=100_000, help="Messages that are read, the newest.")] = 20_000,
    json: Json = False,
) -> None:
    """Find the topics anew. Those that were there before keep their names, and what people decided of them."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.trends import topics as topic_runs
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        encoder = topic_runs.encoder_in(settings)
        with output.progress("Reading messages") as step:
            run = topic_runs.fit(store, encoder, most=most, step=step)
        with output.progress("Assigning messages", store.insights.count()) as step:
            while done := topic_runs.assign_waiting(store):
                step(done)
        note_terminal(store, settings, "topics fit")
    if json:
        output.print_json({"messages": run.messages, "new": run.new, "known": run.known, "gone": run.gone})
    else:
        output.say(f"{run.messages:,} messages read: {run.known} topics known, {run.new} new, {run.gone} gone.")


@group.command("list")
def list_topics(
    merged: Annotated[bool, typer.Option("--merged", help="Those that were merged into others, instead.")] = False,
    json: Json = False,
) -> None:
    """Show the topics, pinned ones first, then the largest."""
    from textcrm.operations.trends import topics as topic_runs
    from textcrm.store import open_store

    with open_store(read_settings()) as store:
        topics, counts = store.topics.list(), topic_runs.counts(store)
        if merged:
            topics = [topic for several in topic_runs.merged(store).values() for topic in several]
    if json:
        for topic in topics:
            output.print_json(_shown(topic, counts.get(topic.id, 0)))
    elif topics:
        rows = [(t.id, counts.get(t.id, 0), t.name, "pinned" if t.pinned else "", ", ".join(t.terms)) for t in topics]
        output.print_table(f"{len(topics)} topics", ("id", "messages", "name", "", "terms"), rows, cut="terms")
    else:
        output.say("No topics yet: textcrm topics fit.")


@group.command()
def show(topic: Id, limit: Annotated[int, typer.Option(min=1, max=1_000)] = 10, json: Json = False) -> None:
    """Show one topic with its newest messages."""
    from textcrm.operations.trends import topics as topic_runs
    from textcrm.store import open_store

    with open_store(read_settings()) as store:
        found = store.topics.get(topic)
        count, examples = topic_runs.counts(store).get(topic, 0), store.topics.examples(topic, limit=limit)
    if json:
        output.print_json({**_shown(found, count), "newest": [message for message, _ in examples]})
        return
    rows = [(message[:8], " ".join(text.split())[:200]) for message, text in examples]
    output.print_table(f"{found.name}: {count:,} messages", ("id", "message"), rows, cut="message")


@group.command()
def rename(topic: Id, name: str) -> None:
    """Give a topic a name; it keeps it when topics are found anew."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.trends import topics as topic_runs
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        output.say(f"{topic} is called {topic_runs.rename(store, topic, name).name}.")
        note_terminal(store, settings, "topics rename", topic)


@group.command()
def merge(topic: Id, into: str) -> None:
    """Make two topics one: the messages of the first become the second's, later ones too."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.trends import topics as topic_runs
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        output.say(f"{topic_runs.merge(store, topic, into=into):,} messages moved.")
        note_terminal(store, settings, "topics merge", topic, into)


@group.command()
def unmerge(topic: Id) -> None:
    """Take a merge back; the messages of both topics are assigned anew."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.trends import topics as topic_runs
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        with output.progress("Assigning messages", topic_runs.unmerge(store, topic)) as step:
            while done := topic_runs.assign_waiting(store):
                step(done)
        note_terminal(store, settings, "topics unmerge", topic)
        output.say(f"{topic} stands again, with {topic_runs.counts(store).get(topic, 0):,} messages.")


@group.command()
def pin(topic: Id, off: Annotated[bool, typer.Option("--off", help="Let it go again.")] = False) -> None:
    """Keep a topic, whether later runs find it or not."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.trends import topics as topic_runs
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        topic_runs.pin(store, topic, pinned=not off)
        note_terminal(store, settings, "topics pin", topic)
    output.say("Let go." if off else "Pinned.")


def _shown(topic: Topic, count: int) -> dict[str, Any]:
    fields = ("id", "name", "terms", "named", "pinned")
    return {**{name: getattr(topic, name) for name in fields}, "messages": count, "found_at": topic.found_at}
