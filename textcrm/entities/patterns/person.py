"""Names of persons, told by what stands round them: titles, greetings, closings, fields, phrases.

The words of a name are known by their capitals, in any script that has them; which phrase introduces a name is
written here for the languages of customer mail.
"""

# ruff: noqa: E501 (lists of words inside patterns read better unbroken)
from __future__ import annotations

import re
from collections.abc import Iterator

from textcrm.entities.found import Found, Options
from textcrm.entities.letters import CAPITAL, GAP, LETTER, START, UPPER, WIDE
from textcrm.entities.lexicon import COUNTRIES, NATIONALITIES, NOT_NAMES, is_common, names

_PARTICLE = r"(?:de la|de los|de las|van der|van den|van de|von der|de|da|do|dos|das|del|della|di|du|van|von|zu|la|le|el|al|bin|ibn|ter|ten|af|av|y|e)"
_INITIAL = rf"[{UPPER}]\."
NAME = rf"(?:{_INITIAL}[ ]?){{0,2}}{CAPITAL}(?:{GAP}(?:{_INITIAL}(?![\w])|(?:{_PARTICLE}{GAP})?{CAPITAL})){{0,3}}"
_TITLE = re.compile(
    rf"(?<![\w]){LETTER}(?P<title>(?:Mr|Mrs|Ms|Mx|Dr|Prof|Sr|Sra|Srta|Dra|Mme|Mlle|Sig|Dott|Ing|Rev|Capt|Sgt|Lt)\.?|Miss|Mister|Madam|Madame|Monsieur|"
    rf"Professor|Doctor|Doktor|Herrn?|Frau|Señora?|Señor|Signora?|Signor|Senhora?|Senhor|Pani?|Meneer|Mevrouw|Dhr\.|Mw\.|Mgr\.|Sir|Lady|Lord|Dame|"
    rf"mr\.?|mrs\.?|ms\.?|dr\.)(?:{GAP}(?:Dr\.|Prof\.|med\.)){{0,2}}{GAP}(?P<name>{NAME})"
)
_PHRASE = re.compile(
    rf"(?<![\w])(?=[^\W\d_]{{2}}|c/|[iI][ '’])(?:(?i:my (?:full |first |last |maiden |sur|middle )?name is|(?:full|first|last|maiden|middle|real|legal) name is|name is|name's|"
    rf"name was|named|was named|name,|name to|who is called|calls? me|known as|called me|call me|my name:|account of|account under|under the name(?: of)?|in the name of|"
    rf"on behalf of|signed by|written by|directed by|starring|spoke (?:to|with)|speak (?:to|with)|talked to|talk to|spoken with|dealt with|contact person is|attn:?|attention:?|c/o|"
    rf"follow up with|meet with|meeting with|email from|call from|my (?:husband|wife|son|daughter|brother|sister|father|mother|friend|colleague|partner|boss|manager|"
    rf"boyfriend|girlfriend|cousin|uncle|aunt|neighbou?r|assistant)(?:'s name is|'s name|,)?|partner's name|"
    rf"mein name ist|ich heiße|ich heisse|ich bin|je m'appelle|je suis|mon nom est|me llamo|mi nombre es|soy|meu nome é|me chamo|sou|mi chiamo|il mio nome è|sono|"
    rf"mijn naam is|ik ben|ik heet|nazywam się|mam na imię|меня зовут|this is|i am|i'm|i’m|it's|here is|here's|"
    rf"name[ ]?:|customer[ ]?:|contact[ ]?:|nom[ ]?:|nombre[ ]?:|nome[ ]?:|naam[ ]?:|imię[ ]?:|имя[ ]?:|from[ ]?:|to[ ]?:|cc[ ]?:|von[ ]?:|an[ ]?:|de[ ]?:))[ \t]{{0,3}}[\"“'*]?(?P<name>{NAME})"
)
_GREETING = re.compile(
    rf"(?m)(?:^|(?<=[.!?] ))[ \t>]{{0,4}}+{LETTER}(?i:hi|hello|hey|dear|hiya|good (?:morning|afternoon|evening)|greetings|hallo|liebe[rs]?|sehr geehrte[rs]?|guten (?:tag|morgen|abend)|"
    rf"moin|servus|bonjour|bonsoir|salut|ch(?:er|ère)|hola|buenos días|buenas tardes|estimad[oa]|querid[oa]|olá|oi|car[oa]|prezad[oa]|ciao|salve|buongiorno|gentile|egregio|"
    rf"beste|geachte|dag|witam|cześć|szanown[ya]|drog[ia]|здравствуйте|привет|уважаем(?:ый|ая)|добрый день|thanks|thank you|thx|cheers|merci|danke|gracias|grazie|obrigad[oa])"
    rf"(?i:,? (?:there|team|again|so much|very much|a lot))?,?[ ](?P<name>{NAME})(?=[ \t]{{0,3}}(?:[,!:.;\-–—]|$))"
)
_CLOSING = re.compile(
    rf"(?m)(?:^|[.!?][ ])[ \t]{{0,4}}+{LETTER}(?i:(?:many |kind |best |warm |warmest |with (?:kind |best )?)?(?:thanks(?: (?:so much|again|in advance|a lot|and regards))?|thank you(?: (?:so much|very much|in advance))?|regards|"
    rf"wishes|cheers|sincerely(?: yours)?|yours(?: (?:sincerely|faithfully|truly))?|best|all the best|love|take care|respectfully|cordially|rgds|br|kr|"
    rf"(?:mit )?(?:freundlichen|besten|lieben|herzlichen|vielen)? ?(?:grüßen|grüße|gruß|gruss|grüsse|dank)|mfg|lg|vg|cordialement|bien à vous|salutations|amicalement|"
    rf"(?:un )?saludos?(?: cordial(?:es)?)?|atentamente|atenciosamente|cumprimentos|abraços?|cordiali saluti|saluti|distinti saluti|"
    rf"(?:met )?vriendelijke groet(?:en)?|groet(?:en|jes)?|mvg|pozdrawiam|z poważaniem|с уважением))[ \t]{{0,3}}[,.!–—-]?[ \t]{{0,3}}(?:\r?\n[ \t>]{{0,4}}){{0,3}}(?:[-–—~][ ]?)?"
    rf"(?P<name>{NAME})(?=[ \t]{{0,3}}(?:$|[,.(|/\n]))"
)
_OWNER = re.compile(
    rf"{START}(?P<name>{NAME})(?=['’]s (?:account|address|name|email|phone|order|card|birthday|husband|wife|son|daughter|number|team|office|mother|father))"
)
_SPEAKER = re.compile(rf"(?m)^[ \t]{{0,3}}(?P<name>{CAPITAL}(?:{GAP}{CAPITAL})?)(?=: \S)")
_SAYING = re.compile(
    rf"{START}(?P<name>{NAME})(?=,? (?:said|says|told|asked|wrote|replied|promised|called|emailed|answered|explained)(?![\w]))"
)
_SUBJECT = re.compile(
    rf"(?m)(?:^|(?<=[.!?] ))(?P<name>{NAME})(?= (?:lives|lived|works|worked|moved|died|was born|got married|spent|has been|will be|is (?:from|a very|my|our|the)|had given|can you|please)(?![\w]))"
)
_VOCATIVE = re.compile(
    rf"(?m)(?:^|(?<=[.!?] ))(?P<name>{CAPITAL}), (?=(?:can|could|would|will|please|are you|how are|do you|did you|thanks|thank)(?![\w]))"
)
_OBJECT = re.compile(
    rf"(?<![\w]){LETTER}(?:(?i:said|heard|seen|met|meet|know|knew|ask|asked|tell|told|inform|contact|remember|leave me|named (?:him|her|it)|under|why is|when is|where is|for|with|by|how is|change it to)) (?P<name>{NAME})"
)
_LIST = re.compile(
    rf"(?<![\w]){LETTER}(?i:founders|directors|managers|authors|colleagues|partners|guests|members|actors|friends|children|kids|sons|daughters|sisters|brothers|"
    rf"employees|passengers|travell?ers|parents|owners|tenants|applicants|attendees|participants|names)(?:[:,]| are| were)? (?P<first>{NAME}), (?P<second>{NAME}),? and (?P<third>{NAME})"
)
_THREE = re.compile(
    rf"{START}(?P<first>{CAPITAL}), (?P<second>{CAPITAL}),? (?:and|or|&|und|et|y) (?P<third>{CAPITAL})(?![\w])"
)
_RULES = (
    (_TITLE, 0.88, "title"),
    (_PHRASE, 0.72, "phrase"),
    (_GREETING, 0.82, "greeting"),
    (_CLOSING, 0.8, "closing"),
    (_OWNER, 0.65, "owner"),
    (_SPEAKER, 0.55, "speaker"),
    (_SAYING, 0.55, "saying"),
    (_SUBJECT, 0.64, "subject"),
    (_VOCATIVE, 0.61, "vocative"),
    (_OBJECT, 0.53, "object"),
)
# Chinese and Japanese names have no capitals: the phrase before or the honorific behind tells them.
_WIDE_LED = re.compile(
    rf"(?:我叫|我的名字[是叫]|姓名[:：是] ?|名前は|氏名[:：] ?)(?P<name>[{WIDE}]{{2,5}}?)(?=[，。,.、\s!！]|です|と申|\Z)"
)
_WIDE_FOLLOWED = re.compile(
    rf"(?<![{WIDE}])(?P<name>[{WIDE}]{{2,6}})(?=と申します|先生[，,：:]|女士|さん(?![{WIDE}])|様(?![{WIDE}]))"
)
_NOBODY = frozenset("お客 皆 お母 お父 奥 担当者 ご担当者 みな 尊敬的 各位".split())
# Given names that are also months or verbs: names only where a phrase says so.
_ALSO_NAMES = frozenset("jan april may june august will".split())
_NAMED = re.compile(r"(?i)name|nom|hei(?:ß|ss)e|appelle|llam|chiam|chamo|heet|nazyw|зовут|имя|imię|naam")
# Behind these rules stands many another word with a capital: one that is a common word or a country is no name.
_LOOSE = frozenset({"phrase", "speaker", "saying", "subject", "vocative", "object"})


