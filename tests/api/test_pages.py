"""The pages over HTTP: who gets in, what every page carries, and that nothing a customer wrote becomes markup."""

from __future__ import annotations

import gettext
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import sqlalchemy
from jinja2.ext import babel_extract
from starlette.testclient import TestClient

from tests.desk_data import answer, application, at, doubtful, fill, keep, known
from tests.factories import message
from tests.unit.test_train import recipe, rows
from textcrm.operations.access.audit import audit_of
from textcrm.operations.access.users import add_user
from textcrm.operations.customers.tables import import_customers, sync_customers
from textcrm.operations.desk import desk
from textcrm.operations.intake.ingest import ingest
from textcrm.operations.links import decisions
from textcrm.operations.models import corrections
from textcrm.operations.models.coverage import curve_of
from textcrm.operations.models.models import DataFile, open_model
from textcrm.operations.models.training import Corrected, train
from textcrm.operations.models.trainings import trainings_of
from textcrm.operations.trends import trends
from textcrm.records import Message
from textcrm.registry import Registry
from textcrm.settings import Settings
from textcrm.sources.sql import SqlSource
from textcrm.store import Store
from textcrm.store.client import connect
from textcrm_api import dashboard
from textcrm_api.dashboard import sign_in_link
from textcrm_api.dashboard.original import harmless
from textcrm_api.dashboard.report import report_html
from textcrm_api.service import Service

PATHS = (
    "/desk",
    "/trends",
    "/topics",
    "/said",
    "/alerts",
    "/label",
    "/customers",
    "/customers/C-1",
    "/links",
    "/models",
    "/quarantine",
    "/operations",
    "/jobs",
    "/imports",
)
BASE = "http://testserver"


@pytest.fixture
def messages(store: Store) -> list[Message]:
    return fill(store)


@pytest.fixture
def stranger(settings: Settings, store: Store, messages: list[Message]) -> Iterator[TestClient]:
    assert messages
    with TestClient(application(settings, store), follow_redirects=False) as client:
        yield client


@pytest.fixture
def person(stranger: TestClient, store: Store) -> TestClient:
    """A client who opened the link that the service prints."""
    link = sign_in_link(store, BASE, name="Robin Vale")
    assert stranger.get(link).status_code == 303
    return stranger


@pytest.fixture(scope="module")
def shared(home: Path, server: str) -> Iterator[tuple[TestClient, Store]]:
    """A client and the store behind it, for all tests that change nothing; `passer_by` and `visitor` are its faces."""
    settings = Settings(home=home, mongodb_uri=server, database="test_shared_pages")
    with connect(server) as connection:
        store = Store(connection, settings.database)
        store.prepare()
        fill(store)
        with TestClient(application(settings, store), follow_redirects=False) as client:
            yield client, store
        connection.drop_database(settings.database)


@pytest.fixture
def passer_by(shared: tuple[TestClient, Store]) -> TestClient:
    """A stranger who changes nothing."""
    client, _ = shared
    client.cookies.clear()
    return client


@pytest.fixture
def visitor(passer_by: TestClient, shared: tuple[TestClient, Store]) -> TestClient:
    """A person who changes nothing."""
    link = sign_in_link(shared[1], BASE, name="Robin Vale")
    assert passer_by.get(link).status_code == 303
    return passer_by


def csrf(person: TestClient) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', person.get("/desk").text)
    assert found
    return found[1]


@pytest.mark.parametrize("path", PATHS)
def test_a_stranger_is_led_to_the_sign_in_and_sees_nothing(passer_by: TestClient, path: str) -> None:
    answered = passer_by.get(path)
    assert answered.status_code == 303
    assert urlsplit(answered.headers["location"]).path == "/signin"
    assert "kettle" not in answered.text


@pytest.mark.parametrize("path", ["/desk/act", "/models/activate", "/signout"])
def test_a_stranger_changes_nothing(passer_by: TestClient, path: str) -> None:
    assert passer_by.post(path, data={"action": "close"}).status_code == 401


def test_the_link_works_once(stranger: TestClient, store: Store) -> None:
    link = sign_in_link(store, BASE, name="Robin")
    assert stranger.get(link).headers["location"] == "/desk"
    stranger.cookies.clear()
    again = stranger.get(link)
    assert again.status_code == 401
    assert "used already" in again.text


def test_the_cookie_is_kept_from_scripts_and_other_sites(stranger: TestClient, store: Store) -> None:
    cookie = stranger.get(sign_in_link(store, BASE, name="Robin")).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


