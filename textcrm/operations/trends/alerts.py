"""Alerts when something moves: the last week against the four before it, told on the page, by webhook and by mail.

Something moved where the difference is significant (`textcrm.operations.trends.significance`; among many topics or
intents with the false discovery rate at 5 %). The same is told once a week.
"""

from __future__ import annotations

import json
import logging
import smtplib
import ssl
import threading
from collections.abc import Sequence
from datetime import timedelta
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from pymongo.errors import PyMongoError

from textcrm.errors import SettingsError, StoreError, TextcrmError, UnavailableError, UsageError
from textcrm.operations.trends import topics as topic_runs
from textcrm.operations.trends import trends
from textcrm.operations.work.push import post_signed, webhook
from textcrm.records import CHANNELS
from textcrm.settings import Settings
from textcrm.store import Store
from textcrm.store.alerts import WHATS, Alert, Rule, What
from textcrm.store.rollup import day_of

log = logging.getLogger(__name__)

WEEK, EARLIER = timedelta(days=7), timedelta(days=28)
EVERY = timedelta(minutes=15)
IDLE_SECONDS = 30.0
MAIL_SECONDS = 20.0
MOST_MAILS = 20


def add_rule(
    store: Store,
    what: str,
    *,
    by: str,
    key: str | None = None,
    channel: str | None = None,
    mails: Sequence[str] = (),
    hook: str | None = None,
) -> Rule:
    """Watch something from now on.

    Parameters
    ----------
    what
        ``volume``, ``net``, ``topic`` or ``intent``; of the last two, *key* is one, or None: any.
    hook
        The name of a webhook among the sinks.

    Raises
    ------
    UsageError
        There is no such thing to watch, or an address cannot be.
    NotFoundError
        There is no such topic or webhook.
    """
    chosen: What | None = next((w for w in WHATS if w == what), None)
    if chosen is None:
        raise UsageError("There is no such thing to watch", options=WHATS)
    if channel is not None and channel not in CHANNELS:
        raise UsageError("There is no such channel", options=CHANNELS)
    if key is not None and chosen not in ("topic", "intent"):
        raise UsageError("Only topics and intents are watched one by one")
    if key is not None and chosen == "topic":
        store.topics.get(key)
    if len(mails) > MOST_MAILS or not all(_address(mail) for mail in mails):
        raise UsageError("A mail address has the form name@example.com", hint=f"At most {MOST_MAILS} of them.")
    if hook is not None:
        webhook(store, hook)
    return store.alerts.add(chosen, key=key, channel=channel, mails=mails, hook=hook, by=by)


def check(store: Store, rule: Rule) -> list[Alert]:
    """Compare the last seven whole days with the four weeks before; keep and return what moved and was not told yet."""
    until = day_of(store.now())
    after = trends.Span(until - WEEK, until)
    before = trends.Span(after.since - EARLIER, after.since)
    split = rule.what if rule.what in ("topic", "intent") else "channel"
    equal = (("channel", rule.channel),) if rule.channel else ()
    compared = trends.compare(store, before, after, split=split, equal=equal)
    changes = [compared.whole] if split == "channel" else [c for c in compared.changes if c.key]
    told = []
    for change in changes:
        if rule.key is not None and change.key != rule.key:
            continue
        if change.real_volume and rule.what != "net":
            usual = change.before.total * (WEEK / EARLIER)
            told.append(
                store.alerts.tell(
                    rule, change.key, "volume", before=usual, after=float(change.after.total), **vars_of(after)
                )
            )
        if change.real_net and rule.what != "volume":
            nets = {"before": change.before.net or 0.0, "after": change.after.net or 0.0}
            told.append(store.alerts.tell(rule, change.key, "net", **nets, **vars_of(after)))
    return [alert for alert in told if alert is not None]


def check_and_tell(store: Store, rule: Rule, *, settings: Settings) -> list[Alert]:
    """Check a rule, and tell what moved by webhook and mail. What could not be told is noted at the rule."""
    alerts = check(store, rule)
    problems = []
    names = topic_runs.names(store) if alerts else {}
    for alert in alerts:
        if rule.hook is not None:
            body = json.dumps({"alert": alert.id, **as_json(alert, names)}, ensure_ascii=False).encode()
            attempt = post_signed(store, rule.hook, alert.id, body, settings=settings)
            problems += [] if attempt.taken else [attempt.problem]
    if rule.mails and alerts:
        try:
            lines = [sentence(alert, names) for alert in alerts]
            send_mail(settings, rule.mails, subject=f"textcrm: {lines[0]}", text="\n".join(lines) + "\n")
        except TextcrmError as error:
            problems.append(error.what)
    if alerts:
        store.alerts.note(rule.id, problems[0] if problems else "")
    return alerts


