"""``textcrm link``: find the records that are one person, in a table or between two."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textcrm.cli import output
from textcrm.cli.arguments import JSON_HELP
from textcrm.settings import read_settings

if TYPE_CHECKING:
    from textcrm.operations.customers.dedupe import LinkReport
    from textcrm.records import Link
    from textcrm.settings import Settings
    from textcrm.store import Store

SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Find the records that are one person.", no_args_is_help=True)
    group.command("dedupe")(dedupe)
    group.command("match")(match)
    group.command("why")(why)
    group.command("again")(again)
    questions = typer.Typer(help="Links that wait for a decision, the one that settles most first.")
    questions.callback(invoke_without_command=True)(review)
    questions.command("confirm")(confirm)
    questions.command("reject")(reject)
    group.add_typer(questions, name="review")
    app.add_typer(group, name="link")


def dedupe(
    file: Annotated[
        Path, typer.Argument(help="A table with a header: CSV, JSONL, Parquet, Excel.", show_default=False)
    ],
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Give the records of a table that are one person the same cluster."""
    from textcrm.operations.customers.dedupe import dedupe as run

    rows, report = run(file, progress=output.say)
    _tell(report)
    if json:
        for row in rows:
            output.print_json({"record": row.record, "cluster": row.cluster, "confidence": row.confidence})
    else:
        groups: dict[int, list[str]] = {}
        for row in rows:
            groups.setdefault(row.cluster, []).append(row.record)
        several = [members for members in groups.values() if len(members) > 1]
        output.print_table("Records that are one person", ("cluster",), ((", ".join(m),) for m in several[:SHOWN]))
        output.say(f"{len(rows):,} records, {len(groups):,} people, {len(several):,} with more than one record.")
    if report.rejected:
        raise output.fail(output.EXIT_SOME_FAILED)


