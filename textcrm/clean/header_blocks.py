"""Blocks of header lines above a quoted message: Outlook's ``From: Sent: To: Subject:``, Lotus Notes' name and date.

Many programs write such a block without any line that announces it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from textcrm.clean.lines import bare

_LABELS: dict[str, str] = {
    "from": "from|von|de|da|van|od|от|от кого|发件人|寄件者|寄件人|差出人|送信者|发自|fra|från|lähettäjä|expéditeur"
    "|remitente|mittente"
    "|afzender|nadawca|отправитель|sender|kimden|feladó|absender|από|de la|מאת|من|보낸 사람|보낸사람",
    "date": "sent|date|gesendet|datum|envoyé|envoyé le|enviado|enviado el|enviado em|enviada em|fecha"
    "|data|inviato|inviata|verzonden"
    "|verzonden op|wysłano|wysłane|wysłany|data wysłania|отправлено|дата|дата отправки|发送时间|发送日期|日期|时间"
    "|寄件日期|送信日時|日時|日付"
    "|sendt|skickat|dato|lähetetty|date sent|gesendet am|tarih|odesláno|sent at|sent on|送信日|傳送時間"
    "|gönderilme|gönderme|gön|elküldve|dátum|trimis|ημερομηνία|נשלח|תאריך|تم الإرسال|التاريخ|보낸 날짜|날짜",
    "to": "to|an|à|a|para|per|aan|do|кому|收件人|宛先|til|till|vastaanottaja|destinataire|destinatario|pour"
    "|kime|komu|empfänger"
    "|destinatário|odbiorca|получатель|收件者|címzett|către|προς|אל|إلى|받는 사람|받는사람",
    "cc": "cc|kopie|copie|copie à|copia|cópia|kopia|копия|抄送|副本|bcc|cci|cco|blindkopie|kopi|dw|ccn|udw"
    "|kopie \\(cc\\)|cc:n",
    "subject": "subject|betreff|objet|asunto|assunto|oggetto|onderwerp|temat|тема|主题|主題|主旨|件名|标题|emne"
    "|ämne|aihe|thema"
    "|konu|předmět|sujet|tárgy|subiect|θέμα|נושא|الموضوع|제목|re",
    "other": "reply-to|antwort an|répondre à|importance|wichtigkeit|priority|priorität|attachments"
    "|anlagen|pièces jointes|organization"
    "|message-id|sent by|please respond to|responder a|anhänge|bijlagen|adjuntos|anexos|allegati"
    "|załączniki|вложения|附件|添付ファイル",
}
_LABEL_OF = {label.replace("\\", ""): name for name, labels in _LABELS.items() for label in labels.split("|")}
_LINE = re.compile(r"\A[*_ \t]{0,6}([^\W\d_][^:：\n@<>]{0,22}?)[*_ \t]{0,4}[:：][*_]{0,2}(.*)$")
# Fields one after another on a single line, as a program leaves them that joins lines.
_INLINE = re.compile(r"(?:\A|(?<=\s))\*{0,2}([^\W\d_]{1,14})\*{0,2} ?[:：]")
_BLANKS = re.compile(r"\s{1,20}")
_ADDRESS = re.compile(r"[^\s@]{1,64}@[^\s@]{2,190}|/[A-Z]{2,12}(?:/|@|\b)")
_DATE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{1,2}:\d{2}|\b(?:19|20)\d{2}\b")
# "05/11/2001 09:13 AM", alone on its line or after "Name on": how Notes dates a message.
_NOTES_DATE = re.compile(
    r"\A(?:.{0,80}\bon )?(?:\d{1,4}[./-]\d{1,2}[./-]\d{2,4}|[^\W\d_]{3,9}\.? \d{1,2},? \d{4}"
    r"|\d{1,2}\.? [^\W\d_]{3,9}\.? \d{4}),?\s{1,4}\d{1,2}:\d{2}(?::\d{2})?(?:\s?[AaPp]\.?[Mm]\.?)?"
    r"(?:\s[A-Z]{2,5})?(?:\s\(?[A-Z]{2,5}\)?)?"
)
_RULE = re.compile(r"[-_=*~\u2500—–]{5,200}")
_MOST = 14


def label(text: str) -> tuple[str, str] | None:
    """Return the header field that a line is and its value.

    Fields are ``from``, ``date``, ``to``, ``cc``, ``subject`` and ``other``.
    """
    if len(text) > 2_000 or (":" not in text[:40] and "：" not in text[:40]):
        return None
    match = _LINE.match(text[:400])
    if match is None:
        return None
    name = _LABEL_OF.get(_BLANKS.sub(" ", match[1].strip().strip("*_").lower()))
    return (name, match[2].strip()) if name else None


def header_block(lines: Sequence[str], at: int) -> int:
    """Return how many lines from *at* on are a block of mail headers; 0 where there is none.

    A block has at least three different fields, or two of which one is From, and a Subject or an address: a list of
    one's own ("From: Berlin, To: Hamburg, Date: 3 May") is none.
    """
    first = label(lines[at])
    if first is None or first[0] in {"cc", "other"}:
        return 0
    if _on_one_line(lines[at]):
        return 1
    seen: set[str] = set()
    values: list[str] = []
    index, last = at, at
    wrapped = 0
    while index < len(lines) and index - at < _MOST * 2:
        text = lines[index]
        found = label(text)
        if found is not None and (found[0] not in seen or found[0] in {"cc", "other"}):
            seen.add(found[0])
            values.append(found[1])
            last, wrapped = index, 0
        elif not text.strip():
            # blank lines between the fields: double spacing; two in a row end the block
            following = label(lines[index + 1]) if index + 1 < len(lines) else None
            if following is None or following[0] in seen:
                break
        elif wrapped < 6 and values and _continues(text):
            wrapped += 1
            last = index
        else:
            break
        index += 1
    real = seen - {"other"}
    enough = len(real) >= 3 or (len(real) == 2 and "from" in real)
    telling = ("subject" in real and bool(real & {"from", "to"})) or any(
        _ADDRESS.search(value[:500]) for value in values
    )
    dated = "date" not in real or any(_DATE.search(value[:200]) for value in values)
    return last - at + 1 if enough and telling and dated else 0


def _on_one_line(text: str) -> bool:
    head = text[:600]
    fields = {_LABEL_OF.get(match[1].lower()) for match in _INLINE.finditer(head)}
    return {"from", "date", "subject"} <= fields and bool(_DATE.search(head) or _ADDRESS.search(head))


def _continues(text: str) -> bool:
    """A wrapped list of recipients."""
    return "@" in text or text.rstrip().endswith((";", ",")) or text.startswith((" ", "\t")) or ";" in text


def notes_block(lines: Sequence[str], at: int) -> tuple[int, int] | None:
    """Return the first and the past-the-end line of a Lotus Notes header whose date line is *at*, or None.

    Name, date, then To, cc and Subject, with or without colons, blank lines between; nothing announces it.
    """
    stripped = bare(lines[at])
    if not 8 <= len(stripped) <= 140 or not stripped[-1:].isalnum() or not _NOTES_DATE.fullmatch(stripped):
        return None
    seen: set[str] = set()
    last = at
    texts = 0
    index = at + 1
    while index < len(lines) and index - at < 24:
        text = bare(lines[index])
        if text:
            found = label(text)
            name = found[0] if found else _LABEL_OF.get(text.lower())
            if name is not None:
                seen.add(name)
                last, texts = index, 0
                if name == "subject":
                    # the value may stand on the line below a label without colon
                    last += int(found is None and index + 1 < len(lines) and bool(lines[index + 1].strip()))
                    break
            else:
                texts += 1
                if texts > 3:
                    break
        index += 1
    if "subject" not in seen or "to" not in seen:
        return None
    start = at
    named = " on " not in stripped
    for step in range(1, 4):
        above = lines[at - step].strip() if at - step >= 0 else ""
        if not above:
            continue
        if named and len(above) <= 80 and not above.endswith((".", "!", "?", ",")):
            start = at - step
            if above.startswith('"') or "Sent by" in above or "@" in above:
                continue
        break
    return start, last + 1


def rule_above(lines: Sequence[str], at: int) -> int:
    """Return where the block starts when a drawn line stands right above *at* (blank lines between allowed)."""
    index = at - 1
    while index >= 0 and at - index <= 3 and not lines[index].strip():
        index -= 1
    if index >= 0 and at - index <= 3 and _RULE.fullmatch(bare(lines[index]) or " "):
        return index
    if index >= 0 and at - index <= 3 and _RULE.fullmatch(lines[index].strip()):
        return index
    return at
