"""How letters end: "Kind regards", "Mit freundlichen Grüßen", 敬具, and the name below."""

from __future__ import annotations

import re

from textcrm.clean.lines import bare

# Closings of letters: alone on a line they end a message.
_LETTER = (
    r"(?:with |my |our )?(?:kind(?:est)?|best|warm(?:est)?|many|sincere)?\s?(?:personal )?regards|rgds"
    r"|(?:with )?(?:all )?(?:the |my )?(?:very )?best(?: wishes)?"
    r"|all the best|(?:yours )?(?:very )?(?:sincerely|faithfully|truly|respectfully)(?: yours)?|yours"
    r"|cordially|cheers|respectfully(?: submitted)?"
    r"|(?:lots of )?love|hugs|xoxo|take care|(?:many )?thanks (?:and|&|\+|/) (?:kind |best "
    r"|warm )?(?:kind )?regards|thank you (?:and|&) (?:kind |best )?regards|kr|br|greetings"
    r"|with appreciation"
    r"|with (?:kind|best|warm) (?:wishes|regards)|in kindness|warmly|peace|have a (?:great|nice|good"
    r"|lovely|wonderful) (?:day|weekend|evening|week|one|time)"
    r"|(?:mit )?(?:(?:sehr |ganz )?(?:freundliche|beste|viele|liebe|herzliche|sch(?:ö|oe)ne|sonnige"
    r"|lieben?|besten?|vielen?|freundlichen?|herzlichen?)[nmrs]?\s)?"
    r"gr(?:ü|ue|u)(?:ß|ss)(?:en?)?(?: aus [^\W\d_]{3,20}| nach [^\W\d_]{3,20})?|m\.?f\.?g\.?|l\.?g\.?"
    r"|v\.?g\.?|b\.?g\.?|hochachtungsvoll|(?:einen )?sch(?:ö|oe)nen (?:tag|abend|gruß)(?: noch)?"
    r"|(?:bien |très |tres )?cordialement|cdlt|cdt|bien à (?:vous|toi)|sincèrement|(?:meilleures "
    r"|sincères |mes |bonnes |cordiales |respectueuses "
    r"|(?:avec )?mes meilleures )?salutations(?: distinguées| cordiales| respectueuses)?"
    r"|(?:um |tenha um )?(?:bom|ótimo) (?:dia|trabalho|fim de semana)(?: de trabalho)?|boa (?:semana|noite)"
    r"|amicalement|respectueusement|(?:bonne|belle|excellente) (?:journée|soirée|réception|continuation)|amitiés|bises"
    r"|(?:je vous prie d|veuillez )[’']?agréer.{0,120}"
    r"|(?:un |reciba un |le envío un |muchos )?(?:cordial |afectuoso |atento )?saludos?(?: cordial(?:es)?"
    r"| afectuosos?| atentos?)?|cordialmente|(?:muy )?atentamente|atte|(?:un )?(?:fuerte )?abrazo"
    r"|quedo a la espera.{0,60}"
    r"|atenciosamente|att|(?:com (?:os )?)?(?:os )?(?:melhores |meus |os meus )?(?:cumprimentos|saudações)"
    r"|abraços?|um abraço|(?:com )?estima"
    r"|(?:i miei |i più )?(?:cordiali|distinti|migliori|tanti|cari)\s?saluti|(?:un )?(?:cordiale "
    r"|caro )?salut[oi](?: cordiali)?|buona (?:giornata|serata)|in fede|a presto"
    r"|(?:met )?(?:vriendelijke|hartelijke|beste|warme|oprechte)\s?groet(?:en|jes)?|groet(?:en|jes)?"
    r"|m\.?v\.?g\.?|hoogachtend|(?:een )?fijne (?:dag|avond)(?: verder)?"
    r"|(?:serdecznie |łączę |z )?(?:pozdrawiam|pozdrowienia|pozdrowieniami)(?: serdecznie)?"
    r"|z (?:wyrazami )?(?:poważaniem|szacunku|uszanowaniem)|miłego dnia"
    r"|с (?:уважением|наилучшими пожеланиями|благодарностью|приветом|надеждой на .{3,40})|всего (?:доброго"
    r"|хорошего|наилучшего)|искренне ваш[аи]?|ваш[аи]?|хорошего дня"
    r"|此致|敬礼|敬禮|此致\s?敬礼|(?:顺|順)?(?:祝|颂|頌).{1,8}|祝好|敬上|谨启|敬具|草々|かしこ|以上|謹白|取り急ぎ.{0,20}"
)
# Words of thanks: they close a message only above a name.
_THANKS = (
    r"(?:many |again,? |ok,? )?(?:thanks|thank you|thank u|thanx|thx|tks|tnx|ty|tia)(?: (?:so much"
    r"|very much|a lot|again|in advance|a million|a bunch|kindly|you|guys|all|for (?:your|the"
    r"|all)(?: [\w'-]{2,12}){1,4}|and (?:have a|take care|best)[\w ]{0,24}))?"
    r"|(?:looking|i look) forward to (?:your|hearing|speaking|seeing)[\w ]{0,40}|talk (?:to you )?soon"
    r"|see you(?: soon| there| then)?|later|ciao|bye|adios|best of luck|god bless|enjoy"
    r"|(?:vielen|besten|herzlichen|lieben|tausend)\s?dank(?: im voraus| vorab| f(?:ü|ue)r .{3,40}"
    r"| und .{3,30})?|danke(?: sch(?:ö|oe)n| dir| ihnen| im voraus| vorab| und .{3,30})?"
    r"|merci(?: beaucoup| d['’]avance| par avance| bien| à vous| et .{3,30})?(?: pour .{3,40})?"
    r"|(?:en vous remerciant|dans l['’]attente).{0,60}"
    r"|(?:muchas |muchísimas |mil )?gracias(?: de antemano| por .{3,40}| y .{3,30})?"
    r"|(?:muito )?obrigad[oa](?: desde já| pela .{3,40}| e .{3,30})?|desde já (?:agradeço|grat[oa]"
    r"|obrigad[oa])|grat[oa]"
    r"|(?:tante |mille )?grazie(?: mille| in anticipo| ancora| e .{3,30})?|ringrazi(?:o|ando|amo).{0,40}"
    r"|in attesa di.{0,50}"
    r"|(?:alvast |hartelijk |heel erg )?(?:bedankt|dank(?: u| je)?(?: wel)?)(?: alvast)?|(?:z góry "
    r"|bardzo |serdecznie )?(?:dziękuję|dziękujemy|dzięki|dziekuje)(?: z góry| i .{3,30}| za .{3,30})?"
    r"|(?:заранее |большое |огромное )?(?:спасибо|благодарю|благодарен|благодарна)(?: заранее"
    r"| большое)?(?: за .{3,30})?|(?:非常)?(?:谢谢|多谢|感谢|謝謝|感謝)(?:您|你|大家)?"
    r"(?:的?(?:帮助|幫助|支持|配合|回复))?"
    r"|(?:以上、?)?(?:どうぞ|何卒)?(?:よろしく|宜しく)(?:お願い)?(?:(?:いた|致)?します|申し上げます)?|ありがとうござい(?:ます|ました)|お手数(?:ですが"
    r"|をおかけします)?.{0,30}"
)
_END = r"[\s,.!;:。、，！…~)-]{0,5}"
_STRONG = re.compile(
    rf"\A(?:(?:{_THANKS})[,.;!\s]{{1,3}}(?:and |&|und |et |y |e |en |i |и )?)?(?:{_LETTER}){_END}", re.IGNORECASE
)
_WEAK = re.compile(rf"\A(?:{_THANKS}){_END}", re.IGNORECASE)
_SPLIT = re.compile(r"[,.!;:，、。！]\s{0,3}|\s-{1,2}\s|\s{2,}|\s[–—]\s")
_NAME_WORD = re.compile(r"[^\W\d_][\w'’.-]{0,20}")
_MOST = 90

