"""A small CRM that lets textcrm read its tickets. Python's standard library and httpx, nothing else.

It keeps customers and tickets in SQLite, sends both to textcrm, takes the results by a signed webhook and writes the
labels into fields of its own::

    textcrm keys create crm --scope admin       # prints the key once
    TEXTCRM_PRIVATE_HOSTS=127.0.0.1 textcrm serve --with-worker
    TEXTCRM_URL=http://127.0.0.1:8600 TEXTCRM_KEY=tcrm_... python crm.py

Take from it what every integration needs: ids of your own on all you send, an Idempotency-Key on each write, the check
of the signature, results that may come twice, and a way to ask for those that did not come.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

HOST = os.environ.get("CRM_HOST", "127.0.0.1")
BATCH = 100
TOLERANCE_SECONDS = 300
SCHEMA = """
create table if not exists customer (id text primary key, name text, email text, phone text, plan text);
create table if not exists ticket (
    id text primary key, customer text, email text, subject text, body text, at text,
    textcrm_id text, intent text, sentiment text, urgency text, linked_to text, labelled_at text
);
create table if not exists delivery (id text primary key);
create table if not exists setting (name text primary key, value text);
"""
CUSTOMERS = [
    ("C-1", "Ann Lee", "ann.lee@example.com", "+14155552671", "gold"),
    ("C-2", "Bob Moor", "bob@example.com", None, "free"),
]
TICKETS = [
    ("T-1", "C-1", "ann.lee@example.com", "Refund", "The kettle leaks. I want my money back.", "2026-09-01T08:00:00Z"),
    ("T-2", "C-2", "bob@example.com", "Login", "How do I reset my password?", "2026-09-01T09:00:00Z"),
    ("T-3", None, "ann.lee@example.com", "Thanks", "Great service, thank you so much!", "2026-09-01T10:00:00Z"),
]


class Crm:
    """The database of the CRM. A connection a call: the webhook comes in threads of its own."""

    def __init__(self, path: str) -> None:
        self.path = path
        with self.open() as db:
            db.executescript(SCHEMA)
            db.executemany("insert or ignore into customer values (?, ?, ?, ?, ?)", CUSTOMERS)
            columns = "(id, customer, email, subject, body, at)"
            db.executemany(f"insert or ignore into ticket {columns} values (?, ?, ?, ?, ?, ?)", TICKETS)  # noqa: S608

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """Open the database for one transaction."""
        connection = sqlite3.connect(self.path, timeout=30)
        connection.row_factory = sqlite3.Row
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def setting(self, name: str, value: str | None = None) -> str | None:
        """Keep a setting, or return it."""
        with self.open() as db:
            if value is not None:
                db.execute("insert or replace into setting values (?, ?)", (name, value))
            row = db.execute("select value from setting where name = ?", (name,)).fetchone()
        return None if row is None else str(row["value"])

    def unlabelled(self) -> list[sqlite3.Row]:
        """Return the tickets that have no labels yet."""
        with self.open() as db:
            return db.execute("select * from ticket where labelled_at is null order by id").fetchall()

    def label(self, insight: Mapping[str, Any], *, delivery: str | None = None) -> bool:
        """Write labels into the ticket of a message; tell whether this delivery was new."""
        said = {p["task"]: None if p["abstained"] else p["label"] for p in insight["predictions"]}
        link = insight["link"] or {"customer_id": None}
        with self.open() as db:
            if delivery is not None:  # a result may come twice: the second time it is known
                new = db.execute("insert or ignore into delivery values (?)", (delivery,)).rowcount
                if not new:
                    return False
            db.execute(
                "update ticket set intent = ?, sentiment = ?, urgency = ?, linked_to = ?, labelled_at = datetime('now')"
                " where textcrm_id = ?",
                (
                    said.get("intent"),
                    said.get("sentiment"),
                    said.get("urgency"),
                    link["customer_id"],
                    insight["message_id"],
                ),
            )
        return True


def sync_customers(textcrm: httpx.Client, crm: Crm) -> int:
    """Send all customers; those that did not change are left as they are."""
    with crm.open() as db:
        rows = db.execute("select * from customer order by id").fetchall()
    for start in range(0, len(rows), BATCH):
        items = [
            {
                "id": row["id"],
                "name": row["name"],
                "emails": [row["email"]] if row["email"] else [],
                "phones": [row["phone"]] if row["phone"] else [],
                "fields": {"plan": row["plan"]},
            }
            for row in rows[start : start + BATCH]
        ]
        write(textcrm, "PUT", "/v1/customers", {"items": items})
    return len(rows)


def post_tickets(textcrm: httpx.Client, crm: Crm) -> int:
    """Send the tickets that textcrm does not know yet, and keep the ids that it gives them."""
    with crm.open() as db:
        rows = db.execute("select * from ticket where textcrm_id is null order by id").fetchall()
    for start in range(0, len(rows), BATCH):
        items = [
            {
                "id": row["id"],
                "channel": "email",
                "subject": row["subject"],
                "text": row["body"],
                "author": {"email": row["email"]},
                "sent_at": row["at"],
            }
            for row in rows[start : start + BATCH]
        ]
        answer = write(textcrm, "POST", "/v1/messages", {"items": items})
        with crm.open() as db:
            for item in answer["items"]:
                if item["error"] is None:
                    db.execute("update ticket set textcrm_id = ? where id = ?", (item["id"], item["given_id"]))
    return len(rows)


def write(textcrm: httpx.Client, method: str, path: str, body: Mapping[str, Any]) -> Any:
    """Send a write so that it is done once, however often it has to be sent."""
    key = hashlib.sha256(f"{method} {path} {json.dumps(body, sort_keys=True)}".encode()).hexdigest()
    for attempt in range(5):
        try:
            answer = textcrm.request(method, path, json=body, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            time.sleep(2**attempt)
            continue
        if answer.status_code in (429, 503):
            time.sleep(float(answer.headers.get("retry-after", 1)))
            continue
        if answer.is_error:
            problem = answer.json()
            raise SystemExit(f"{problem['code']}: {problem['detail']} {problem['hint']}")
        return answer.json()
    raise SystemExit("textcrm does not answer")


def is_signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Check the signature and the age of a webhook (Standard Webhooks)."""
    stamp = headers.get("webhook-timestamp", "")
    if not stamp.isdecimal() or abs(time.time() - int(stamp)) > TOLERANCE_SECONDS:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{headers.get('webhook-id', '')}.{stamp}.".encode() + body, hashlib.sha256).digest()
    right = f"v1,{base64.b64encode(digest).decode()}"
    return any(hmac.compare_digest(one, right) for one in headers.get("webhook-signature", "").split(" "))


