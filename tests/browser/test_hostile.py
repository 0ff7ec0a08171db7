"""Two hundred hostile messages: no script runs, no request leaves, the layout holds."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import ViewportSize

from tests.browser.conftest import Open, Site
from tests.desk_data import keep, known
from tests.factories import NOON, message
from textcrm.records import Author, Customer, EntitySpan, Message

pytestmark = pytest.mark.browser

SCRIPTS = (
    "<script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    "<svg onload=window.hit=1>",
    "<svg><script>window.hit=1</script></svg>",
    "<svg><animate onbegin=window.hit=1 attributeName=x dur=1s>",
    "<iframe srcdoc='<script>parent.hit=1</script>'></iframe>",
    "<a href='javascript:window.hit=1' autofocus onfocus=window.hit=1>x</a>",
    "<details open ontoggle=window.hit=1>x</details>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=window.hit=1&gt;'>",
    "<noscript><p title='</noscript><img src=x onerror=window.hit=1>'></noscript>",
    "'\"><script>window.hit=1</script>",
    "</textarea></title></style></script><script>window.hit=1</script>",
    "{{constructor.constructor('window.hit=1')()}}",
    "<body onload=window.hit=1 onpageshow=window.hit=1>",
    "<form><button formaction='javascript:window.hit=1' autofocus>x</button></form>",
)
SHAPES = (
    "W" * 5_000,
    "\u202edesrever\u202c \u2066x\u2067 \u200f\u200e" * 40,
    "a\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308" * 60,
    "\N{GRINNING FACE}\u200d" * 300,
    "\u0644\u0645 \u064a\u0635\u0644 " * 200,
    "\n" * 300 + "end",
    "\t" * 500 + "end",
    "\ufdfd" * 200,
)


def leaks(evil: str) -> tuple[str, ...]:
    """Return what would make a browser ask the place *evil* for something."""
    return (
        f"<img src={evil}/pixel.gif>",
        f"<img srcset='{evil}/a 1x'>",
        f"<link rel=stylesheet href={evil}/a.css>",
        f"<link rel=preconnect href={evil}><link rel=dns-prefetch href={evil}><link rel=prefetch href={evil}/x>",
        f"<style>@import url({evil}/a.css); body{{background:url({evil}/b.png)}}</style>",
        f"<style>@font-face{{font-family:x;src:url({evil}/f.woff)}}p{{font-family:x}}</style><p>x</p>",
        f"<div style='background:url({evil}/c.png)'>x</div>",
        f"<table background={evil}/d.png><tr><td>x</table>",
        f"<meta http-equiv=refresh content='0;url={evil}'>",
        f"<base href={evil}><img src=rel.png>",
        f"<video src={evil}/v.mp4 autoplay poster={evil}/p.png></video><audio src={evil}/a.mp3 autoplay></audio>",
        f"<object data={evil}/o></object><embed src={evil}/e>",
        f"<iframe src={evil}></iframe>",
        f"<svg><image href={evil}/i.png /><use href={evil}/u.svg#a /></svg>",
        f"<input type=image src={evil}/s.png>",
        f"<bgsound src={evil}/b.wav>",
        f"<picture><source srcset={evil}/p.webp><img></picture>",
        f"<style>*{{position:fixed;inset:0;z-index:9999}} html{{background:url({evil}/h)}}</style>",
        f"<form action={evil}><input name=a autofocus></form>",
        f"<a href={evil} ping={evil}/ping>click</a>",
    )


@pytest.fixture
def evil() -> Iterator[tuple[str, list[str]]]:
    """A place that must hear nothing, not even an empty connection: its address, and what it heard."""
    heard: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        done = threading.Event()

        def listen() -> None:
            while not done.is_set():
                with suppress(TimeoutError), listening.accept()[0] as connection:
                    heard.append(repr(connection.recv(200)))

        thread = threading.Thread(target=listen)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", heard
        done.set()
        thread.join()


def hostile(evil: str) -> Iterator[Message]:
    """Yield 200 messages: each attack as plain text, as HTML, in every field."""
    attacks = (*SCRIPTS, *leaks(evil), *SHAPES)
    for number in range(200):
        attack = attacks[number % len(attacks)]
        html = number % 3 == 1
        yield message(
            f"<html><body>{number} {attack}</body></html>" if html else f"{number} {attack}",
            channel="email",
            content_type="text/html" if html else "text/plain",
            html=f"<html><head>{attack}</head><body>{attack}</body></html>" if number % 3 == 0 else None,
            subject=f"{attack[:600]} {number}",
            product=attack[:300],
            author=Author(name=attack[:300], email=f"x{number}@example.com"),
            sent_at=NOON,
        )


def test_no_script_runs_no_request_leaves_and_the_layout_holds(
    site: Site, visit: Open, size: ViewportSize, evil: tuple[str, list[str]]
) -> None:
    place, heard = evil
    sent = list(hostile(place))
    attack = SCRIPTS[0]
    customers = [
        Customer(id=f"H-{i}", name=a[:200], company=a[:200], segment=a[:60], fields=((a[:40], a[:200]),))
        for i, a in enumerate((*SCRIPTS, *SHAPES))
    ]
    site.store.customers.upsert(customers)
    pairs = []
    for number, one in enumerate(sent):
        entity = EntitySpan(start=0, end=3, label=attack, text=one.text[:3], source="x", score=1.0, value=attack)
        made = known(one, urgency="critical", customer=f"H-{number % len(customers)}", entities=[entity])
        pairs.append((one, made))
    keep(site.store, pairs)
    raw = attack.encode()
    (name,) = site.store.raws.add([raw])
    item = {"reason": attack, "detail": attack, "channel": "email", "raw_sha256": name, "size": len(raw)}
    (quarantined,) = site.store.quarantine.add([{**item, "source": sent[0].source.model_copy(update={"name": attack})}])

    watched = visit("/desk", size=size)
    page = watched.page
    shown = [f"/desk/{one.id}" for one in sent[:: 9 if size["width"] > 900 else 17]]
    places = ["/desk", "/desk?order=newest&search=window", "/trends?split=product", "/customers", "/quarantine"]
    for path in [*places, f"/quarantine/{quarantined}", "/customers/H-0", "/customers/H-15", *shown]:
        page.goto(site.url + path)
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, path
        assert page.evaluate("window.hit") is None
        if path in shown:
            with page.expect_event("framenavigated", lambda f: f.url.endswith("/original")):
                page.locator("[data-original] summary").click()
            frame = page.frame_locator("iframe.original")
            frame.locator("body").wait_for(state="attached")
            link = frame.locator("a")
            if link.count():
                link.first.evaluate("link => link.click()")
            assert page.evaluate("window.hit") is None
            assert [f.url.split("?")[0].rsplit("/", 1)[-1] for f in page.frames[1:]] == ["original"]
    assert heard == []
    # the sandbox reports the scripts that the browser's own tools bring for these questions
    refused = ("Content Security Policy", "Blocked script execution")
    assert [e for e in watched.errors if not any(words in e for words in refused)] == []


def test_the_original_alone_loads_nothing(site: Site, visit: Open, evil: tuple[str, list[str]]) -> None:
    place, heard = evil
    sent = [
        message(f"<p>{a}</p>", channel="email", content_type="text/html", sent_at=NOON)
        for a in (*SCRIPTS, *leaks(place))
    ]
    keep(site.store, [(one, known(one)) for one in sent])
    watched = visit("/desk")
    for one in sent:
        watched.page.goto(f"{site.url}/desk/{one.id}/original")
        assert watched.page.url.startswith(site.url)
    assert heard == []
