"""What lawyers, registers, virus scanners, mailing lists and gateways add to a mail, in the languages they speak."""

from __future__ import annotations

import re

# "NOTICE: this message ...", a tree of a symbol font, a bullet: what stands before a footer's first word.
_LEAD = re.compile(
    r"\A(?:[^\w\s]{1,4} ?|P (?=[Pp]lease|[Tt]hink|[Bb]efore))?(?:[A-ZÀ-ŽА-Я][A-ZÀ-ŽА-Я ./-]{2,40}[:：] ?)?(?=\S)"
)
_LEGAL = re.compile(
    r"\A(?:confidentiality (?:notice|note|statement|caution)|(?:legal |email |e-mail )?disclaimer\b"
    r"|important notice\b|legal notice|privileged(?: and |[ /])confidential"
    r"|(?:this|the) (?:e-?mail|electronic mail|message|communication|transmission|correspondence)\b.{0,160}"
    r"(?:confidential|privileged|intended (?:only|solely|exclusively)|sole use"
    r"|intended for (?:the |use by the )?(?:sole|exclusive|use|addressee|(?:above[ -])?named"
    r"|individual|person|recipient)"
    r"|(?:named )?(?:addressee|recipients?) only|named (?:addressee|recipient))"
    r"|(?:the )?(?:information|content|contents|contained) (?:contained |transmitted |included )?(?:in|of"
    r"|by) this (?:e-?mail|message|communication)"
    r"|(?:any |the )?(?:views|opinions)(?: (?:or|and) opinions)? (?:expressed|presented|contained|stated)"
    r"|(?:please )?consider the environment before"
    r"|think before you print|before printing|registered (?:office|in england)"
    r"|company (?:registration )?(?:no|number)\b"
    r"|(?:diese|dieses|die in dieser|der inhalt dieser)\b.{0,60}(?:e-?mail|nachricht"
    r"|mail)\b.{0,120}(?:vertraulich|ausschlie(?:ß|ss)lich|bestimmt)"
    r"|vertraulichkeitshinweis|(?:haftungsausschluss|rechtlicher hinweis|hinweis zum datenschutz)\b"
    r"|bitte (?:denken|prüfen) sie.{0,40}(?:umwelt|drucken)"
    r"|(?:ce (?:message|courriel|mail)|cet? e-?mail|les informations contenues)\b.{0,160}(?:confidentiel"
    r"|destinataire|strictement|usage exclusif)"
    r"|(?:avis|avertissement|clause) de confidentialité|(?:avant d['’]imprimer.{0,40})?pensez à l['’]environnement"
    r"|n['’]imprimez"
    r"|(?:este (?:mensaje|correo|e-?mail)|la información contenida"
    r"|esta comunicación)\b.{0,160}(?:confidencial|destinatari|privilegiad|exclusiv)"
    r"|aviso (?:legal|de confidencial|de privacidad)|antes de imprimir|piense (?:en el|antes)"
    r"|(?:en cumplimiento|de conformidad|de acuerdo) (?:de|con) (?:lo |la "
    r"|el ).{0,120}(?:protección de datos|rgpd|lopd)"
    r"|(?:esta (?:mensagem|comunicação)|este (?:e-?mail|correio)"
    r"|as informações contidas)\b.{0,160}(?:confidencia|destinatári|exclusiv|sigilos)"
    r"|(?:questo (?:messaggio|documento)|questa (?:e-?mail|comunicazione)|le informazioni contenute"
    r"|la presente)\b.{0,160}(?:riservat|confidenzial|destinatari)"
    r"|(?:avviso di riservatezza|nota di riservatezza|ai sensi del)|prima di stampare|rispetta l['’]ambiente"
    r"|(?:dit (?:e-?mail)?(?:bericht)?|deze e-?mail|de informatie"
    r"|de inhoud van)\b.{0,160}(?:vertrouwelijk|bestemd|geadresseerde)"
    r"|(?:niniejsza|ta|treść tej|informacje zawarte w)\b.{0,60}(?:wiadomoś|korespondencj"
    r"|e-?mail).{0,160}(?:pouf|adresat|zastrzeż|przeznaczon)|klauzula poufności"
    r"|(?:это|данное|настоящее|информация.{0,30}(?:письм|сообщени))\b.{0,160}(?:конфиденциальн|предназначен)"
    r"|(?:本|此|这封|該|该)(?:电子)?(?:邮件|郵件|電子郵件).{0,60}(?:保密|机密|機密|收件人|授权)|(?:本|この|当)(?:電子)?(?:メール"
    r"|メッセージ).{0,60}(?:機密|秘密|宛先|受信者)"
    r")",
    re.IGNORECASE,
)
# "If you have received this message in error ...", "if you are not the addressee ...".
_MISTAKE = re.compile(
    r"\A(?:(?:if|should) you .{0,80}(?:in error|by mistake|erroneously|not the (?:intended|named|correct|addressee))"
    r"|(?:wenn|falls|sollten) sie (?:nicht|diese).{0,80}(?:adressat|empfänger|irrtümlich|versehentlich|fälschlich)"
    r"|si vous (?:avez|recevez|n['’]êtes).{0,60}(?:par erreur|destinataire)"
    r"|si (?:usted )?(?:ha |recibe|no es).{0,60}(?:por error|destinatari)"
    r"|(?:se|caso) (?:você )?(?:receb|tenha|não).{0,60}(?:por engano|por erro|destinatári)"
    r"|(?:se|qualora) (?:ave|abb|ha|non).{0,60}(?:per errore|destinatari)"
    r"|(?:indien|als|wanneer) u .{0,60}(?:geadresseerde|abusievelijk|ten onrechte|per vergissing|per abuis|beoogde)"
    r"|je(?:śli|żeli) .{0,60}(?:adresatem|omyłkowo|pomyłkowo|przez pomyłkę|błędnie)"
    r"|если .{0,60}(?:письм|сообщени|адресат).{0,60}(?:по ошибке|ошибочно|не явля)|если вы не явля.{0,40}адресат"
    r"|(?:如果?|若|倘若)(?:您|你)?.{0,12}(?:错收|误收|錯收|誤收|并非|不是).{0,20}(?:邮件|郵件|收件人)"
    r"|(?:本|この|当)(?:電子)?メール.{0,10}(?:誤|間違))",
    re.IGNORECASE,
)
_MESSAGE = re.compile(
    r"e-?mail|message|communication|transmission|nachricht|courriel|correo|mensaje|mensagem|messaggio|comunicazione"
    r"|bericht|wiadomo|письм|сообщени|адресат|邮件|郵件|メール|recipient|addressee|adressat|empfänger"
    r"|destinata|geadresseerde|adresat|收件人",
    re.IGNORECASE,
)
# Entries in a register of companies: two of them on a line are a footer of law.
_REGISTER = re.compile(
    r"registered (?:office|in (?:england|scotland|ireland|wales))|(?:company|registration|vat"
    r"|charity) (?:no|number|reg)\b"
    r"|\bHR[AB] ?\d|amtsgericht|handelsregister|sitz der gesellschaft|gesch(?:ä|ae)ftsf(?:ü|ue)hr(?:er|ung)(?:in)?:"
    r"|vorstand:|aufsichtsrat|ust-?id|steuernummer|\bsiret\b|\brcs\b|\bsiren\b|capital (?:social )?de"
    r"|au capital|\bcif\b"
    r"|registro mercantil|\bcnpj\b|p\.? ?iva\b|partita iva|\bc\.?f\.? ?e|registro imprese|capitale sociale|\bkvk\b"
    r"|\bbtw\b|\bnip\b|\bregon\b|\bkrs\b|kapitał zakładowy|\bинн\b|\bогрн\b|\bкпп\b",
    re.IGNORECASE,
)
# A register line as long as others of a signature belongs to it; a longer one is a footer.
_MOST_SIGNED = 110
_MOST_REGISTER = 600
_LIST = re.compile(
    r"\A(?:reply to this e-?mail directly or view|you (?:are receiving|received|are getting"
    r"|have received) this (?:e-?mail|message|mail)?\s?(?:because|since|as)"
    r"|(?:to|click here to) unsubscribe\b|unsubscribe[:\s]|to (?:post|subscribe|leave"
    r"|manage your subscription|stop receiving|opt out)\b.{0,80}(?:list|email|group|http|mail)"
    r"|.{0,60}\bmailing list\s?[-:]?\s?$|.{0,80}mailman/listinfo|if you (?:no longer"
    r"|do not) wish to receive|yahoo! groups? (?:links|sponsor)"
    r"|this (?:e-?mail|message) (?:has been|was) (?:checked|scanned)|virus-free\b|scanned by"
    r"|no virus found|checked by avg"
    r"|(?:diese|cet|ce|este|esta|questa|questo|deze|dit|ta|это)\b.{0,60}(?:mail|courriel|courrier|correo|mensa|messag"
    r"|bericht|wiadomo|письмо|сообщение).{0,80}(?:geprüft|überprüft|vérifi|analys|analiz|comprobad|verificad|controllat"
    r"|gecontroleerd|gescand|sprawdz|przeskanow|проверен|viren|avast).{0,80}(?:viren|virus|wirus|вирус|avast)"
    r"|virenfrei|sans virus|libre de virus"
    r"|(?:um|wenn sie).{0,60}(?:abmelden|abbestellen)\b|newsletter abbestellen|se désabonner"
    r"|pour vous désabonner|se désinscrire"
    r"|(?:darse|dar) de baja|cancelar (?:la|a) (?:suscripción|inscrição|assinatura)"
    r"|annulla l['’]iscrizione|uitschrijven|afmelden voor"
    r"|wypisz się|отписаться|退订|取消订阅|配信停止|do you yahoo!\?|get your (?:own )?free .{0,60}(?:hotmail|msn"
    r"|e-?mail)|join msn|chat with friends online"
    r"|msn (?:photos|messenger|explorer).{0,60}http)",
    re.IGNORECASE,
)
_OUTSIDE = (
    r"(?:click|link|attach|sender|outside|organi[sz]ation|external|absender|anh[aä]ng|extern|pièce|extérieur|expéditeur"
    r"|adjunt|fuera|remitente|anexo|fora d|esterno|mittente|buiten|afzender|zewn|nadawc|внешн|отправител)"
)
_BANNER = re.compile(
    rf"[\[*(<\-= ]{{0,4}}(?:external(?: e-?mail| message| sender)?\b|caution\b|warning: (?:this|external)"
    rf"|extern(?:e e-?mail|e nachricht|al)?\b|achtung: (?:externe|diese)|courriel externe"
    rf"|correo externo|e-?mail externo"
    rf"|(?:attention|atenci[óo]n|aten[çc][ãa]o|attenzione|let op|uwaga|внимание) ?: (?:ce|cet|este"
    rf"|esta|quest|dit|deze|ta|это)"
    rf"|(?:this|diese|ce|cet|este|esta|questa|questo|dit|deze) (?:e-?mail|message|nachricht|courriel|correo|mensagem"
    rf"|messaggio|bericht) (?:originated|is from|was sent from|comes from|came from|kommt|stammt|wurde|provient|procede"
    rf"|proviene|provém|arriva|komt))[^\n]{{0,200}}{_OUTSIDE}"
    r"|\[(?:external|extern|externe|externo|esterno)(?: e-?mail| sender)?\]\s*\Z"
    r"|(?:some people who received this message|you) don['’]t often get e-?mail from"
    r"|(?:sie erhalten|einige personen).{0,60}nicht (?:oft|häufig).{0,20}e-?mails? von"
    r"|vous (?:n['’]obtenez|ne recevez) pas souvent|no suele recibir correo|(?:você|o utilizador)? ?não costuma receber"
    r"|non si ricevono spesso|u ontvangt niet vaak",
    re.IGNORECASE,
)


