"""What a mail is that is no request: an automatic reply, a bounce, a newsletter. By headers first, then by words."""

from __future__ import annotations

import re

from textcrm.clean.kind_words import kind_by_words, says_automatic, tells_absence
from textcrm.records import Kind, Message

_ROBOTS = re.compile(r"^(?:mailer-daemon|postmaster|mail-daemon|mdaemon)\b", re.IGNORECASE)


def kind_of(message: Message, own: str) -> tuple[Kind, str]:
    """Return what a message is and the rule that says so.

    Parameters
    ----------
    message
        The message; its headers decide where they speak (RFC 3834 Auto-Submitted, RFC 3464 delivery reports, RFC 2919
        List-Id, RFC 2369 List-Unsubscribe).
    own
        The author's own new text.
    """
    if message.channel != "email":
        return ("request", "") if message.text.strip() else ("empty", "no_text")
    found = _by_headers(message) or kind_by_words(message, own)
    if found is not None:
        return found
    if not message.text.strip():
        return "empty", "no_text"
    return "request", ""


def _by_headers(message: Message) -> tuple[Kind, str] | None:
    content_type = (message.header("content-type") or "").lower()
    subject = (message.subject or "").strip()
    types = {attachment.content_type for attachment in message.attachments}
    local = (message.author.email or "").partition("@")[0]
    report = message.header("report-type") or ""
    found: tuple[Kind, str] | None = None
    if "delivery-status" in report or "message/delivery-status" in types:
        found = ("bounce", "rfc3464")
    elif message.header("x-failed-recipients") is not None:
        found = ("bounce", "x_failed_recipients")
    elif _ROBOTS.match(local):
        found = ("bounce", "mailer_daemon")
    elif "disposition-notification" in report:
        found = ("auto_reply", "read_receipt")
    elif content_type.startswith("text/calendar") or "text/calendar" in types:
        found = ("calendar", "calendar_part")
    elif (reply := _automatic(message)) is not None:
        found = (
            "out_of_office" if tells_absence(subject, message.text) else "auto_reply",
            reply,
        )
    elif _is_spam(message):
        found = ("spam", "spam_header")
    else:
        found = _list(message)
    return found


def _automatic(message: Message) -> str | None:
    submitted = (message.header("auto-submitted") or "no").strip().lower()
    if submitted.startswith("auto-replied"):
        return "rfc3834"
    if submitted.startswith("auto-") and message.header("list-id") is None and not message.references:
        return "rfc3834"
    for name in ("x-autoreply", "x-autorespond", "x-autoresponse", "x-auto-reply-from"):
        if (message.header(name) or "no").strip().lower() not in {"no", "false", "0"}:
            return name.replace("-", "_")
    if (message.header("precedence") or "").strip().lower() == "auto_reply":
        return "precedence"
    if message.header("x-ms-exchange-generated-message-source") is not None and says_automatic(message.subject or ""):
        return "exchange"
    return None


def _is_spam(message: Message) -> bool:
    flag = (message.header("x-spam-flag") or "").strip().lower()
    status = (message.header("x-spam-status") or "").strip().lower()
    return flag.startswith("yes") or status.startswith("yes")


def _list(message: Message) -> tuple[Kind, str] | None:
    precedence = (message.header("precedence") or "").strip().lower()
    has_list = any(
        message.header(name) is not None
        for name in ("list-id", "list-post", "mailing-list", "x-mailing-list", "x-beenthere")
    )
    unsubscribe = message.header("list-unsubscribe") is not None
    campaign = any(
        message.header(name) is not None for name in ("feedback-id", "x-campaign", "x-campaignid", "x-csa-complaints")
    )
    if campaign or (
        unsubscribe
        and message.header("list-post") is None
        and not message.in_reply_to
        and (precedence == "bulk" or not has_list)
    ):
        return "newsletter", "list_unsubscribe" if unsubscribe else "campaign_header"
    if has_list or precedence == "list":
        return "mailing_list", "rfc2919" if message.header("list-id") is not None else "list_header"
    if precedence in {"bulk", "junk"}:
        return "newsletter", "precedence"
    return None
