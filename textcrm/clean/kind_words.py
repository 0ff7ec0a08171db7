"""What a mail is that is no request, by the words of its subject and text: where its headers do not say.

Words that customers write too ("my delivery failed", "I am on holiday") decide nothing alone: they need a second sign.
"""

from __future__ import annotations

import re

from textcrm.records import Kind, Message

_REPLY = re.compile(
    r"\A(?:(?:re|aw|antw|antwort|sv|odp|rv|res|r|回复|回覆|答复|fw|fwd|wg|tr|doorst)\s?(?:\[\d{1,2}\])?\s?[:：]\s?)+",
    re.I,
)
_AWAY = re.compile(
    r"\A\W{0,3}(?:(?:auto(?:matic|mated)?[ -]?(?:reply|response)|automatische antwort|réponse automatique"
    r"|respuesta automática|resposta automática|risposta automatica|automatisch antwoord|automatyczna odpowiedź"
    r"|автоматический ответ|автоответ|自动(?:回复|答复)|自動(?:回覆|返信|応答))\W{1,4})?"
    r"(?:out of (?:the )?office|ooo\b|away from (?:the )?office|on (?:vacation|holiday|leave)\b"
    r"|vacation (?:reply|notice)"
    r"|abwesenheits(?:notiz|nachricht|meldung|assistent)|abwesend\b|nicht im b(?:ü|ue)ro"
    r"|absen(?:ce|te?)\b|fuera de (?:la )?oficina|ausencia|ausente|fora do escritório|ausência"
    r"|fuori (?:sede|ufficio)|assenza|assente|afwezig(?:heid)?|niet aanwezig|poza biurem|nieobecno|вне офиса|в отпуске"
    r"|отсутств|不在办公室|外出|休假|不在(?:通知|のお知らせ|です|$))",
    re.IGNORECASE,
)
_AUTO = re.compile(
    r"\A\W{0,3}(?:auto(?:matic|mated)?[ -]?(?:reply|response|responder|answer)|auto ?[:\]]|automatische antwort"
    r"|automatische r(?:ü|ue)ckantwort|autoantwort|réponse automatique|respuesta automática"
    r"|resposta automática|risposta automatica|automatisch antwoord|odpowiedź automatyczna"
    r"|automatyczna odpowiedź|autoodpowiedź|автоматический ответ|автоответ|自动(?:回复|答复)|自動(?:回覆|返信|応答))",
    re.IGNORECASE,
)
# Absence in so many words ...
_AWAY_TEXT = re.compile(
    r"(?:i am|i['’]m|i will be|i['’]ll be|we are)(?: currently| presently| now)? (?:out of (?:the )?office|ooo\b"
    r"|away from (?:the office|my desk)|not in the office)|(?:ich (?:bin|befinde mich|werde)|bin ich|befinde ich mich)"
    r" [^\n]{0,60}(?:nicht im (?:büro|haus)|abwesend|außer haus|außerhalb des büros|nicht erreichbar)"
    r"|je (?:suis|serai) [^\n]{0,40}(?:absente?|hors du bureau)"
    r"|(?:estoy|estaré|me encuentro|me encontraré) [^\n]{0,30}(?:fuera de la oficina|ausente)"
    r"|(?:estou|estarei|encontro-me) [^\n]{0,30}(?:fora do escritório|ausente)"
    r"|(?:sono|sarò|mi trovo) [^\n]{0,30}(?:fuori (?:ufficio|sede)|assente)"
    r"|(?:ik ben|ben ik|ik zal) [^\n]{0,40}(?:afwezig|niet aanwezig|niet op kantoor|buiten kantoor)"
    r"|(?:jestem|będę) [^\n]{0,30}(?:poza biurem|nieobecn)|меня (?:нет|не будет) [^\n]{0,20}(?:в офисе|на работе)"
    r"|(?:нахожусь|буду) [^\n]{0,20}(?:вне офиса|отсутств)|(?:我|本人)[^。\n]{0,12}不在(?:办公室|辦公室)"
    r"|不在(?:に|と|です|となり|の(?:ため|間))",
    re.IGNORECASE,
)
# ... and leave, which customers mention too: it takes a day of return, a deputy or a robot's thanks beside it.
_LEAVE_TEXT = re.compile(
    r"(?:i am|i['’]m|i will be|i['’]ll be)(?: currently| presently| now)? (?:away|on (?:annual |maternity |paternity "
    r"|parental |sick )?(?:leave|vacation|holiday))|(?:ich (?:bin|befinde mich)|bin ich) [^\n]{0,60}(?:im urlaub"
    r"|in elternzeit|auf (?:dienst)?reise)|je (?:suis|serai) [^\n]{0,40}(?:en congés?|en vacances|en déplacement)"
    r"|(?:estoy|estaré|me encuentro) [^\n]{0,30}de (?:vacaciones|baja|permiso)"
    r"|(?:estou|estarei|encontro-me) [^\n]{0,30}(?:de|em) férias|(?:sono|sarò) [^\n]{0,30}in (?:ferie|vacanza)"
    r"|(?:ik ben|ben ik) [^\n]{0,40}(?:(?:met|op) vakantie|met verlof)|(?:jestem|będę"
    r"|przebywam) [^\n]{0,30}na urlopie"
    r"|(?:нахожусь|буду) [^\n]{0,20}(?:в отпуске|в командировке)|(?:我|本人)[^。\n]{0,12}(?:休假|外出|出差|度假)"
    r"|休暇(?:中|を|に)[^。\n]{0,20}(?:おります|いたします|です)",
    re.IGNORECASE,
)
_BACK = re.compile(
    r"\buntil\b|\bback (?:on|in|at)\b|\breturn(?:ing)?\b|\bfrom\b[^.\n]{2,30}\bto\b|limited access|urgent"
    r"|\bbis\b|wieder (?:im|in|da|erreichbar|für)|\bab\b[^.\n]{2,30}\bwieder\b|dringend|vertret|weitergeleitet"
    r"|jusqu|de retour|hasta|regres|vuelv|até|retorn|\bfino\b|rientr|ritorn|\btot\b|terug|\bdo \d|powr[oó]|wróc"
    r"|\bдо\b|верн|返回|回来|回來|紧急|まで|戻|緊急"
    r"|thank you for your (?:e-?mail|message)|(?:dank|danke) für ihre (?:nachricht|e-?mail|mail)"
    r"|merci (?:de|pour) votre (?:message|e-?mail|mail)|gracias por (?:su|tu) (?:mensaje|correo)",
    re.IGNORECASE,
)
# "please" before a verb that robots do not ask for, or a question: somebody wants something.
_WANTS = re.compile(
    r"[?？]|please (?!contact|call|note|direct|expect|refer|e-?mail|reach|forward|do not|don['’]t|write|resend|send any"
    r"|address|get in touch|feel free|bear|allow|be aware|accept)[a-z]|\b(?:i want|i would like|i need|möchte|refund"
    r"|cancel my|stornieren)\b",
    re.IGNORECASE,
)
_AUTO_TEXT = re.compile(
    r"this is an auto(?:mated|matic|matically)|(?:please )?do not reply to this (?:e-?mail|message)"
    r"|dies ist eine automatisch|ceci est un (?:message|courriel) automatique|este es un mensaje automático"
    r"|esta é uma mensagem automática|messaggio automatico|dit is een automatisch"
    r"|wiadomość (?:została )?wygenerowan|это автоматическ|本邮件(?:为|由)系统自动|自動(?:送信|返信)",
    re.IGNORECASE,
)
_BOUNCE = re.compile(
    r"\A(?:undelivered mail returned|undeliverable ?:|mail delivery (?:failed|failure|system|subsystem)"
    r"|delivery status notification|returned mail|failure notice\W{0,3}$|failed mail"
    r"|mail system error|message (?:not|could not be) delivered|non remis|nicht zustellbar ?:|unzustellbar"
    r"|mailzustellung|no se puede entregar|não (?:é|foi) possível entregar|impossibile recapitare|non recapitabile"
    r"|onbestelbaar|niedostarczon|nie można dostarczyć|недоставлен|не доставлено|не уда[её]тся доставить"
    r"|无法(?:投递|送达|傳遞)|未(?:传递|送达)|退信|系统退信|配信(?:不能|不可能|できません))",
    re.IGNORECASE,
)
_MAYBE_BOUNCE = re.compile(
    r"undeliver|deliver|returned|rejected|blocked|delayed|address not found|failure|remise|zustell|entreg|recapit"
    r"|bezorg|dostarcz|доставк",
    re.IGNORECASE,
)
_POSTMASTER = re.compile(
    r"\b[45]\d\d[ -][45]\.\d\.\d|permanent error|this is the [a-z-]{0,20} ?(?:program|mail (?:system"
    r"|delivery))|\bsmtp\b"
    r"|(?:user|recipient|host|mailbox)s? (?:unknown|not found|unavailable|full)"
    r"|e-?mail[^.\n]{0,40} (?:could not|couldn['’]t)"
    r"|(?:following|these|one or more) (?:recipients?|address)|message[^.\n]{0,60} (?:could(?:n['’]t| not) be"
    r"|wasn['’]t) delivered|able to deliver your message|delivery has failed to|nachricht[^.\n]{0,60} nicht zugestellt"
    r"|n['’]a pas pu être (?:remis|distribué)|no (?:se ha podido|se pudo|pudo) (?:ser )?entreg|não pôde ser entregue",
    re.IGNORECASE,
)
_CALENDAR = re.compile(
    r"\A(?:accepted|declined|tentative(?:ly accepted)?|cancell?ed(?: event)?|invitation|updated invitation"
    r"|zugesagt|zusage|abgelehnt|absage|mit vorbehalt|abgesagt|einladung|accepté|refusé|annulé|aceptad[oa]|rechazad[oa]"
    r"|invitación|convite|aceit[oa]|cancelad[oa]|invito|accettat[oa]|rifiutat[oa]|uitnodiging|geaccepteerd|geweigerd"
    r"|zaproszenie|zaakceptowan[oae]|odrzucon[oae]|приглашение|принято|отклонено|已接受|已谢绝|邀请|承諾|辞退|招待)\s?[:：]",
    re.IGNORECASE,
)
_ICALENDAR = re.compile(r"\s{0,8}BEGIN:VCALENDAR\b")
_NO_REPLY = re.compile(
    r"^(?:no[-_.]?reply|do[-_.]?not[-_.]?reply|newsletter|news|marketing|notifications?|mailing"
    r"|promo(?:tions)?)\b",
    re.IGNORECASE,
)
# Words of advertising mail, looked for in the lower-cased text: how to get it no more.
_UNSUBSCRIBE = (
    "unsubscribe", "abmelden", "abbestellen", "désabonner", "désinscrire", "darse de baja", "cancelar inscrição",
    "disiscri", "uitschrijven", "wypisz", "отписаться", "退订", "配信停止",
)  # fmt: skip
_IN_BROWSER = re.compile(
    r"view (?:this |it )?(?:e-?mail |message |online )?(?:in|with) (?:your |a "
    r"|the )?(?:web ?)?browser|view (?:it )?online"
    r"|nicht (?:richtig|korrekt) (?:angezeigt|dargestellt)|im browser (?:ansehen|öffnen|anzeigen)|version en ligne"
    r"|(?:ver|visualizar)[^.\n]{0,30} (?:navegador|en línea)|(?:visualizza|vedi)[^.\n]{0,20} browser"
    r"|(?:bekijk|lees)[^.\n]{0,30} (?:browser|online)|в браузере|浏览器中(?:查看|打开)|ブラウザで",
    re.IGNORECASE,
)
_BROWSER_WORDS = (
    "browser", "view online", "view it online", "bekijk", "lees", "angezeigt", "dargestellt",
    "en ligne", "navegador", "en línea", "браузер", "浏览器",
    "ブラウザ",
)  # fmt: skip
_WHY = re.compile(
    r"you(?:['’]re| are) receiving this|you received this (?:e-?mail|message|newsletter)|this e-?mail was sent to"
    r"|sie erhalten dies(?:e|en)[^.\n]{0,30},? (?:weil|da)|vous recevez (?:ce|cet)[^.\n]{0,30} (?:car|parce)"
    r"|recib(?:e|es|iste) este[^.\n]{0,30} porque|recebeu este[^.\n]{0,30} porque|ricevi questa|(?:je|u) ontvangt deze"
    r"|otrzyma(?:łeś|łaś)|otrzymujesz|вы получили это письмо|您收到(?:此|本|这)"
    r"|このメールは[^。\n]{0,30}(?:配信|お送り)",
    re.IGNORECASE,
)
_WHY_WORDS = (
    "receiving this", "received this", "was sent to", "erhalten dies", "vous recevez", "recib", "recebeu este",
    "ricevi questa", "ontvangt deze", "otrzyma", "otrzymujesz", "вы получили", "您收到", "このメール",
)  # fmt: skip
_TEXT = 2_000
_ENDS = 5_000