@pytest.mark.parametrize("to", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_leads_nowhere_else(stranger: TestClient, store: Store, to: str) -> None:
    answered = stranger.get(f"{sign_in_link(store, BASE, name='Robin')}&next={quote(to)}")
    assert answered.headers["location"] == "/desk"


@pytest.mark.parametrize("path", PATHS)
def test_every_page_carries_a_policy_without_inline_code(visitor: TestClient, path: str) -> None:
    answered = visitor.get(path)
    assert answered.status_code == 200
    policy = answered.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answered.headers["cache-control"] == "no-store"
    assert answered.headers["x-frame-options"] == "DENY"
    assert not re.search(r"<[^>]+\s(on\w+|style)\s*=", answered.text)
    for script in re.findall(r"<script\b[^>]*>", answered.text):
        assert " src=" in script or 'type="application/json"' in script
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", answered.text)


@pytest.mark.parametrize("path", ["/desk", "/trends", "/customers"])
def test_a_page_is_light(visitor: TestClient, path: str) -> None:
    text = visitor.get(path).text
    ours = [a for a in re.findall(r"\"(/static/[^\"]+)\"", text) if "plotly.js" not in a]
    assert len(text) + sum(len(visitor.get(a).content) for a in ours) <= 300_000


def test_our_scripts_are_small(visitor: TestClient) -> None:
    text = visitor.get("/trends").text
    scripts = [a for a in re.findall(r'<script src="([^"]+)"', text) if "plotly" not in a]
    assert sum(len(visitor.get(a).content) for a in scripts) <= 40_000


@pytest.mark.parametrize("token", ["", "0" * 64])
def test_a_form_without_the_right_token_is_refused(
    person: TestClient, store: Store, messages: list[Message], token: str
) -> None:
    answered = person.post("/desk/act", data={"csrf": token, "action": "close", "id": messages[0].id})
    assert answered.status_code == 403
    assert store.database["desk_events"].count_documents({}) == 0


def test_a_form_from_another_site_is_refused(person: TestClient, messages: list[Message]) -> None:
    fields = {"csrf": csrf(person), "action": "close", "id": messages[0].id}
    assert person.post("/desk/act", data=fields, headers={"Origin": "https://evil.example"}).status_code == 403
    assert person.post("/desk/act", data=fields, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert person.post("/desk/act", data=fields, headers={"Origin": BASE}).status_code == 303


def test_after_signing_out_the_session_is_gone(person: TestClient) -> None:
    token = person.cookies["textcrm_session"]
    person.post("/signout", data={"csrf": csrf(person)})
    person.cookies.set("textcrm_session", token)
    assert person.get("/desk").status_code == 303


def test_keyset_pages_show_every_message_once(person: TestClient, messages: list[Message]) -> None:
    seen: list[str] = []
    path = "/desk"
    for _ in range(10):
        text = person.get(path).text
        seen += re.findall(r'name="id" value="([0-9a-f]{32})"', text)
        following = re.search(r'rel="next" href="([^"]+)"', text)
        if following is None:
            break
        path = following[1].replace("&amp;", "&")
    assert sorted(seen) == sorted(m.id for m in messages)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("urgency=critical", 1),
        ("sentiment=negative", 28),
        ("channel=email&sentiment=negative", 14),
        ("abstained=yes", 16),
        ("customer=C-1", 12),
        ("since=2026-09-01&until=2026-09-01", 2),
        ("search=cracked", 28),
        ("mine=yes", 0),
        ("state=closed", 0),
    ],
)
def test_filters(visitor: TestClient, query: str, count: int) -> None:
    text = visitor.get(f"/desk?{query}").text
    found = re.search(r'class="count" data-count>([\d,]+)<', text)
    assert found
    assert int(found[1]) == count


@pytest.mark.parametrize(
    "query", ["state=x", "since=yesterday", "after=zz", "since=2026-13-01", "after=W10%3D", "urgency[$ne]=x"]
)
def test_an_address_that_cannot_be_gives_a_page_not_a_failure(visitor: TestClient, query: str) -> None:
    answered = visitor.get(f"/desk?{query}")
    assert answered.status_code in (200, 400, 422)
    assert "<h1>" in answered.text


def test_an_unknown_message_gives_a_page(visitor: TestClient) -> None:
    answered = visitor.get("/desk/nothing")
    assert answered.status_code == 404
    assert "text/html" in answered.headers["content-type"]


