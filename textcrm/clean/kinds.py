"""What a mail is that is no request: an automatic reply, a bounce, a newsletter. By headers first, then by words."""

from __future__ import annotations

import re

from textcrm.records import Kind, Message

# Subjects that mail programs write in front of, or as, the subject of an absence note.
_AWAY = re.compile(
    r"\A(?:re: |aw: )?(?:out of (?:the )?office|ooo\b|automatic reply: out|away from (?:the )?office"
    r"|on (?:vacation|holiday|leave)\b|abwesenheits(?:notiz|nachricht|meldung)"
    r"|abwesend\b|nicht im b(?:ü|ue)ro|(?:réponse automatique.{0,10})?absen(?:ce|t)\b.{0,20}"
    r"|fuera de (?:la )?oficina|ausencia|ausente|fora do escritório|ausência"
    r"|fuori (?:sede|ufficio)|assenza|afwezig(?:heid)?|niet aanwezig|poza biurem|nieobecno|вне офиса"
    r"|отсутств|不在办公室|外出|休假|不在(?:通知|のお知らせ|です))",
    re.IGNORECASE,
)
_AUTO = re.compile(
    r"\A(?:re: )?(?:auto(?:matic|mated)?[ -]?(?:reply|response|responder|answer)|automatische antwort"
    r"|automatische r(?:ü|ue)ckantwort|autoantwort|réponse automatique|respuesta automática"
    r"|resposta automática|risposta automatica|automatisch antwoord|odpowiedź automatyczna"
    r"|automatyczna odpowiedź|автоматический ответ|автоответ|自动(?:回复|答复)|自動(?:回覆|返信|応答))",
    re.IGNORECASE,
)
_BOUNCE = re.compile(
    r"\A(?:undeliver(?:able|ed)|mail delivery (?:failed|failure|system|subsystem)"
    r"|delivery (?:status notification|failure|has failed|report)|returned mail|failure notice|failed mail"
    r"|mail system error|message (?:not|could not be) delivered|non remis|nicht zustellbar|unzustellbar"
    r"|mailzustellung|no se puede entregar|não é possível entregar|impossibile recapitare"
    r"|onbestelbaar|niedostarczon|недоставлен|не доставлено|无法投递|退信|系统退信|配信不能|配信できません)",
    re.IGNORECASE,
)
_CALENDAR = re.compile(
    r"\A(?:accepted|declined|tentative(?:ly accepted)?|canceled|cancelled|invitation|updated invitation"
    r"|zugesagt|abgelehnt|mit vorbehalt|abgesagt|einladung|accepté|refusé|annulé|aceptad[oa]|rechazad[oa]"
    r"|accettat[oa]|geaccepteerd|zaakceptowan[oae]|принято|отклонено)\s?:",
    re.IGNORECASE,
)
_ROBOTS = re.compile(r"^(?:mailer-daemon|postmaster|mail-daemon|mdaemon)\b", re.IGNORECASE)
_NO_REPLY = re.compile(
    r"^(?:no[-_.]?reply|do[-_.]?not[-_.]?reply|newsletter|news|marketing|notifications?|mailing"
    r"|promo(?:tions)?)\b",
    re.IGNORECASE,
)
_AWAY_TEXT = re.compile(
    r"(?:i am|i'm|i will be|we are)(?: currently| presently)? (?:out of (?:the )?office|on (?:annual "
    r"|maternity |parental |sick )?(?:leave|vacation|holiday)|away from (?:the office|my desk))"
    r"|(?:ich bin|bin ich) .{0,60}(?:nicht im (?:büro|haus)|abwesend|im urlaub|außer haus"
    r"|nicht erreichbar)|je suis .{0,40}(?:absente?|en congés?)|estoy .{0,30}(?:fuera de la oficina"
    r"|de vacaciones)"
    r"|estou .{0,30}(?:fora do escritório|de férias|ausente)|sono .{0,30}(?:fuori ufficio|in ferie"
    r"|assente)|ik ben .{0,40}(?:afwezig|niet aanwezig|met vakantie)|jestem .{0,30}(?:poza biurem"
    r"|na urlopie)"
    r"|(?:я )?(?:нахожусь|буду) .{0,30}(?:в отпуске|отсутств)",
    re.IGNORECASE,
)
_AUTO_TEXT = re.compile(
    r"this is an auto(?:mated|matic|matically)|(?:please )?do not reply to this (?:e-?mail|message)"
    r"|dies ist eine automatisch|ceci est un (?:message|courriel) automatique"
    r"|este es un mensaje automático"
    r"|esta é uma mensagem automática|messaggio automatico|dit is een automatisch"
    r"|wiadomość (?:została )?wygenerowan|это автоматическ|本邮件(?:为|由)系统自动|自動(?:送信|返信)",
    re.IGNORECASE,
)
_UNSUBSCRIBE = re.compile(
    r"\bunsubscribe\b|abmelden|abbestellen|désabonner|désinscrire|darse de baja|cancelar inscrição"
    r"|disiscri|uitschrijven|wypisz|отписаться|退订|配信停止",
    re.IGNORECASE,
)
_TEXT = 2_000


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
    found = _by_headers(message) or _by_words(message, own)
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
            "out_of_office" if _AWAY.match(subject) or _AWAY_TEXT.search(message.text[:_TEXT]) else "auto_reply",
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
    if message.header("x-ms-exchange-generated-message-source") is not None and _AUTO.match(message.subject or ""):
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


def _by_words(message: Message, own: str) -> tuple[Kind, str] | None:
    subject = (message.subject or "").strip()
    text = own[:_TEXT]
    local = (message.author.email or "").partition("@")[0]
    found: tuple[Kind, str] | None = None
    if _BOUNCE.match(subject):
        found = ("bounce", "subject")
    elif _AWAY.match(subject):
        found = ("out_of_office", "subject")
    elif _AUTO.match(subject):
        found = ("out_of_office" if _AWAY_TEXT.search(text) else "auto_reply", "subject")
    elif _CALENDAR.match(subject) and len(text) < 200:
        found = ("calendar", "subject")
    elif _AWAY_TEXT.search(text[:300]) and len(text) < 800:
        found = ("out_of_office", "text")
    elif _AUTO_TEXT.search(text[:600]) and _NO_REPLY.match(local):
        found = ("auto_reply", "text")
    elif _NO_REPLY.match(local) and _UNSUBSCRIBE.search(message.text[-5_000:]):
        found = ("newsletter", "text")
    return found
