"""A mailbox on a real Dovecot: read once, whatever the server and the connection do."""

from __future__ import annotations

import imaplib
import json
import os
import random
import shutil
import stat
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs

import pytest

from tests.e2e import dovecot as daemon
from tests.e2e.dovecot import PASSWORD, USER, Cutter, Dovecot
from tests.places import quick_folder
from textcrm.errors import MailboxError, SettingsError, UsageError
from textcrm.operations.intake.sources import add_imap, follow, read_now
from textcrm.settings import Settings
from textcrm.sources.imap import Credentials, ImapServer, mailbox
from textcrm.sources.oauth import Refresher
from textcrm.store import Store

LONG = os.environ.get("TEXTCRM_CHAOS") == "long"
MAILS, CUTS = (20_000, 200) if LONG else (1_000, 40)

pytestmark = pytest.mark.skipif(daemon.why_not() is not None, reason=daemon.why_not() or "")


@pytest.fixture(scope="module")
def running() -> Iterator[Dovecot]:
    # pytest keeps its own folders closed to the user that Dovecot reads mail as
    with quick_folder() as base, daemon.dovecot(base) as server:
        yield server


@pytest.fixture
def box(running: Dovecot) -> Dovecot:
    """The server with an empty mailbox."""
    shutil.rmtree(running.maildir, ignore_errors=True)
    return running


def server_of(running: Dovecot, port: int | None = None) -> ImapServer:
    return ImapServer(host="127.0.0.1", user=USER, port=port or running.port, security="none")


def mail(number: int, *, message_id: str | None = "", body: str = "") -> bytes:
    head = [f"From: Ann {number} <ann{number}@example.com>", "To: support@example.com", f"Subject: Order {number}"]
    head.append(f"Date: Tue, 01 Sep 2026 10:{number // 60 % 60:02}:{number % 60:02} +0000")
    if message_id is not None:
        head.append(f"Message-ID: {message_id or f'<{number}@example.com>'}")
    text = body or f"My order {number} has not arrived.\r\n" + "Please look.\r\n" * (number % 40)
    return ("\r\n".join(head) + "\r\n\r\n" + text).encode()


def deliver(running: Dovecot, mails: list[bytes], folder: str = "INBOX") -> None:
    with imaplib.IMAP4("127.0.0.1", running.port) as conn:
        conn.login(USER, PASSWORD)
        if folder != "INBOX":
            conn.create(folder)
        for raw in mails:
            assert conn.append(folder, "", None, raw)[0] == "OK"


def expunge(running: Dovecot, which: str, folder: str = "INBOX") -> None:
    with imaplib.IMAP4("127.0.0.1", running.port) as conn:
        conn.login(USER, PASSWORD)
        conn.select(folder)
        conn.store(which, "+FLAGS", "\\Deleted")
        conn.expunge()


def fill(running: Dovecot, count: int) -> None:
    """Put mails into the Maildir itself: faster than APPEND."""
    with imaplib.IMAP4("127.0.0.1", running.port) as conn:
        conn.login(USER, PASSWORD)
        conn.select()
    for number in range(count):
        path = running.maildir / "cur" / f"{1_780_000_000 + number}.M{number}.test:2,"
        path.write_bytes(mail(number))
        shutil.chown(path, "nobody")


def texts(store: Store) -> list[str]:
    return sorted(m.subject or "" for m in store.messages.iterate())


def test_new_mails_are_read_and_stay_unread(box: Dovecot, store: Store, settings: Settings) -> None:
    deliver(box, [mail(1), mail(2)])
    assert "INBOX" in add_imap(store, "inbox", server=server_of(box), secret=PASSWORD, settings=settings)
    report, _ = read_now(store, "inbox", settings=settings)
    assert (report.stored, report.duplicates) == (2, 0) and texts(store) == ["Order 1", "Order 2"]
    deliver(box, [mail(3)])
    report, _ = read_now(store, "inbox", settings=settings)
    assert (report.items, report.stored) == (1, 1)
    with imaplib.IMAP4("127.0.0.1", box.port) as conn:
        conn.login(USER, PASSWORD)
        conn.select(readonly=True)
        assert conn.search(None, "UNSEEN")[1] == [b"1 2 3"]