def test_a_correction_moves_the_message_and_undo_moves_it_back(
    person: TestClient, store: Store, messages: list[Message]
) -> None:
    token, chosen = csrf(person), messages[0]
    fields = {"csrf": token, "task": "urgency", "label": "high", "back": f"/desk/{chosen.id}"}
    assert person.post(f"/desk/{chosen.id}/correct", data=fields).status_code == 303
    document = store.database["insights"].find_one({"_id": chosen.id}) or {}
    assert (document["urgency"], document["rank"]) == ("high", 2)
    (kept,) = store.corrections.list(message_id=chosen.id)
    assert (kept.label, kept.by, kept.said and kept.said.label) == ("high", "Robin Vale", "normal")
    person.post(f"/desk/{chosen.id}/undo", data={"csrf": token, "correction": kept.id})
    document = store.database["insights"].find_one({"_id": chosen.id}) or {}
    assert (document["urgency"], document["rank"]) == ("normal", 1)
    assert store.corrections.list(message_id=chosen.id) == []


def test_what_people_did_outlives_a_new_analysis(person: TestClient, store: Store, messages: list[Message]) -> None:
    token, chosen = csrf(person), messages[0]
    person.post(f"/desk/{chosen.id}/correct", data={"csrf": token, "task": "urgency", "label": "high"})
    person.post("/desk/act", data={"csrf": token, "action": "take", "id": chosen.id})
    store.messages.requeue({"_id": chosen.id})
    keep(store, [(chosen, known(chosen, urgency="normal"))])
    document = store.database["insights"].find_one({"_id": chosen.id}) or {}
    assert (document["urgency"], document["rank"], document["desk"]["assignee"]) == ("high", 2, "Robin Vale")


def test_close_snooze_reopen_note(person: TestClient, messages: list[Message]) -> None:
    token = csrf(person)
    ids = [m.id for m in messages[:3]]

    def act(action: str) -> None:
        assert person.post("/desk/act", data={"csrf": token, "action": action, "id": ids}).status_code == 303

    def count(query: str) -> int:
        found = re.search(r"data-count>(\d+)<", person.get(f"/desk{query}").text)
        assert found
        return int(found[1])

    total = len(messages)
    act("close")
    assert (count(""), count("?state=closed")) == (total - 3, 3)
    act("reopen")
    act("snooze")
    assert (count(""), count("?state=snoozed")) == (total - 3, 3)
    act("reopen")
    act("take")
    assert (count(""), count("?mine=yes")) == (total, 3)
    person.post(f"/desk/{ids[0]}/note", data={"csrf": token, "text": "called <b>back</b>"})
    assert "called &lt;b&gt;back&lt;/b&gt;" in person.get(f"/desk/{ids[0]}").text


def test_the_page_says_why_there_are_no_reasons(person: TestClient, messages: list[Message]) -> None:
    assert "No reasons" in person.get(f"/desk/{messages[1].id}").text


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'`</textarea></style>{{7*7}}"


def test_what_customers_write_is_text_in_every_field(store: Store, person: TestClient) -> None:
    sent = message(
        HOSTILE, channel="email", subject=HOSTILE, product=HOSTILE, author={"name": HOSTILE, "email": HOSTILE}
    )
    made = known(sent, urgency="critical").model_copy(
        update={"predictions": (answer("intent", HOSTILE, HOSTILE), answer("sentiment", HOSTILE, "neutral"))}
    )
    keep(store, [(sent, made)])
    for path in ("/desk", f"/desk/{sent.id}", "/trends?split=product", "/trends?split=intent", "/desk?search=alert"):
        text = person.get(path).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text


@pytest.mark.parametrize(
    ("html", "gone"),
    [
        ("<p onclick=x()>hi</p>", "onclick"),
        ("<img src=https://t.example/p.gif>", "t.example/p.gif"),
        ("<a href=https://t.example/p>hi</a>", "href"),
        ("<link rel=preconnect href=https://t.example>", "<link"),
        ("<meta http-equiv=refresh content='0;url=https://t.example'>", "<meta"),
        ("<base href=https://t.example>", "<base"),
        ("<svg><script>x</script></svg>", "<svg"),
        ("<form action=https://t.example><input name=a></form>", "<form"),
        ("<iframe srcdoc='<script>x</script>'></iframe>", "<iframe"),
        ("<table background=https://t.example/a.png><tr><td>hi</table>", "background"),
        ("<p style='background:url(https://t.example)'>hi</p><!-- x -->", "onload"),
        ("<style>p{}</style></style><script>x</script>", "<script"),
        ("<noscript><p title='</noscript><script>x</script>'></noscript>", "<script"),
        ("<math><mtext><table><mglyph><style><img src=x onerror=x>", "<img"),
    ],
)
def test_the_original_is_made_harmless(html: str, gone: str) -> None:
    assert gone not in harmless(f"<html><head></head><body>{html}hi</body></html>")