# The first words of all the footers above: most lines of a mail begin with others, and are read no further.
_FIRST = frozenset(
    """confidentiality legal email e-mail disclaimer important privileged this the information content contents
    contained if should any views opinions please consider think before registered company diese dieses die der
    vertraulichkeitshinweis haftungsausschluss rechtlicher hinweis bitte ce cet les avis avertissement clause avant
    pensez este la esta aviso antes piense en de as questo questa le avviso nota ai prima rispetta dit deze niniejsza ta
    informacje klauzula wenn falls sollten si se caso qualora indien als wanneer je jeśli jeżeli reply you to click
    unsubscribe virus-free scanned no checked virenfrei sans libre um newsletter pour darse dar cancelar annulla
    uitschrijven afmelden wypisz do get join chat msn yahoo! p""".split()
)


def may_begin_footer(text: str) -> bool:
    """Return whether a line may be the first of such a footer: a quick look before the patterns are tried."""
    head = text[:48].lstrip()
    if not head:
        return False
    first = head.split(None, 1)[0].lower()
    return (
        first.rstrip(".,;!") in _FIRST
        or ":" in head
        or "：" in head
        or not first[0].isalnum()
        or not first.isascii()
        or "'" in first
        or "list" in text
        or "List" in text
    )


def is_legal(text: str, following: str = "") -> bool:
    """Return whether a footer of law starts with the line *text*.

    *following* is the line below: a sentence may be wrapped before the words that tell it.
    """
    line = _LEAD.sub("", text, count=1)
    if _LEGAL.match(line):
        return True
    sentence = f"{line} {following}"[:400]
    mistake = _MISTAKE.match(sentence)
    return mistake is not None and _MESSAGE.search(sentence) is not None


def is_register(text: str) -> bool:
    """Return whether a line tells a company's entries in registers, courts and tax offices: two of them at least."""
    return len(_REGISTER.findall(text[:_MOST_REGISTER])) >= 2


def is_long_register(text: str) -> bool:
    """Return whether a line of registers is longer than a signature's: a footer of its own."""
    return len(text) > _MOST_SIGNED and is_register(text)


def is_list(text: str) -> bool:
    """Return whether a footer of a mailing list, an advertising mail or a virus scanner starts with the line *text*."""
    return _LIST.match(text) is not None


def is_banner(text: str) -> bool:
    """Return whether the first line of a mail is a gateway's warning of mail from outside."""
    return _BANNER.match(text) is not None
