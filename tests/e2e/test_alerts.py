"""Alerts: what moved is told once, on the page, by a signed webhook and by a mail that a real server takes."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr

from tests.desk_data import keep, known
from tests.factories import message
from textcrm.errors import NotFoundError, SettingsError, UnavailableError, UsageError
from textcrm.operations.trends.alerts import add_rule, check, check_and_tell, send_mail
from textcrm.operations.work.push import add_webhook, sign
from textcrm.settings import Settings
from textcrm.store import Store


class Inbox:
    """Takes mails and keeps them."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - the name it calls
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"


@pytest.fixture
def inbox() -> Iterator[tuple[str, Inbox]]:
    kept = Inbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(kept, hostname="127.0.0.1", port=port)
    server.start()
    yield f"smtp://127.0.0.1:{port}", kept
    server.stop()


@pytest.fixture
def moved(store: Store) -> Store:
    """A store whose last week is worse and fuller than the four before it."""
    now = store.now()
    pairs = []
    for day in range(35):
        for number in range(12 if day < 7 else 3):
            sent = message(f"m {day} {number}", sent_at=now - timedelta(days=day + 1))
            mood = "negative" if day < 7 else "positive"
            pairs.append((sent, known(sent, sentiment=mood, intent="complaint" if day < 7 else "question")))
    keep(store, pairs)
    return store


def test_what_moved_is_told_once(moved: Store) -> None:
    rule = add_rule(moved, "volume", by="ann")
    (alert,) = check(moved, rule)
    assert (alert.measure, alert.after) == ("volume", 84.0)
    assert 20 < alert.before < 22
    assert check(moved, rule) == []
    (fell,) = check(moved, add_rule(moved, "net", by="ann"))
    assert (fell.before, fell.after) == (1.0, -1.0)
    of_intent = check(moved, add_rule(moved, "intent", key="complaint", by="ann"))
    assert [a.key for a in of_intent] == ["complaint"]
    assert check(moved, add_rule(moved, "volume", channel="email", by="ann")) == []
    assert len(moved.alerts.told()) == 3


def test_nothing_moves_without_messages(store: Store) -> None:
    for what in ("volume", "net", "topic", "intent"):
        assert check(store, add_rule(store, what, by="ann")) == []


def test_by_mail(moved: Store, settings: Settings, inbox: tuple[str, Inbox]) -> None:
    url, kept = inbox
    own = settings.model_copy(update={"smtp_url": SecretStr(url), "mail_from": "crm@example.com"})
    rule = add_rule(moved, "net", mails=["ann@example.com", "bo@example.com"], by="ann")
    assert len(check_and_tell(moved, rule, settings=own)) == 1
    (mail,) = kept.mails
    assert (mail["From"], mail["To"]) == ("crm@example.com", "ann@example.com, bo@example.com")
    assert "net sentiment -100, +100 before" in mail["Subject"]
    assert moved.alerts.rules()[0].problem == ""


def test_a_page_goes_with_a_mail(settings: Settings, inbox: tuple[str, Inbox]) -> None:
    url, kept = inbox
    own = settings.model_copy(update={"smtp_url": SecretStr(url), "mail_from": "crm@example.com"})
    send_mail(own, ["team@example.com"], subject="The week", text="See the page.", page=("week.html", "<p>Größe</p>"))
    (page,) = kept.mails[0].iter_attachments()
    assert (page.get_filename(), page.get_content_type()) == ("week.html", "text/html")
    assert page.get_content().strip() == "<p>Größe</p>"
    with pytest.raises(UsageError):
        send_mail(own, ["team@example.com\nBcc: other@example.com"], subject="x", text="y")


def test_a_mail_that_cannot_be_sent_is_told_at_the_rule(moved: Store, settings: Settings) -> None:
    rule = add_rule(moved, "volume", mails=["ann@example.com"], by="ann")
    assert len(check_and_tell(moved, rule, settings=settings)) == 1
    assert "No mail server" in moved.alerts.rules()[0].problem
    away = settings.model_copy(update={"smtp_url": SecretStr("smtp://127.0.0.1:1"), "mail_from": "crm@example.com"})
    with pytest.raises(UnavailableError):
        send_mail(away, ["ann@example.com"], subject="x", text="y")
    wrong = settings.model_copy(update={"smtp_url": SecretStr("http://x"), "mail_from": "crm@example.com"})
    with pytest.raises(SettingsError):
        send_mail(wrong, ["ann@example.com"], subject="x", text="y")


def test_by_webhook_signed(moved: Store, settings: Settings) -> None:
    got: list[tuple[dict[str, str], bytes]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    own = settings.model_copy(update={"private_hosts": "127.0.0.1"})
    secret = add_webhook(moved, "ours", f"http://127.0.0.1:{server.server_port}/hook", settings=own)
    rule = add_rule(moved, "volume", hook="ours", by="ann")
    check_and_tell(moved, rule, settings=own)
    server.shutdown()
    server.server_close()
    ((headers, body),) = got
    told = {name.lower(): value for name, value in headers.items()}
    assert told["webhook-signature"] == sign(secret, told["webhook-id"], int(told["webhook-timestamp"]), body)
    assert json.loads(body)["measure"] == "volume"


def test_what_cannot_be(store: Store) -> None:
    for wrong in ({"what": "noise"}, {"what": "net", "key": "x"}, {"what": "net", "channel": "fax"}):
        with pytest.raises(UsageError):
            add_rule(store, by="ann", **wrong)
    for mail in ("ann", "a@b", "a b@example.com", "a@example.com\nBcc: x@example.com", "@example.com"):
        with pytest.raises(UsageError):
            add_rule(store, "net", mails=[mail], by="ann")
    for missing in ({"what": "topic", "key": "t0"}, {"what": "net", "hook": "none"}):
        with pytest.raises(NotFoundError):
            add_rule(store, by="ann", **missing)
    with pytest.raises(NotFoundError):
        store.alerts.remove("a0")


def test_one_of_several_checks_a_rule(store: Store) -> None:
    add_rule(store, "net", by="ann")
    assert store.alerts.due(timedelta(minutes=15)) is not None
    assert store.alerts.due(timedelta(minutes=15)) is None