def test_the_original_stands_in_a_sandbox(person: TestClient, store: Store) -> None:
    sent = message("<p>hello <script>x()</script></p>", channel="email", content_type="text/html", sent_at=at(0))
    keep(store, [(sent, known(sent))])
    answered = person.get(f"/desk/{sent.id}/original")
    policy = answered.headers["content-security-policy"]
    assert policy.startswith("sandbox;")
    assert "default-src 'none'" in policy
    assert "script" not in answered.text
    page = person.get(f"/desk/{sent.id}").text
    assert re.search(r'<iframe class="original"[^>]* sandbox=""', page)


def test_static_files_are_kept_for_good_and_only_known_ones_are_there(person: TestClient) -> None:
    (address,) = set(re.findall(r"/static/[0-9a-f]{12}/app\.css", person.get("/desk").text))
    assert "immutable" in person.get(address).headers["cache-control"]
    for wrong in ("/static/000000000000/app.css", "/static/x/..%2fpages.py", address.replace("app.css", "pages.py")):
        assert person.get(wrong).status_code == 404


def test_chinese(person: TestClient) -> None:
    text = person.get("/desk", headers={"Accept-Language": "zh-CN,zh;q=0.9"}).text
    assert 'lang="zh-CN"' in text
    assert "收件" in text or "工作台" in text


def test_every_word_of_the_pages_has_a_chinese_one() -> None:
    folder = Path(dashboard.__file__).parent
    words = gettext.translation("textcrm", folder / "locale", languages=["zh"])
    options = {"extensions": "jinja2.ext.do", "trim_blocks": "true"}
    missing = []
    for path in sorted((folder / "templates").glob("*.html")):
        with path.open("rb") as stream:
            found = list(babel_extract(stream, ["_", "ngettext"], [], options))
        for _, _, said, _ in found:
            given = [said] if isinstance(said, str) else [part for part in said or () if isinstance(part, str)]
            if not given or given[0] is None:
                continue
            plural = len(given) > 1
            made = words.ngettext(given[0], given[1], 2) if plural else words.gettext(given[0])
            if made in given:
                missing.append(f"{path.name}: {given[0]}")
    assert missing == []


@pytest.mark.skipif(shutil.which("msgfmt") is None, reason="msgfmt of gettext is not installed")
def test_the_compiled_words_are_those_of_the_text(tmp_path: Path) -> None:
    folder = Path(dashboard.__file__).parent / "locale" / "zh" / "LC_MESSAGES"
    made = tmp_path / "textcrm.mo"
    subprocess.run([shutil.which("msgfmt") or "", "-c", "-o", str(made), str(folder / "textcrm.po")], check=True)
    assert made.read_bytes() == (folder / "textcrm.mo").read_bytes()


def test_a_correction_by_the_api_is_the_same_at_the_desk(store: Store, messages: list[Message]) -> None:
    chosen = messages[0].id
    made = corrections.correct(store, chosen, task="urgency", label="critical", by="key:x")
    assert desk.queue_page(store, desk.wanted_of({}, person="x"), limit=2)[1].message.id in (chosen, messages[6].id)
    assert dict(desk.open_message(store, chosen).row.desk.labels) == {"urgency": "critical"}
    corrections.undo(store, made.id, by="key:x")
    assert dict(desk.open_message(store, chosen).row.desk.labels) == {}
    assert [event.kind for event in desk.open_message(store, chosen).history] == ["correct", "undo"]


def test_the_report_is_one_file_that_needs_nothing_else(store: Store, messages: list[Message]) -> None:
    sent = message(HOSTILE, channel="email", subject=HOSTILE, sent_at=at(1))
    keep(store, [(sent, known(sent, urgency="critical", intent=HOSTILE))])
    for language in ("en", "zh"):
        text = report_html(store, trends.default_span(store, "week"), by="week", language=language)
        assert f">{len(messages) + 1}</b>" in text
        assert not re.search(r"<(script|img|link|iframe)\b", text)
        assert text.count("<svg") == 2


def test_our_scripts_and_the_pages_are_small(person: TestClient, messages: list[Message]) -> None:
    static = Path(dashboard.__file__).parent / "static"
    assert sum(len(path.read_bytes()) for path in static.glob("*.js")) <= 40_000
    styles = sum(len(path.read_bytes()) for path in static.glob("*.css"))
    for path in (*PATHS, f"/desk/{messages[0].id}"):
        assert len(person.get(path).content) + styles <= 300_000, path


