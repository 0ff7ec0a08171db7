"""The original mail, made harmless: for a frame without scripts, forms, links or anything from elsewhere.

The frame's own policy and sandbox forbid all of that already; what could ask a browser to open a connection is taken
out besides, because a policy does not cover every hint (``preconnect``).
"""

from __future__ import annotations

from html import escape

from selectolax.lexbor import LexborHTMLParser

from textcrm.records import Message

FORBIDDEN = (
    "script, noscript, link, meta, base, iframe, frame, frameset, object, embed, applet, portal, form, input, button, "
    "select, textarea, audio, video, source, track, picture > source, template, svg, math, dialog, title"
)
# what names another place or runs something; ``style`` stays: the frame's policy lets it load nothing
KEPT_ATTRIBUTES = frozenset(
    "align alt bgcolor border cellpadding cellspacing class color cols colspan dir face height hspace id lang nowrap "
    "rows rowspan size span start style title type valign vspace width".split()
)
FRAME_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
FRAME_HEADERS = {
    "Content-Security-Policy": FRAME_POLICY,
    "X-Frame-Options": "SAMEORIGIN",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-DNS-Prefetch-Control": "off",
}
MOST_HTML = 2_000_000
MOST_DEPTH = 400


def original_page(message: Message) -> str:
    """Return the page that the frame shows: the HTML of the message made harmless, or its plain text."""
    source = message.text if message.content_type == "text/html" else message.html
    if source is None or len(source) > MOST_HTML:
        text = message.text[:MOST_HTML]
        return _page(f"<pre>{escape(text)}</pre>")
    return _page(harmless(source))


def harmless(source: str) -> str:
    """Return the body of *source* without anything that runs, leads or loads."""
    tree = LexborHTMLParser(source)
    styles = [node.text() or "" for node in tree.css("style")]
    for node in tree.css(FORBIDDEN + ", style"):
        node.decompose()
    if tree.body is None:
        return ""
    for node in tree.body.traverse(include_text=False):
        for name, value in list(node.attributes.items()):
            if name.lower() in KEPT_ATTRIBUTES:
                continue
            if name.lower() == "src" and node.tag == "img" and (value or "").startswith("data:image/"):
                continue
            del node.attrs[name]
            if name.lower() == "href" and node.tag == "a" and value:
                node.attrs["title"] = value[:500]
    css = "\n".join(styles).replace("<", " ")
    return (f"<style>{css}</style>" if css.strip() else "") + (tree.body.html or "")


def _page(body: str) -> str:
    return (
        '<!doctype html><html><head><meta charset="utf-8"><style>body{font:14px/1.5 system-ui,sans-serif;margin:12px;'
        "color:#111;background:#fff;overflow-wrap:anywhere}"
        "pre{white-space:pre-wrap;font:13px/1.5 ui-monospace,monospace}"
        "img{max-width:100%;height:auto}a{color:#1a5fb4;text-decoration:underline}</style></head>"
        f"<body>{body}</body></html>"
    )
