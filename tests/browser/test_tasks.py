"""The main tasks of support and product people, from the first click to what stands in the database."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.browser.conftest import Open, Site
from tests.desk_data import doubtful, fill, keep, known
from tests.factories import NOON, message
from textcrm.operations.intake.ingest import ingest
from textcrm.operations.links import decisions
from textcrm.settings import Settings

pytestmark = pytest.mark.browser


def test_triage_ten_messages_by_keyboard(site: Site, visit: Open) -> None:
    messages = fill(site.store)
    watched = visit("/desk")
    page = watched.page
    expect(page.locator("[data-row]").first).to_contain_text("Critical")
    for _ in range(10):
        page.keyboard.press("j")
        page.keyboard.press("x")
    expect(page.locator("[data-chosen]")).to_have_text("10")
    page.keyboard.press("c")
    expect(page.get_by_role("status")).to_contain_text("10 messages closed")
    expect(page.locator("[data-count]")).to_have_text(str(len(messages) - 10))
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect(page.get_by_role("status")).to_contain_text("1 message is yours")
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Mine").click()
    expect(page.locator("[data-row]")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/desk/[0-9a-f]{32}"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    expect(page).to_have_url(re.compile(r"/desk\?mine=yes"))
    assert watched.errors == []
    assert watched.elsewhere == []


def test_correct_a_label_and_take_it_back(site: Site, visit: Open, size: ViewportSize) -> None:
    messages = fill(site.store)
    watched = visit(f"/desk/{messages[0].id}", size=size)
    page = watched.page
    page.locator(".task-urgency button", has_text="High").click()
    expect(page.get_by_role("status")).to_contain_text("Corrected")
    expect(page.locator(".task-urgency .label-now")).to_contain_text("High")
    (kept,) = site.store.corrections.list(message_id=messages[0].id)
    assert (kept.task, kept.label, kept.by) == ("urgency", "high", "Robin Vale")
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    expect(page.locator(".task-urgency .label-now")).to_contain_text("Normal")
    assert site.store.corrections.list(message_id=messages[0].id) == []
    assert watched.errors == []


def test_filter_and_search(site: Site, visit: Open, size: ViewportSize) -> None:
    fill(site.store)
    page = visit("/desk", size=size).page
    if size["width"] < 900:
        page.get_by_text("Filters").click()
    page.get_by_label("Sentiment").select_option("negative")
    expect(page).to_have_url(re.compile(r"/desk\?sentiment=negative$"))
    expect(page.locator("[data-count]")).to_have_text("28")
    page.get_by_role("searchbox").fill("cracked 3-0")
    page.get_by_role("searchbox").press("Enter")
    expect(page).to_have_url(re.compile("search=cracked"))
    expect(page.locator(".chip").first).to_contain_text("cracked")
    page.get_by_role("link", name="Clear all").click()
    expect(page).to_have_url(re.compile(r"/desk$"))


def test_find_why_the_mood_fell_and_read_the_messages_behind_a_point(site: Site, visit: Open) -> None:
    fill(site.store)
    watched = visit("/trends?split=intent")
    page = watched.page
    expect(page.locator("#chart-net.drawn")).to_be_visible()
    first = page.locator("table").first.locator("tbody tr").first
    expect(first).to_contain_text("Complaint")
    expect(first.locator(".arrow").first).to_be_visible()
    bar = page.locator("#chart-volume .bars .point path").last
    bar.click(force=True)
    expect(page).to_have_url(re.compile(r"/desk\?.*since=2026-"))
    expect(page.locator("[data-row]").first).to_be_visible()
    assert watched.errors == []
    assert watched.elsewhere == []


def test_replay_a_mail_from_the_quarantine(
    site: Site, visit: Open, settings: Settings, tmp_path: Path, size: ViewportSize
) -> None:
    path = tmp_path / "large.eml"
    path.write_bytes(b"From: ann@example.com\r\nSubject: Large\r\n\r\n" + b"The kettle works. " * 400)
    small = settings.model_copy(update={"max_message_bytes": 1_000})
    report = ingest(site.store, [path], channel="email", settings=small)
    assert report.quarantined == 1
    page = visit("/quarantine", size=size).page
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("status")).to_contain_text("stored")
    expect(page.get_by_text("Nothing here")).to_be_visible()
    assert site.store.messages.count() == 1


def test_a_message_that_arrives_shows_itself(site: Site, visit: Open) -> None:
    fill(site.store)
    page = visit("/desk").page
    page.wait_for_timeout(800)  # the stream of arrivals opens
    fresh = message("A new one: the kettle sparks!", sent_at=NOON + timedelta(hours=1))
    keep(site.store, [(fresh, known(fresh, urgency="critical"))])
    arrived = page.locator("[data-arrived]")
    expect(arrived).to_be_visible(timeout=5_000)
    arrived.click()
    expect(page.locator("[data-row]").first).to_contain_text("sparks")


def test_without_messages_the_pages_say_so(site: Site, visit: Open, size: ViewportSize) -> None:
    assert site.store.messages.count() == 0
    for path, words in (
        ("/desk", "All clear"),
        ("/trends", "Nothing to count yet"),
        ("/customers", "No customers yet"),
        ("/quarantine", "Nothing here"),
    ):
        watched = visit(path, size=size)
        expect(watched.page.get_by_role("heading", name=words)).to_be_visible()
        assert watched.errors == []


def test_the_pages_work_without_scripts(site: Site, visit: Open) -> None:
    messages = fill(site.store)
    signed_in = visit("/desk").page
    state = signed_in.context.storage_state()
    browser = signed_in.context.browser
    assert browser is not None
    context = browser.new_context(java_script_enabled=False, storage_state=state)
    page = context.new_page()
    page.goto(f"{site.url}/desk/{messages[0].id}")
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("status")).to_contain_text("1 message closed")
    page.goto(f"{site.url}/trends")
    page.get_by_text("All figures").click()
    expect(page.get_by_role("row").nth(3)).to_be_visible()
    context.close()


def test_confirm_a_link_and_take_it_back(site: Site, visit: Open, size: ViewportSize) -> None:
    sent = doubtful(site.store)
    watched = visit("/links", size=size)
    page = watched.page
    expect(page.get_by_role("row", name="Email").first).to_contain_text("+10.0")
    page.get_by_role("button", name="Confirm Ann Example").click()
    expect(page.get_by_role("status")).to_contain_text("Confirmed")
    expect(page.get_by_role("heading", name="Nothing to decide")).to_be_visible()
    (made,) = decisions.decisions(site.store)
    assert (made.kind, made.customer, set(made.messages)) == ("confirm", "C-1", {m.id for m in sent})
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Confirm Ann Example")).to_be_visible()
    assert decisions.decisions(site.store) == []
    assert watched.errors == []
    assert watched.elsewhere == []