def test_watch_something_and_stop(person: TestClient, store: Store) -> None:
    token = csrf(person)
    person.post("/alerts", data={"csrf": token, "what": "intent:complaint", "channel": "email"})
    (rule,) = store.alerts.rules()
    assert (rule.what, rule.key, rule.channel) == ("intent", "complaint", "email")
    assert "Complaint" in person.get("/alerts").text
    person.post(f"/alerts/{rule.id}/remove", data={"csrf": token})
    assert store.alerts.rules() == ()


def test_label_and_take_it_back(person: TestClient, store: Store, messages: list[Message]) -> None:
    del messages
    page = person.get("/label?task=intent").text
    chosen = re.findall(r'name="id" value="([0-9a-f]+)"', page)[0]
    label = re.findall(r'name="label" value="([^"]+)"', page)[0]
    token = csrf(person)
    person.post("/label", data={"csrf": token, "task": "intent", "id": chosen, "label": label})
    (made,) = store.corrections.list(task="intent")
    assert (made.message_id, made.label) == (chosen, label)
    assert chosen not in person.get("/label?task=intent").text
    person.post("/label", data={"csrf": token, "task": "intent", "id": "", "undo": made.id})
    assert store.corrections.list(task="intent") == []
    assert person.get("/label?task=nothing").status_code == 404


def test_trends_as_a_table(person: TestClient, messages: list[Message]) -> None:
    del messages
    answer = person.get("/trends.csv?by=week&split=intent")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = answer.text.splitlines()
    assert rows[0] == "week,intent,messages,negative,neutral,positive,unknown,net"
    assert len(rows) > 3


def test_a_view_is_saved_for_the_person_alone(person: TestClient, store: Store) -> None:
    token = csrf(person)
    person.post("/desk/views", data={"csrf": token, "name": "Angry mails", "channel": "email", "sentiment": "negative"})
    assert store.views.of("Robin Vale") == {"Angry mails": {"channel": "email", "sentiment": "negative"}}
    assert store.views.of("Ann") == {}
    assert "/desk?channel=email&amp;sentiment=negative" in person.get("/desk").text
    assert person.post("/desk/views", data={"csrf": token, "name": "", "channel": "email"}).status_code == 400
    person.post("/desk/views", data={"csrf": token, "remove": "Angry mails"})
    assert store.views.of("Robin Vale") == {}


def test_the_messages_behind_a_confusion(person: TestClient, store: Store, messages: list[Message]) -> None:
    said = store.insights.get(messages[0].id).prediction("urgency")
    assert said is not None
    corrections.correct(store, messages[0].id, task="urgency", label="high", by="Ann")
    assert "/models/confused" in person.get("/models").text or person.get("/models").status_code == 200
    page = person.get(f"/models/confused?task=urgency&said={said.label}&right=high").text
    assert f"/desk/{messages[0].id}" in page
    assert messages[0].id not in person.get("/models/confused?task=urgency&said=low&right=high").text


def test_a_link_is_confirmed_rejected_merged_and_taken_back(person: TestClient, store: Store) -> None:
    sent = doubtful(store)
    token = csrf(person)
    page = person.get("/links").text
    assert "2 messages" in page
    assert "+10.0" in page
    assert "−4.0" in page

    def answer_with(**fields: str) -> str:
        answered = person.post("/links", data={"csrf": token, **fields})
        assert answered.status_code == 303
        return answered.headers["location"].partition(":")[2]

    made = answer_with(action="confirm", id=sent[0].id, customer="C-1")
    (kept,) = decisions.decisions(store)
    assert (kept.id, kept.kind, kept.by, set(kept.messages)) == (made, "confirm", "Robin Vale", {m.id for m in sent})
    assert "Nothing to decide" in person.get("/links").text
    person.post("/links/undo", data={"csrf": token, "decision": made})
    assert decisions.decisions(store) == []
    assert 'value="confirm"' in person.get("/links").text
    answer_with(action="reject", id=sent[0].id, customer="C-2")
    assert "Nothing to decide" in person.get("/links").text  # the one that is left is meant
    person.post("/links/undo", data={"csrf": token, "decision": decisions.decisions(store)[0].id})
    answer_with(action="merge", customer="C-2", into="C-1")
    assert "Nothing to decide" in person.get("/links").text
    wrong = person.post("/links", data={"csrf": token, "action": "confirm", "id": sent[0].id, "customer": "C-1"})
    assert wrong.status_code == 400
    assert person.post("/links", data={"csrf": token, "action": "x"}).status_code == 400