def run_alerts(store: Store, settings: Settings, *, stop: threading.Event) -> None:
    """Check the rules until *stop*, each every quarter of an hour; of several that want to, one does each."""
    while not stop.is_set():
        rule = None
        try:
            rule = store.alerts.due(EVERY)
            if rule is not None:
                for alert in check_and_tell(store, rule, settings=settings):
                    log.info("alert %s of rule %s", alert.id, rule.id)
        except (StoreError, PyMongoError, TextcrmError) as error:
            log.warning("alerts wait: %s", type(error).__name__)
        if rule is None:
            stop.wait(IDLE_SECONDS)


def send_mail(
    settings: Settings, to: Sequence[str], *, subject: str, text: str, page: tuple[str, str] | None = None
) -> None:
    """Send a plain mail through the server of ``TEXTCRM_SMTP_URL``.

    Parameters
    ----------
    page
        Name and text of an HTML file that goes with it.

    Raises
    ------
    UsageError
        An address has not the form of one.
    SettingsError
        No server is set, or its address cannot be read.
    UnavailableError
        It does not take the mail.
    """
    if settings.smtp_url is None or not settings.mail_from:
        raise SettingsError("No mail server is set", hint="Set TEXTCRM_SMTP_URL and TEXTCRM_MAIL_FROM.")
    if not all(_address(one) for one in to):
        raise UsageError("A mail address has the form name@example.com")
    place = urlsplit(settings.smtp_url.get_secret_value())
    if place.scheme not in ("smtp", "smtps") or not place.hostname:
        raise SettingsError("TEXTCRM_SMTP_URL cannot be read", hint="Its form is smtp://user:password@host:587.")
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = settings.mail_from, ", ".join(to), " ".join(subject.split())[:200]
    mail.set_content(text)
    if page is not None:
        mail.add_attachment(page[1], subtype="html", filename=page[0])
    context = ssl.create_default_context()
    try:
        if place.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                place.hostname, place.port or 465, timeout=MAIL_SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(place.hostname, place.port or 587, timeout=MAIL_SECONDS)
        with server:
            if place.scheme == "smtp" and (server.ehlo(), server.has_extn("starttls"))[1]:
                server.starttls(context=context)
            if place.username:
                server.login(unquote(place.username), unquote(place.password or ""))
            server.send_message(mail)
    except (smtplib.SMTPException, OSError) as error:
        raise UnavailableError(
            f"The mail server did not take the mail ({type(error).__name__})", hint="Check TEXTCRM_SMTP_URL."
        ) from error


def sentence(alert: Alert, names: dict[str, str]) -> str:
    """Return an alert in words."""
    about = names.get(alert.key, alert.key.replace("_", " ")) or "all messages"
    where = f" ({alert.channel})" if alert.channel else ""
    if alert.measure == "volume":
        return f"{about}{where}: {alert.after:.0f} messages a week, {alert.before:.0f} before"
    return f"{about}{where}: net sentiment {alert.after * 100:+.0f}, {alert.before * 100:+.0f} before"


def as_json(alert: Alert, names: dict[str, str]) -> dict[str, object]:
    """Return an alert as it is printed and posted."""
    return {
        "what": alert.what,
        "key": alert.key or None,
        "name": names.get(alert.key, alert.key) or None,
        "channel": alert.channel,
        "measure": alert.measure,
        "before": round(alert.before, 4),
        "after": round(alert.after, 4),
        "since": alert.since.isoformat(),
        "until": alert.until.isoformat(),
        "at": alert.at.isoformat(),
    }


def vars_of(span: trends.Span) -> dict[str, object]:
    """Return the two ends of a stretch by name."""
    return {"since": span.since, "until": span.until}


def _address(text: str) -> bool:
    name, sign, host = text.partition("@")
    plain = text.isascii() and text.isprintable() and not any(c in " ,;<>\"'" for c in text)
    return bool(name and sign and "." in host and "@" not in host) and plain and len(text) <= 254