def tells_absence(subject: str, text: str) -> bool:
    """Return whether an automatic mail tells of somebody's absence."""
    head = text[:_TEXT]
    return bool(_AWAY.match(_REPLY.sub("", subject)) or _AWAY_TEXT.search(head) or _LEAVE_TEXT.search(head))


def says_automatic(subject: str) -> bool:
    """Return whether a subject is one that mail programs write before an automatic answer."""
    return _AUTO.match(_REPLY.sub("", subject)) is not None


def kind_by_words(message: Message, own: str) -> tuple[Kind, str] | None:
    """Return what a mail is by its words, and where they stand; None for a request."""
    subject = (message.subject or "").strip()
    text = own[:_TEXT]
    local = (message.author.email or "").partition("@")[0]
    found: tuple[Kind, str] | None = None
    if _BOUNCE.match(subject) or (_MAYBE_BOUNCE.search(subject) and _POSTMASTER.search(text)):
        found = ("bounce", "subject")
    elif _AWAY.match(subject):
        found = ("out_of_office", "subject")
    elif _AUTO.match(subject):
        found = ("out_of_office" if _is_absence(text) else "auto_reply", "subject")
    elif _CALENDAR.match(subject) and len(text) < 200:
        found = ("calendar", "subject")
    elif _ICALENDAR.match(text):
        found = ("calendar", "text")
    elif _is_absence(text):
        found = ("out_of_office", "text")
    elif "deliver" in text[:600] and len(_POSTMASTER.findall(text[:600])) >= 2:
        found = ("bounce", "text")
    elif _NO_REPLY.match(local) and _AUTO_TEXT.search(text[:600]):
        found = ("auto_reply", "text")
    elif (_NO_REPLY.match(local) and _can_leave(message.text[-_ENDS:])) or _is_campaign(message, subject):
        found = ("newsletter", "text")
    return found


def _is_absence(text: str) -> bool:
    if len(text) >= 800:
        return False
    head = text[:400]
    told = _AWAY_TEXT.search(head) or (_LEAVE_TEXT.search(head) and _BACK.search(text))
    return bool(told) and _WANTS.search(text) is None


def _can_leave(text: str) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in _UNSUBSCRIBE)


def _is_campaign(message: Message, subject: str) -> bool:
    """Two of what advertising mail says: how to see it in a browser, why one gets it, how to get it no more."""
    if message.in_reply_to or message.references or _REPLY.match(subject):
        return False
    ends = message.text[:_ENDS] + message.text[-_ENDS:] if len(message.text) > 2 * _ENDS else message.text
    lowered = ends.lower()
    unsubscribe = _can_leave(lowered)
    browser = any(word in lowered for word in _BROWSER_WORDS) and _IN_BROWSER.search(ends) is not None
    if not unsubscribe and not browser:
        return False
    if unsubscribe and browser:
        return True
    return any(word in lowered for word in _WHY_WORDS) and _WHY.search(ends) is not None