def test_mails_without_or_with_the_same_message_id(box: Dovecot, store: Store, settings: Settings) -> None:
    same = "<one@example.com>"
    mails = [mail(1, message_id=None), mail(2, message_id=None), mail(3, message_id=same), mail(4, message_id=same)]
    deliver(box, [*mails, mails[0], mails[3]])
    add_imap(store, "inbox", server=server_of(box), secret=PASSWORD, settings=settings)
    report, _ = read_now(store, "inbox", settings=settings)
    assert texts(store) == ["Order 1", "Order 2", "Order 3", "Order 4"]
    assert report.stored == 4 and report.duplicates + report.known == 2


def test_several_folders_and_gaps(box: Dovecot, store: Store, settings: Settings) -> None:
    deliver(box, [mail(n) for n in range(6)])
    deliver(box, [mail(10), mail(2)], "Sales")
    expunge(box, "2:4")
    add_imap(store, "both", server=server_of(box), secret=PASSWORD, settings=settings, folders=("INBOX", "Sales"))
    read_now(store, "both", settings=settings)
    assert texts(store) == ["Order 0", "Order 10", "Order 2", "Order 4", "Order 5"]
    expunge(box, "1:*")  # what is deleted there stays here
    deliver(box, [mail(7)])
    report, _ = read_now(store, "both", settings=settings)
    assert report.stored == 1 and store.messages.count() == 6


def test_uids_that_mean_something_else_now(box: Dovecot, store: Store, settings: Settings) -> None:
    deliver(box, [mail(n) for n in range(5)])
    add_imap(store, "inbox", server=server_of(box), secret=PASSWORD, settings=settings)
    read_now(store, "inbox", settings=settings)
    for path in box.maildir.glob("dovecot*"):
        path.unlink()  # the server loses its numbers: another UIDVALIDITY
    place = store.sources.place("inbox", "INBOX")
    assert place is not None
    time.sleep(1.1)  # UIDVALIDITY is the time in seconds
    deliver(box, [mail(9)])
    report, _ = read_now(store, "inbox", settings=settings)
    assert report.stored == 1 and report.known == 5 and "numbers its mails anew" in report.remarks[0]
    assert texts(store) == [f"Order {n}" for n in (0, 1, 2, 3, 4, 9)]


def test_a_server_that_went_back_in_time(box: Dovecot, store: Store, settings: Settings) -> None:
    deliver(box, [mail(n) for n in range(3)])
    backup = box.base / "backup"
    shutil.rmtree(backup, ignore_errors=True)
    shutil.copytree(box.maildir, backup)
    deliver(box, [mail(n) for n in range(3, 6)])
    add_imap(store, "inbox", server=server_of(box), secret=PASSWORD, settings=settings)
    assert read_now(store, "inbox", settings=settings)[0].stored == 6
    shutil.rmtree(box.maildir)
    shutil.copytree(backup, box.maildir)
    for path in (box.maildir, *box.maildir.rglob("*")):
        shutil.chown(path, "nobody")
    deliver(box, [mail(8)])  # takes the UID that mail 3 had
    report, _ = read_now(store, "inbox", settings=settings)
    assert "went back in time" in report.remarks[0]
    assert report.stored == 1 and store.messages.count() == 7


def test_what_was_deleted_here_is_not_taken_again_and_what_is_missing_is(
    box: Dovecot, store: Store, settings: Settings
) -> None:
    deliver(box, [mail(n) for n in range(5)])
    add_imap(store, "inbox", server=server_of(box), secret=PASSWORD, settings=settings)
    read_now(store, "inbox", settings=settings)
    ids = {m.subject: m.id for m in store.messages.iterate()}
    store.database["messages"].delete_one({"_id": ids["Order 1"]})  # erased here
    store.database["source_taken"].delete_one({"message": ids["Order 3"]})  # never came
    store.database["messages"].delete_one({"_id": ids["Order 3"]})
    store.database["source_places"].delete_many({})
    report, (found,) = read_now(store, "inbox", settings=settings, compare=True)
    assert texts(store) == ["Order 0", "Order 2", "Order 3", "Order 4"] and report.stored == 1
    assert (found.on_server, found.here, found.deleted, found.missing) == (5, 5, 1, 0)
    store.database["source_taken"].delete_one({"message": ids["Order 4"]})
    store.database["messages"].delete_one({"_id": ids["Order 4"]})
    report, (found,) = read_now(store, "inbox", settings=settings, compare=True)
    assert found.missing == 1 and "Order 4" in texts(store)