def test_the_navigation_counts_links_that_wait(person: TestClient, store: Store) -> None:
    assert "nav-count" not in person.get("/desk").text
    doubtful(store)
    assert re.search(r'class="nav-count"[^>]*>2<', person.get("/desk").text)


def test_a_job_is_started_watched_and_ended(person: TestClient, store: Store, messages: list[Message]) -> None:
    token = csrf(person)
    asked = {"csrf": token, "channel": "email", "sentiment": "negative", "since": "2026-08-01", "until": "2026-09-01"}
    assert person.post("/jobs", data=asked).status_code == 303
    (job,) = store.jobs.list()
    assert (job.filters, job.by, job.matched) == ({"channel": "email", "sentiment": "negative"}, "Robin Vale", 14)
    page = person.get("/jobs").text
    assert "0 of 14" in page
    assert 'data-live="moving"' in page
    assert person.post("/jobs", data={"csrf": token, "since": "yesterday"}).status_code == 400
    assert person.post(f"/jobs/{job.id}/cancel", data={"csrf": token}).status_code == 303
    assert store.jobs.get(job.id).state == "cancelled"
    assert person.post(f"/jobs/{job.id}/cancel", data={"csrf": token}).status_code == 409
    assert 'data-live="done"' in person.get("/jobs").text
    assert len(messages) == 112


def test_an_import_with_its_columns_and_what_it_left_in_quarantine(
    person: TestClient, store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "<b>people.csv"
    rows = "K-1,Ann Example,,pro\nK-2,Bo Vale,bo@example.com,\n,,,\nK-1,Ann Again,,pro\n"
    path.write_text("number,name,email,plan\n" + rows, encoding="utf-8")
    report = import_customers(store, path, missing={"segment": "mode"})
    page = person.get("/imports").text
    assert "&lt;b&gt;people.csv" in page
    assert "plan" in page
    assert f">{report.created}</dd>" in page
    if report.quarantined:
        assert "/quarantine?source=%3Cb%3Epeople.csv" in page
        assert "people.csv" in person.get("/quarantine?source=%3Cb%3Epeople.csv").text
    assert "Everything that came could be read" in person.get("/quarantine?source=other.csv").text


def test_a_sync_tells_who_and_which_columns_are_gone(person: TestClient, store: Store, tmp_path: Path) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'crm.db'}")
    source = SqlSource(f"sqlite:///{tmp_path / 'crm.db'}", table="people")
    with engine.begin() as database:
        database.execute(sqlalchemy.text("CREATE TABLE people (number TEXT, name TEXT, plan TEXT)"))
        database.execute(sqlalchemy.text("INSERT INTO people VALUES ('K-1', 'Ann Example', 'pro'), ('K-2', 'Bo', 'x')"))
    sync_customers(store, source, missing="mark")
    with engine.begin() as database:
        database.execute(sqlalchemy.text("DELETE FROM people WHERE number = 'K-2'"))
        database.execute(sqlalchemy.text("ALTER TABLE people RENAME COLUMN plan TO tariff"))
    engine.dispose()
    sync_customers(store, source, missing="mark")
    page = person.get("/imports").text
    assert "<dt>No longer in the source</dt><dd>1</dd>" in page
    assert "<p>Columns that came: tariff</p><p>Columns that are gone: plan</p>" in page


def test_an_import_of_messages_with_its_problems_and_the_way_to_them(
    person: TestClient, store: Store, settings: Settings, tmp_path: Path
) -> None:
    table, more = tmp_path / "<i>chats.csv", tmp_path / "more.jsonl"
    table.write_text("body,when\nThe kettle leaks.,2026-08-01\n,2026-08-02\nThe kettle leaks.,2026-08-01\n", "utf-8")
    more.write_text('{"text": "Where is my parcel?"}\nno JSON\n', encoding="utf-8")
    report = ingest(store, [table], channel="chat", settings=settings, mapping={"text": "body"})
    assert report.quarantined == 1
    page = person.get("/imports").text
    assert "&lt;i&gt;chats.csv" in page and "body" in page
    for title, count in (("Messages", report.items), ("Stored", report.stored), ("There already", report.duplicates)):
        assert f"<dt>{title}</dt><dd>{count}</dd>" in page
    assert "/quarantine?source=%3Ci%3Echats.csv" in page
    (kept,) = store.quarantine.list(source="<i>chats.csv")
    assert kept.reason.replace("_", " ").capitalize() in page
    ingest(store, [table, more], channel="chat", settings=settings, mapping=None)
    page = person.get("/imports").text
    assert "chats.csv (+1)" in page and "/quarantine?source=more.jsonl" in page
    assert "The kettle leaks" not in page and "no JSON" not in page