def find(text: str, options: Options) -> Iterator[Found]:  # noqa: ARG001 (one signature for all)
    """Yield the names."""
    for match in _LIST.finditer(text):
        for group in ("first", "second", "third"):
            yield Found(match.start(group), match.end(group), "PERSON", 0.82, "person")
    yield from _wide(text)
    for match in _THREE.finditer(text):
        if all(names().get(match[group].lower(), "?") != "?" for group in ("first", "second", "third")):
            for group in ("first", "second", "third"):
                yield Found(match.start(group), match.end(group), "PERSON", 0.64, "person")
    for pattern, score, rule in _RULES:
        for match in pattern.finditer(text):
            told = rule == "phrase" and _NAMED.search(text, match.start(), match.start("name"))
            start, end = trim(text, *match.span("name"), told=bool(told))
            first = text[start:end].split(" ", 1)[0].strip(".,'’").lower()
            if (
                rule in _LOOSE
                and not told
                and (is_common(first) or first in NATIONALITIES or first.title() in COUNTRIES)
            ):
                continue
            if any(c.isdigit() for c in text[start:end]) or (
                text[start:end].isupper() and end - start < 6 and rule in _LOOSE
            ):
                continue
            if end > start:
                yield Found(start, end, "PERSON", score, "person")


def _wide(text: str) -> Iterator[Found]:
    for pattern in (_WIDE_LED, _WIDE_FOLLOWED):
        for match in pattern.finditer(text):
            if match["name"] not in _NOBODY:
                yield Found(match.start("name"), match.end("name"), "PERSON", 0.8, "person")


def trim(text: str, start: int, end: int, *, told: bool = False) -> tuple[int, int]:
    """Cut words that are no names from both ends of ``[start, end)``; an empty span where nothing is left.

    *told*: a phrase ("my name is") says that a name stands here, so that a given name which is also a word stays.
    """
    words = list(re.finditer(r"[^\s]+", text[start:end]))
    while words and (first := words[0].group().strip(".,'’").lower()) in NOT_NAMES:
        if told and first in _ALSO_NAMES:
            break
        words.pop(0)
    for index, word in enumerate(words):
        if index and word.group().strip(".,'’").lower() in NOT_NAMES:
            words = words[:index]
            break
    if (
        not words
        or len(words[0].group()) < 2
        or (words[0].group().isupper() and len(words) == 1 and len(words[0].group()) < 4)
    ):
        return start, start
    last = words[-1].group()
    cut = 2 if last.endswith(("'s", "’s")) else 1 if last.endswith(("'", "’")) else 0
    return start + words[0].start(), start + words[-1].end() - cut