def test_a_connection_cut_at_random_bytes(box: Dovecot, store: Store, settings: Settings) -> None:
    fill(box, MAILS)
    chance = random.Random(7)
    total = sum(len(mail(n)) for n in range(MAILS))
    after = iter([chance.randint(1, 2 * total // CUTS) for _ in range(CUTS)])
    cutter = Cutter(box.port, after)
    thread = threading.Thread(target=cutter.serve, daemon=True)
    thread.start()
    try:
        server = server_of(box, cutter.port)
        add_imap(store, "inbox", server=server, secret=PASSWORD, settings=settings, check=False)
        while True:
            try:
                report, _ = read_now(store, "inbox", settings=settings)
            except MailboxError:
                continue  # several cuts in a row before the first mail
            break
    finally:
        cutter.close()
    print(f"\nimap: {MAILS} mails, {cutter.cuts} cuts, {store.messages.count()} stored")
    assert store.messages.count() == MAILS and cutter.cuts == CUTS
    assert len({m.subject for m in store.messages.iterate()}) == MAILS
    assert report.quarantined == 0


def test_mails_are_read_as_they_come(box: Dovecot, store: Store, settings: Settings) -> None:
    deliver(box, [mail(0)])
    add_imap(store, "inbox", server=server_of(box), secret=PASSWORD, settings=settings)
    stop = threading.Event()
    thread = threading.Thread(
        target=follow, args=(store, "inbox"), kwargs={"settings": settings, "owner": "me", "stop": stop}
    )
    thread.start()
    try:
        wait_for(store, 1)
        time.sleep(1)
        begin = time.monotonic()
        deliver(box, [mail(1)])
        wait_for(store, 2)
        assert time.monotonic() - begin < 10  # IDLE, not the poll of a minute
    finally:
        stop.set()
        thread.join(timeout=20)
    assert not thread.is_alive() and store.sources.get("inbox").problem == ""


def wait_for(store: Store, count: int) -> None:
    deadline = time.monotonic() + 30
    while store.messages.count() < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_tls_is_checked(box: Dovecot) -> None:
    untrusted = ImapServer(host="localhost", user=USER, port=box.tls_port)
    with pytest.raises(SettingsError, match="not trusted"), mailbox(untrusted, Credentials(PASSWORD)):
        pass
    trusted = ImapServer(host="localhost", user=USER, port=box.tls_port, ca_file=str(box.certificate))
    with mailbox(trusted, Credentials(PASSWORD)) as opened:
        assert "INBOX" in opened.folders()
    other_name = ImapServer(host="127.0.0.1", user=USER, port=box.tls_port, ca_file=str(box.certificate))
    with pytest.raises(SettingsError, match="not trusted"), mailbox(other_name, Credentials(PASSWORD)):
        pass
    starttls = ImapServer(host="localhost", user=USER, port=box.port, security="starttls", ca_file=str(box.certificate))
    with mailbox(starttls, Credentials(PASSWORD)) as opened:
        assert opened.open("INBOX").next_uid >= 1


def test_a_wrong_password_and_a_wrong_folder_are_told_when_added(
    box: Dovecot, store: Store, settings: Settings
) -> None:
    with pytest.raises(SettingsError, match="refused the user"):
        add_imap(store, "x", server=server_of(box), secret="wrong", settings=settings)
    with pytest.raises(UsageError, match="no folder"):
        add_imap(store, "x", server=server_of(box), secret=PASSWORD, settings=settings, folders=("Nowhere",))
    assert store.sources.list() == []
    with pytest.raises(UsageError, match="without TLS"):
        ImapServer(host="mail.example.com", user="u", security="none")


def test_secrets_lie_encrypted(box: Dovecot, store: Store, settings: Settings, tmp_path: Path) -> None:
    add_imap(store, "inbox", server=server_of(box), secret=PASSWORD, settings=settings)
    document = store.database["sources"].find_one({})
    assert document is not None and PASSWORD not in repr(document)
    key = settings.home / "secrets" / "vault.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    with pytest.raises(SettingsError, match="does not open"):
        read_now(store, "inbox", settings=settings.model_copy(update={"home": tmp_path}))
    store.sources.remove("inbox")
    assert store.sources.list() == []


class Provider(BaseHTTPRequestHandler):
    """Gives access tokens for the refresh token first-refresh, and tells Dovecot which one is good: the newest."""

    given: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if self.path == "/introspect":
            good = asked["token"] == self.given[-1:]
            self._answer(200, {"active": good, "username": USER} if good else {"active": False})
        elif asked["refresh_token"] == ["first-refresh"] and asked["client_secret"] == ["s"]:
            self.given.append(f"a{len(self.given)}")
            self._answer(200, {"access_token": self.given[-1], "expires_in": 3600})
        else:
            self._answer(400, {"error": "invalid_grant"})

    def _answer(self, status: int, body: dict[str, object]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        return


def test_a_mailbox_is_read_with_oauth2_and_a_token_that_was_taken_back_is_renewed(
    box: Dovecot, store: Store, settings: Settings
) -> None:
    deliver(box, [mail(1)])
    with ThreadingHTTPServer(("127.0.0.1", box.token_port), Provider) as provider:
        threading.Thread(target=provider.serve_forever, daemon=True).start()
        refresher = Refresher(f"http://127.0.0.1:{box.token_port}/token", "app", "s")
        add_imap(store, "inbox", server=server_of(box), secret="first-refresh", settings=settings, oauth2=refresher)
        assert read_now(store, "inbox", settings=settings)[0].stored == 1
        Provider.given.append("taken back")
        deliver(box, [mail(2)])
        assert read_now(store, "inbox", settings=settings)[0].stored == 1
        with (
            pytest.raises(SettingsError, match="refused the user or the secret"),
            mailbox(server_of(box), Credentials("stolen", oauth2=True)),
        ):
            pass
        wrong = Refresher(refresher.token_url, "app", "s")
        with pytest.raises(SettingsError, match="refused the refresh token"):
            add_imap(store, "other", server=server_of(box), secret="r2", settings=settings, oauth2=wrong)
        provider.shutdown()
    document = store.database["sources"].find_one({})
    assert document is not None and document["config"]["oauth2"]["client_id"] == "app"
    assert b"first-refresh" not in document["secret"] and "client_secret" not in repr(document)


def test_each_night_what_is_there_is_compared_with_what_is_here(
    box: Dovecot, store: Store, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    deliver(box, [mail(n) for n in range(4)])
    add_imap(store, "inbox", server=server_of(box), secret=PASSWORD, settings=settings)
    read_now(store, "inbox", settings=settings)
    lost = next(m.id for m in store.messages.iterate() if m.subject == "Order 2")
    store.database["source_taken"].delete_one({"message": lost})
    store.database["messages"].delete_one({"_id": lost})
    read_now(store, "inbox", settings=settings)
    assert store.messages.count() == 3  # above the last UID there is nothing new
    assert store.sources.due("inbox", every=timedelta(days=1)) and not store.sources.due(
        "inbox", every=timedelta(days=1)
    )
    yesterday = store.now() - timedelta(hours=25)
    store.database["sources"].update_one({"_id": "inbox"}, {"$set": {"compared_at": yesterday}})
    stop = threading.Event()
    options = {"settings": settings, "owner": "me", "stop": stop}
    thread = threading.Thread(target=follow, args=(store, "inbox"), kwargs=options)
    thread.start()
    try:
        wait_for(store, 4)
    finally:
        stop.set()
        thread.join(timeout=20)
    assert "1 mails were missing and are read now" in caplog.text


def test_access_tokens_are_renewed() -> None:
    asked: list[str] = []

    class Provider(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            good = "refresh_token=r1" in asked[-1]
            self.send_response(200 if good else 400)
            self.end_headers()
            self.wfile.write(json.dumps({"access_token": f"a{len(asked)}", "expires_in": 3600}).encode())

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Provider) as provider:
        threading.Thread(target=provider.serve_forever, daemon=True).start()
        refresher = Refresher(token_url=f"http://127.0.0.1:{provider.server_port}/", client_id="app")
        assert [refresher.access_token("r1") for _ in range(2)] == ["a1", "a1"]
        refresher._held = ("a1", time.monotonic() - 1)
        assert refresher.access_token("r1") == "a2" and "grant_type=refresh_token" in asked[0]
        refresher._held = None
        with pytest.raises(SettingsError, match="refused the refresh token"):
            refresher.access_token("stolen")
        provider.shutdown()
    with pytest.raises(UsageError, match="https"):
        Refresher(token_url="http://example.com/token", client_id="app")