def test_batches_that_a_program_sends_are_counted_by_key_and_day(person: TestClient, store: Store) -> None:
    key = {"Authorization": f"Bearer {store.keys.create('shop <b>', scopes=['write'])[0]}"}
    batch = {"items": [{"id": n, "text": f"Message {n}"} for n in "abc"]}
    for _ in range(2):
        assert person.post("/v1/messages", json=batch, headers=key).status_code == 200
    assert person.post("/v1/messages", json={"text": "Alone"}, headers=key).status_code == 200
    (kept,) = (one for one in store.imports.list() if one["kind"] == "api")
    assert [kept[name] for name in ("source", "batches", "rows", "stored", "duplicates", "refused")] == [
        "shop <b>", 2, 6, 3, 3, 0,
    ]  # fmt: skip
    page = person.get("/imports").text
    assert "Sent to the API" in page and "shop &lt;b&gt;" in page


def test_messages_are_assigned_to_colleagues_who_may_answer(
    person: TestClient, store: Store, messages: list[Message]
) -> None:
    token, chosen = csrf(person), messages[0].id
    assert "assign:" not in person.get("/desk").text
    add_user(store, "Kim: Day", role="agent")
    add_user(store, "Lee Look", role="viewer")
    for page in ("/desk", f"/desk/{chosen}"):
        assert 'value="assign:Kim: Day"' in person.get(page).text
        assert "assign:Lee Look" not in person.get(page).text
    given = person.post("/desk/act", data={"csrf": token, "action": "assign:Kim: Day", "id": chosen})
    assert given.headers["location"].endswith("done=assign%3A1")
    assert desk.open_message(store, chosen).row.desk.assignee == "Kim: Day"
    assert "gave it to Kim: Day" in person.get(f"/desk/{chosen}").text
    for wrong in ("assign:Lee Look", "assign:", "assign"):
        assert person.post("/desk/act", data={"csrf": token, "action": wrong, "id": chosen}).status_code == 400


@pytest.fixture
def with_models(settings: Settings, store: Store, tmp_path: Path) -> Iterator[tuple[TestClient, list[str]]]:
    """A client of a service with two versions of a small model for intents, and those versions."""
    data = tmp_path / "data.csv"
    data.write_text("text,label\n" + "\n".join(f'"{text}",{label}' for text, label in rows()), encoding="utf-8")
    own = settings.model_copy(update={"home": tmp_path})
    spec = recipe(name="intent", task="intent")
    made = [
        train(spec, settings=own, data=DataFile(data), corrections=fixes).version
        for fixes in ([], [Corrected("The parcel sings at night.", "parcel")])
    ]
    with TestClient(application(own, store), follow_redirects=False) as client:
        assert client.get(sign_in_link(store, BASE, name="Robin Vale")).status_code == 303
        yield client, made


def test_versions_are_compared_activated_and_rolled_back(
    with_models: tuple[TestClient, list[str]], store: Store
) -> None:
    person, (first, second) = with_models
    sent = fill(store)[0]
    corrections.correct(store, sent.id, task="intent", label="parcel", by="Kim")
    token, pair = csrf(person), f"name=intent&before={first}&after={second}"
    page = person.get("/models").text
    assert 'type="range"' in page
    assert f"/models/compare?name=intent&amp;before={first}" in page
    page = person.get(f"/models/compare?{pair}").text
    assert "Corrections among them" in page
    assert "on=corrections" in page
    assert "mended" in person.get(f"/models/compare?{pair}&on=corrections").text
    registry = Registry(with_models_home(person))
    for version in (first, second, first):
        person.post("/models/activate", data={"csrf": token, "name": "intent", "version": version})
        assert registry.active_version("intent") == version
    person.post("/models/rollback", data={"csrf": token, "name": "intent"})
    assert registry.active_version("intent") == second
    assert person.get("/models/compare?name=nothing&before=x&after=y").status_code == 404