# Words that stand alone on a last line and name nobody.
NOT_NAMES = frozenset(
    """yes no ok okay hi hello hey dear thanks thank please call sorry sure great good done true agreed
    perfect regards best cheers see ps p.s nope yep fine nice cool wow help urgent fyi asap note from to
    subject sent date attached enclosed danke bitte hallo ja nein gruß grüße merci oui non bonjour
    gracias hola sí obrigado olá sim grazie ciao sì bedankt nee dziękuję tak nie спасибо да нет monday
    tuesday wednesday thursday friday saturday sunday today tomorrow yesterday what why when where how
    who this that these those it we you they i he she the a an and or but if so any all never nothing
    everything something order refund delivery terrible horrible awful disappointed waiting love happy""".split()
)


def closing(text: str) -> str | None:
    """Return what kind of closing a line is.

    ``letter``: a closing phrase alone; ``thanks``: words of thanks alone, which close only above a name;
    ``signed``: a phrase and a name on one line ("Thanks, Alex"); None: none of these.
    """
    line = bare(text)
    if not 2 <= len(line) <= _MOST:
        return None
    if _STRONG.fullmatch(line):
        return "letter"
    if _WEAK.fullmatch(line):
        return "thanks"
    parts = _SPLIT.split(line, maxsplit=1)
    if len(parts) == 2 and parts[1]:
        phrase, name = parts[0].strip(), parts[1].strip()
        known = _STRONG.fullmatch(phrase) or _WEAK.fullmatch(phrase)
        if known and looks_like_name(name, lenient=True):
            return "signed"
    return None


def looks_like_name(text: str, *, lenient: bool = False) -> bool:
    """Return whether a line may be a name: one to four capitalised words, or a few CJK characters.

    *lenient*, for the place below a closing: initials, lower case and a trailing team name pass too.
    """
    line = bare(text).strip("-–—~*•,. \u2018\u2019'\"()")
    if not 1 < len(line) <= 40 or any(char.isdigit() or char in "@/\\<>|:;?!=#%$€" for char in line):
        return len(line) == 1 and lenient and line.isalpha()
    words = line.replace(",", " ").split()
    if len(words) > (5 if lenient else 4) or words[0].lower() in NOT_NAMES:
        return False
    if not all(_NAME_WORD.fullmatch(word) or word == "&" for word in words):
        return False
    if _is_cjk(line):
        return len(line.replace(" ", "")) <= 8
    if lenient:
        return len(words) == 1 or any(word[0].isupper() for word in words)
    return all(
        word[0].isupper()
        or word.lower()
        in {"de", "da", "di", "van", "von", "der", "den", "la", "le", "du", "el", "bin", "al", "y", "dos", "ter"}
        for word in words
    )


def _is_cjk(text: str) -> bool:
    return any("\u3040" <= char <= "\u30ff" or "\u4e00" <= char <= "\u9fff" for char in text)