def match(
    left: Annotated[Path, typer.Argument(metavar="A", help="A table with a header.", show_default=False)],
    right: Annotated[Path, typer.Argument(metavar="B", help="Another one.", show_default=False)],
    one_to_one: Annotated[
        bool,
        typer.Option(
            "--one-to-one",
            help="Neither table has a person twice: a record gets one partner at most, by the best sum of scores.",
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Find the records of two tables that are one person, each pair with its reasons."""
    from textcrm.operations.customers.dedupe import match as run

    pairs, report = run(left, right, one_to_one=one_to_one, progress=output.say)
    _tell(report)
    if json:
        for pair in pairs:
            why = [evidence.model_dump() for evidence in pair.why]
            output.print_json({"left": pair.left, "right": pair.right, "confidence": pair.confidence, "why": why})
    else:
        output.print_table(
            "Pairs that are one person",
            ("left", "right", "confidence", "why (bits)"),
            (
                (
                    p.left,
                    p.right,
                    f"{p.confidence:.3f}",
                    ", ".join(f"{e.field}: {e.level} {e.weight:+.1f}" for e in p.why),
                )
                for p in pairs[:SHOWN]
            ),
        )
        output.say(f"{len(pairs):,} pairs.")
    if report.rejected:
        raise output.fail(output.EXIT_SOME_FAILED)


def why(
    message: Annotated[str, typer.Argument(help="The id of a message, or its first digits.", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Show what speaks for and against the link of a message, in bits."""
    from textcrm.store import open_store

    with open_store(read_settings()) as store:
        link = store.insights.get(store.messages.full_id(message)).link
    if json:
        output.print_json(link.model_dump(mode="json") if link else None)
    elif link is None:
        output.say("It is linked to nobody, and nothing was compared.")
    else:
        _evidence(f"{link.outcome}: {link.customer_id or ', '.join(link.candidates) or 'nobody'} by {link.rule}", link)
        output.say(f"Confidence {link.confidence:.3f}. A bit doubles the odds.")


def again() -> None:
    """Link anew what TEXTCRM_OWN_ADDRESSES touches, after it changed: the messages go back into the queue."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.links.own import link_again
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store, output.progress("Looking", total=store.insights.count()) as step:
        done = link_again(store, settings.ours, region=settings.region, progress=step)
        note_terminal(store, settings, "link again")
    output.say(f"{done:,} messages are to be linked anew. Next: textcrm analyse, or a worker that was started anew.")


def tell_own(store: Store, settings: Settings) -> None:
    """Keep the own addresses with which messages are linked from now on; say so where earlier links do not agree."""
    from textcrm.operations.links.own import note_own

    if note_own(store, settings.ours):
        output.say("TEXTCRM_OWN_ADDRESSES changed. Next: textcrm link again, for what was linked before.")


def review(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many to list.")] = SHOWN,
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """List the links that wait for a decision: message, candidates, how many messages one decision settles."""
    from textcrm.operations.desk.views import snippet
    from textcrm.operations.links.review import questions
    from textcrm.store import open_store

    if context.invoked_subcommand is not None:
        return
    with open_store(read_settings()) as store:
        found = questions(store, limit=limit)
    if json:
        for q in found:
            output.print_json(
                {
                    "message": q.message.id,
                    "messages": list(q.messages),
                    "gain": q.gain,
                    "link": q.insight.link.model_dump(mode="json") if q.insight.link else None,
                    "candidates": [c.model_dump(mode="json") for c in q.candidates],
                }
            )
        return
    output.print_table(
        "Links that wait for a decision",
        ("gain", "message", "of", "from", "may be", "rule", "says"),
        (
            (
                f"{q.gain:.2f}",
                q.message.id[:8],
                len(q.messages),
                q.message.author.name or q.message.author.email or "",
                "; ".join(f"{c.id} {c.name or ''}".strip() for c in q.candidates),
                q.insight.link.rule if q.insight.link else "",
                snippet(q.insight, q.message, length=100),
            )
            for q in found
        ),
        cut="says",
    )
    output.say("Next: textcrm link why MESSAGE, then textcrm link review confirm | reject MESSAGE CUSTOMER")


def confirm(
    message: Annotated[str, typer.Argument(help="The id of a message, or its first digits.", show_default=False)],
    customer: Annotated[str, typer.Argument(help="The id of a customer.", show_default=False)],
    by: Annotated[str | None, typer.Option(help="Who decides; the user of this machine without it.")] = None,
) -> None:
    """Say that a customer wrote a message that waits, and the others of the same author."""
    _answer(message, customer, same=True, by=by)


def reject(
    message: Annotated[str, typer.Argument(help="The id of a message, or its first digits.", show_default=False)],
    customer: Annotated[str, typer.Argument(help="The id of a customer.", show_default=False)],
    by: Annotated[str | None, typer.Option(help="Who decides; the user of this machine without it.")] = None,
) -> None:
    """Say that a customer did not write a message that waits, nor the others of the same author."""
    _answer(message, customer, same=False, by=by)


def _answer(message: str, customer: str, *, same: bool, by: str | None) -> None:
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.links.review import answer
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        made = answer(store, message, customer, same=same, by=by or getpass.getuser())
        note_terminal(store, settings, f"link review {made.kind}", made.about)
    output.say(
        f"Recorded: {made.kind} {made.id}, {len(made.messages):,} messages. Next: textcrm analyse. "
        f"Back: textcrm customers undo {made.id}"
    )


def _evidence(title: str, link: Link) -> None:
    """Print the weights of a link as a table."""
    output.print_table(
        title,
        ("field", "level", "bits", "message", "customer"),
        ((e.field, e.level, f"{e.weight:+.1f}", e.left or "", e.right or "") for e in link.evidence),
    )


def _tell(report: LinkReport) -> None:
    """Say on standard error how it was done."""
    output.say(f"Records are named by {report.record_column!r}." if report.record_column else "Records are numbered.")
    output.say("Columns: " + ", ".join(f"{name} ({kind})" for name, kind in report.columns.items()) + ".")
    for rule in report.rules:
        output.say(f"{rule.pairs:>12,} pairs share {rule.rule}")
    share = report.pairs / report.all_pairs if report.all_pairs else 0.0
    output.say(f"{report.pairs:>12,} pairs compared, {share:.2%} of all.")
    for item in report.rejected[:SHOWN]:
        output.say(f"Left out: {item.detail}")