def test_a_threshold_is_chosen_on_the_curve_confirmed_and_taken_back(
    with_models: tuple[TestClient, list[str]], store: Store
) -> None:
    person, (first, second) = with_models
    registry, own = Registry(with_models_home(person)), own_settings(person)
    token, page = csrf(person), person.get("/models").text
    assert 'action="/models/threshold"' in page and "the version's own threshold" in unescape(page)
    assert curve_of(registry.entry("intent", first), own) is not None
    active, other = registry.active_version("intent"), first if registry.active_version("intent") == second else second
    asked = person.get(f"/models/threshold?name=intent&version={active}&at=3")
    chosen = curve_of(registry.entry("intent", active), own)
    assert chosen is not None and chosen.version == active
    threshold = chosen.points[3].threshold
    assert asked.status_code == 200 and f'name="threshold" value="{threshold}"' in asked.text
    assert registry.threshold("intent", active) is None, "looking changes nothing"
    form = {"csrf": token, "name": "intent", "version": active}
    assert person.post("/models/threshold", data={**form, "threshold": str(threshold)}).status_code == 303
    assert registry.threshold("intent", active) == threshold
    assert "set by a person" in person.get("/models").text
    model = open_model("intent", settings=own)
    assert (model.threshold, model.version) == (threshold, active)
    assert open_model(f"intent@{other}", settings=own).threshold != threshold
    for wrong in ("1.5", "-0.1", "nan", "much", ""):
        assert person.post("/models/threshold", data={**form, "threshold": wrong}).status_code == 400
    assert person.post("/models/threshold", data={**form, "version": other, "threshold": "0.5"}).status_code == 409
    for at_point in ("x", "99", "²", ""):
        assert person.get(f"/models/threshold?name=intent&version={active}&at={at_point}").status_code == 400
    assert registry.threshold("intent", active) == threshold
    assert person.post("/models/threshold", data={**form, "threshold": "own"}).status_code == 303
    assert registry.threshold("intent", active) is None
    assert open_model("intent", settings=own).threshold == model.own_threshold
    deeds = [d for d in (entry.deed for entry in audit_of(store, own)) if d.action == "POST /models/threshold"]
    assert [d.about for d in deeds] == [("intent", active, str(threshold)), ("intent", active, "own")]


def own_settings(person: TestClient) -> Settings:
    service: Service = person.app.state.service  # type: ignore[attr-defined]
    return service.settings


def with_models_home(person: TestClient) -> Path:
    return own_settings(person).registry_dir


def test_a_version_is_trained_from_the_page(
    settings: Settings, store: Store, messages: list[Message], tmp_path: Path
) -> None:
    assert messages
    corpus, folder = tmp_path / "corpora" / "small", tmp_path / "models" / "small"
    corpus.mkdir(parents=True)
    folder.mkdir(parents=True)
    lines = (json.dumps({"text": text, "intent": label}) for text, label in rows())
    (corpus / "train.jsonl").write_text("\n".join(lines), encoding="utf-8")
    text = 'schema = 1\nname = "small"\ntask = "intent"\ncorpora = ["small"]\nlabel = "intent"\nfolds = 3\n'
    views = '[trees]\ntrees = 20\n\n[[views]]\nkind = "words"\nngrams = [1, 2]\nbits = 12\n'
    (folder / "recipe.toml").write_text(text + views, encoding="utf-8")
    own = settings.model_copy(update={"home": tmp_path})
    with TestClient(application(own, store), follow_redirects=False) as person:
        person.get(sign_in_link(store, BASE, name="Robin Vale"))
        token = csrf(person)
        assert person.post("/models/train", data={"csrf": token, "name": "nothing"}).status_code == 404
        assert person.post("/models/train", data={"csrf": token, "name": "small"}).status_code == 303
        assert person.post("/models/train", data={"csrf": token, "name": "small"}).status_code == 409
        assert "Running" in person.get("/models").text
        deadline = time.monotonic() + 240
        while (now := trainings_of(store).list()[0]).state == "running" and time.monotonic() < deadline:
            time.sleep(0.2)
        assert (now.state, now.said, now.by) == ("done", "activated", "Robin Vale")
        assert Registry(own.registry_dir).active_version("small") == now.version
        page = person.get("/models").text
        assert f"<code>{now.version}</code>" in page and 'type="range"' in page
        ended = f"/models/train/{now.id}/cancel"
        assert person.post(ended, data={"csrf": token}).status_code == 409
        assert person.post("/models/train", data={"csrf": token, "name": "small"}).status_code == 303
        begun = trainings_of(store).list()[0]
        assert person.post(f"/models/train/{begun.id}/cancel", data={"csrf": token}).status_code == 303
        assert trainings_of(store).get(begun.id).state == "cancelled"
        assert person.post("/models/train/nothing/cancel", data={"csrf": token}).status_code == 404