class Receiver(ThreadingHTTPServer):
    """The server that takes the webhook; ``taken`` counts the results that were new."""

    taken = 0


def receiver(crm: Crm) -> Receiver:
    """Return the server that writes what it is sent into *crm*."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 10_000_000))
            headers = {name.lower(): value for name, value in self.headers.items()}
            if not is_signed(crm.setting("secret") or "", headers, body):
                self.send_response(401)
            else:
                result = json.loads(body)
                if result["insight"] is not None and crm.label(result["insight"], delivery=headers["webhook-id"]):
                    server.taken += 1
                self.send_response(204)  # only now: what is not written down is sent again
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = Receiver((HOST, int(os.environ.get("CRM_PORT", "0"))), Handler)
    return server


def register(textcrm: httpx.Client, crm: Crm, url: str) -> None:
    """Have results sent to *url* from now on."""
    textcrm.delete("/v1/webhooks/crm")  # that of the last start, if there was one
    made = textcrm.post("/v1/webhooks", json={"name": "crm", "url": url})
    if made.is_error:
        problem = made.json()
        raise SystemExit(f"{problem['code']}: {problem['detail']} {problem['hint']}")
    crm.setting("secret", made.json()["secret"])
    if not textcrm.post("/v1/webhooks/crm/test").json()["taken"]:
        raise SystemExit("textcrm cannot reach the webhook")
    time.sleep(6)  # the worker looks for new webhooks every five seconds


def ask_for_the_rest(textcrm: httpx.Client, crm: Crm) -> int:
    """Ask for the results of tickets that no webhook told of."""
    asked = 0
    for ticket in crm.unlabelled():
        answer = textcrm.get(f"/v1/insights/{ticket['textcrm_id']}")
        if answer.status_code == 200:
            crm.label(answer.json())
            asked += 1
    return asked


def main() -> None:
    """Sync, post, receive, and show the tickets."""
    crm = Crm(os.environ.get("CRM_DB", "crm.sqlite"))
    server = receiver(crm)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    key = {"Authorization": f"Bearer {os.environ['TEXTCRM_KEY']}"}
    with httpx.Client(base_url=os.environ["TEXTCRM_URL"], headers=key, timeout=30) as textcrm:
        register(textcrm, crm, f"http://{HOST}:{server.server_port}/textcrm")
        print(sync_customers(textcrm, crm), "customers sent,", post_tickets(textcrm, crm), "tickets sent")
        patience = time.monotonic() + float(os.environ.get("CRM_PATIENCE", "60"))
        while crm.unlabelled() and time.monotonic() < patience:
            time.sleep(0.2)
        asked = ask_for_the_rest(textcrm, crm)
    server.shutdown()
    print(server.taken, "results by webhook,", asked, "by asking")
    with crm.open() as db:
        for row in db.execute("select * from ticket order by id"):
            print(row["id"], row["linked_to"], row["intent"], row["sentiment"], row["urgency"])
    sys.exit(1 if crm.unlabelled() else 0)


if __name__ == "__main__":
    main()
