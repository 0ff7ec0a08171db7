"""Dates and times of day, normalised to ISO 8601 where the text says enough.

References
----------
ISO 8601; RFC 5322 section 3.3; CLDR for the names of months and weekdays.
"""

# ruff: noqa: E501 (lists of words inside patterns read better unbroken)
from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from textcrm.entities.found import Found, Options
from textcrm.entities.letters import DIGIT, LETTERS, any_of

# Month names of eleven languages, by their first letters; the longest that fits wins.
_MONTHS: dict[str, int] = {}
for _number, _names in enumerate(
    (
        "january jan januar jänner janvier janv enero ene janeiro gennaio gen januari stycznia styczeń января янв",
        "february feb februar février fevrier févr febrero fevereiro fev febbraio februari lutego luty февраля фев",
        "march mar märz maerz mär mars marzo março maart mrt marca marzec марта мар",
        "april apr avril avr abril abr aprile kwietnia kwiecień апреля апр",
        "may mai mayo maio maggio mag mei maja maj мая",
        "june jun juni juin junio junho giugno giu czerwca czerwiec июня июн",
        "july jul juli juillet juil julio julho luglio lug lipca lipiec июля июл",
        "august aug août aout agosto ago augustus sierpnia sierpień августа авг",
        "september sept sep septembre septiembre setembro set settembre września wrzesień сентября сен",
        "october oct oktober okt octobre octubre outubro out ottobre ott października październik октября окт",
        "november nov novembre noviembre novembro listopada listopad ноября ноя",
        "december dec dezember dez décembre déc diciembre dic dezembro dicembre grudnia grudzień декабря дек",
    ),
    start=1,
):
    _MONTHS.update(dict.fromkeys(_names.split(), _number))
_MONTH = any_of(_MONTHS)
_WEEKDAY = any_of(
    "monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag "
    "lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miércoles jueves viernes sábado domingo "
    "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira lunedì martedì mercoledì giovedì venerdì sabato domenica "
    "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag poniedziałek wtorek środa czwartek piątek niedziela "
    "понедельник вторник среда четверг пятница воскресенье".split()
)
_SHORTDAY = (
    any_of("mon tue tues wed thu thur thurs fri sat sun mo di mi do fr sa so lun mar mer jeu ven sam dim".split())
    + r"\.?,?"
)
_CLOCK = r"(?:[01]?\d|2[0-3])[:.][0-5]\d(?::[0-5]\d(?:[.,]\d{1,6})?)?(?:[ ]?[ap]\.?m\b\.?)?(?:[ ]?(?:Z|UTC|GMT|CET|CEST|[ECMP][SD]T|[+-]\d\d:?\d\d)\b)?"
_TIME_TAIL = rf"(?:(?:T|,?[ ]?(?:at|um|à|a las|om|@)?[ ])(?P<clock>{_CLOCK}))?"
_FLAGS = re.IGNORECASE
_ISO = re.compile(
    rf"(?<![\w/.-])(?P<y>(?:19|20)\d\d)(?P<s>[-/.])(?P<m>0?[1-9]|1[0-2])(?P=s)(?P<d>0?[1-9]|[12]\d|3[01]){_TIME_TAIL}(?![\w-])",
    _FLAGS,
)
_NUMERIC = re.compile(
    rf"(?<![\w/.,-])(?P<a>[0-3]?\d)(?P<s>[./-])(?P<b>[0-3]?\d)(?P=s)(?P<y>(?:19|20)\d\d|\d\d){_TIME_TAIL}(?![\w]|[-/]\d|\.\d)",
    _FLAGS,
)
_SHORT = re.compile(r"(?<![\w/.,-])(?P<a>[0-3]?\d)\.(?P<b>0?[1-9]|1[0-2])\.(?![\w])")
_ORD = r"(?:st|nd|rd|th|er|º|ª|\.)?"
_DAY_MONTH = re.compile(
    rf"(?<![\w/.-])(?=\w)(?:(?=[^\W\d_]{{2}})(?:{_WEEKDAY}|{_SHORTDAY})[ ,]{{1,2}}(?:the[ ])?)?(?P<d>[0-3]?\d){_ORD}[ -]?(?:(?:of|de|di)[ ])?{LETTERS}(?P<mon>{_MONTH})\b\.?"
    rf"(?:[, -]{{1,2}}(?:(?:de|del)[ ])?(?P<y>(?:19|20)\d\d|['’]\d\d))?{_TIME_TAIL}(?![\w])",
    _FLAGS,
)
_MONTH_DAY = re.compile(
    rf"(?<![\w/.-]){LETTERS}(?:(?:{_WEEKDAY}|{_SHORTDAY})[ ,]{{1,2}})?(?P<mon>{_MONTH})\b\.?[ ](?:the[ ])?(?P<d>[0-3]?\d)(?:st|nd|rd|th)?"
    rf"(?:,?[ ](?P<y>(?:19|20)\d\d))?{_TIME_TAIL}(?![\w]|[:.]\d)",
    _FLAGS,
)
_MONTH_YEAR = re.compile(
    rf"(?<![\w-]){LETTERS}(?P<mon>{_MONTH})\b\.?[ ,]{{1,2}}(?:de[ ])?(?P<y>(?:19|20)\d\d)(?![\w]|[.,]\d)", _FLAGS
)
_CJK = re.compile(
    r"(?P<y>(?:19|20)\d\d)年[ ]?(?P<m>\d{1,2})月(?:[ ]?(?P<d>\d{1,2})[日号])?|(?P<m2>\d{1,2})月(?P<d2>\d{1,2})[日号]"
)

_YEAR = re.compile(
    r"(?<![\w$€£#.,/:-])(?=\w)(?:(?P<cue>in|of|since|by|from|until|till|before|after|during|early|late|mid|summer|winter|spring|fall|autumn|"
    r"year|circa|seit|depuis|en|desde|nel|dal)[ ])?(?P<y>(?:19|20)\d\d)(?![\w%$€£]|[.,:/-]\d|[ ](?i:usd|eur|euros?|dollars?|people|users|items|units))",
    _FLAGS,
)
_RELATIVE = re.compile(
    rf"(?<![\w-]){LETTERS}"
    + any_of(
        "today,tomorrow,yesterday,tonight,heute,morgen früh,gestern,übermorgen,demain,hier soir,aujourd'hui,mañana,ayer,hoy,oggi,"
        "domani,ieri,ontem,amanhã,hoje,gisteren,vandaag,wczoraj,jutro,dzisiaj,dziś,вчера,завтра,сегодня,morgen,vorgestern,anteayer,avant-hier".split(
            ","
        )
    )
    + r"(?![\w])",
    _FLAGS,
)
_WIDE_DAY = re.compile(r"昨天|今天|明天|前天|后天|昨日|今日|明日|昨晚|今晚")
_GOOD = re.compile(r"\b(?:guten?|goede) \Z", _FLAGS)
_ORDINAL_DAY = r"(?:(?:last|next|this|coming|letzte[nr]?|nächste[nr]?|kommende[nr]?|diesen|afgelopen|volgende)[ ])?"
_NUMERAL = r"(?:\d{1,3}|eine[mnr]?|zwei|drei|vier|fünf|sechs|une?|deux|trois|quatre|cinq|dos|tres|cuatro|um|uma|dois|duas|três)"
_AGO = re.compile(
    rf"(?<![\w-])(?=[vih])(?:vor|il y a|hace|há) (?:etwa |environ |unos |cerca de )?{_NUMERAL} (?:stunde|tag|woche|monat|jahr|heure|jour"
    r"|semaine|mois|an|hora|día|dia|semana|mes|año|ano)\w{0,3}(?![\w])",
    _FLAGS,
)
_DAYNAME = re.compile(rf"(?<![\w-]){LETTERS}{_ORDINAL_DAY}(?:{_WEEKDAY})(?![\w])", _FLAGS)
_CLOCK_WORD = re.compile(
    r"(?<![\w:.,/-])(?:[01]?\d|2[0-3])(?:[:.][0-5]\d)?[ ]?(?:Uhr|uur|o['’]clock)(?![\w])|(?:上午|下午|午前|午後|早上|晚上|中午)?\d{1,2}[时時点點](?:\d{1,2}分|半)?",
    _FLAGS,
)
_MONTH_NUMBER = re.compile(r"(?<![\w/.,-])(?P<m>0?[1-9]|1[0-2])/(?P<y>(?:19|20)\d\d)(?![\w]|[-/.]\d)")
_TIME = re.compile(
    rf"(?<![\w:.,/-])(?:(?P<clock>{_CLOCK})|(?P<hour>1[0-2]|0?[1-9])[ ]?[ap]\.?m\b\.?)(?![\w:]|\.\d)", _FLAGS
)
_DURATION = re.compile(
    r"(?i:(?:the |a |an |about |over |past |last |next |first |more than |less than |few |couple of |several |within ){0,6}"
    r"(?:\d{1,4}|one|two|three|four|five|six|seven|eight|nine|ten|few|couple|several|a|an)?[ -]?(?:couple of |few )?"
    r"(?:second|minute|hour|day|week|month|year|decade)s?)\Z"
)
_LENGTH = re.compile(r"(?<![\w])(?:second|minute|hour)s?(?! ago)(?![\w])", re.IGNORECASE)
_DAY_WORDS = any_of(
    "today,tomorrow,yesterday,tonight,now,next,last,this,ago,morning,noon,evening,afternoon,night,midnight,coming,past,christmas,"
    "easter,thanksgiving,halloween,new year,valentine,ramadan,labor day,memorial day,independence day".split(",")
)
_NAMES_A_DAY = re.compile(rf"\d|(?<![\w]){LETTERS}(?:{_WEEKDAY}|{_MONTH}|{_DAY_WORDS})(?![\w])", _FLAGS)


def find(text: str, options: Options) -> Iterator[Found]:
    """Yield dates (with their time of day, where one stands behind) and times."""
    yield from _days(text)
    if DIGIT.search(text):
        yield from _numbered(text, options)


def _days(text: str) -> Iterator[Found]:
    """Yield days told by a word alone."""
    for pattern in (_DAYNAME, _RELATIVE, _WIDE_DAY, _AGO):
        for match in pattern.finditer(text):
            if _GOOD.search(text, max(0, match.start() - 6), match.start()):
                continue  # "Guten Morgen" names no day
            yield Found(match.start(), match.end(), "DATE", 0.61, "date")


def _numbered(text: str, options: Options) -> Iterator[Found]:
    """Yield what has a number in it: all other dates and times."""
    day_first = options.region not in {"US", "PH", "CA"}
    yield from _numeric(text, day_first)
    for pattern in (_DAY_MONTH, _MONTH_DAY, _MONTH_YEAR):
        for match in pattern.finditer(text):
            groups = match.groupdict()
            day = groups.get("d")
            if day and not 1 <= int(day) <= 31:
                continue
            word = groups["mon"].lower()
            if pattern is not _MONTH_YEAR and len(word) <= 3 and not day:
                continue
            if (
                not groups.get("y")
                and groups["mon"].islower()
                and word in {"mar", "may", "set", "out", "gen", "mag", "ago", "lug", "mai"}
            ):
                continue
            yield _dated(match, groups.get("y"), _MONTHS[word], day, 0.9 if groups.get("y") else 0.8)
    for match in _CJK.finditer(text):
        yield _dated(match, match["y"], int(match["m"] or match["m2"]), match["d"] or match["d2"], 0.9)
    for match in _YEAR.finditer(text):
        yield Found(match.start("y"), match.end("y"), "DATE", 0.62 if match["cue"] else 0.42, "date", match["y"])
    for match in _MONTH_NUMBER.finditer(text):
        yield _dated(match, match["y"], int(match["m"]), None, 0.5)
    for match in _CLOCK_WORD.finditer(text):
        yield Found(
            match.start(), match.end(), "TIME", 0.76, "time", _clock(match.group()) if match[0][0].isdigit() else None
        )
    for match in _TIME.finditer(text):
        clock = match["clock"]
        if clock and ":" not in clock and "m" not in clock.lower():
            continue
        yield Found(match.start(), match.end(), "TIME", 0.75, "time", _clock(match.group()))


def is_vague(text: str) -> bool:
    """Say whether a span that spaCy calls a date names no day, month or year ("a couple of months", "daily")."""
    if len(text) > 60:
        return False
    return _LENGTH.search(text) is not None or _DURATION.match(text) is not None or _NAMES_A_DAY.search(text) is None


def _numeric(text: str, day_first: bool) -> Iterator[Found]:
    for match in _ISO.finditer(text):
        yield _dated(match, match["y"], int(match["m"]), match["d"], 0.92)
    for match in _NUMERIC.finditer(text):
        first, second = int(match["a"]), int(match["b"])
        first_is_day = first > 12 or ((day_first or match["s"] == ".") and second <= 12)
        day, month = (first, second) if first_is_day else (second, first)
        if 1 <= day <= 31 and 1 <= month <= 12:
            score = 0.9 if len(match["y"]) == 4 else 0.7
            yield _dated(match, match["y"], month, str(day), score)
    for match in _SHORT.finditer(text):
        if 1 <= int(match["a"]) <= 31:
            yield Found(match.start(), match.end(), "DATE", 0.5, "date", None)


def _dated(match: re.Match[str], year: str | None, month: int, day: str | None, score: float) -> Found:
    """Make the span of a match, with its ISO form where year and month are known and the day exists."""
    clock = match.groupdict().get("clock")
    value = None
    if year:
        full = int(year.lstrip("'’"))
        if full < 100:
            full += 2000 if full < 50 else 1900
        try:
            value = f"{full:04d}-{month:02d}" if not day else date(full, month, int(day)).isoformat()
        except ValueError:
            score -= 0.3
        else:
            if clock and day:
                value += f"T{_clock(clock)}"
    return Found(match.start(), match.end(), "DATE", score, "date", value)


def _clock(found: str) -> str | None:
    """Return a time of day as ``HH:MM[:SS]``."""
    parts = [int(part) for part in re.findall(r"\d+", found)[:3]]
    lowered = found.lower()
    hour = parts[0]
    if "pm" in lowered.replace(".", "") and hour < 12:
        hour += 12
    elif "am" in lowered.replace(".", "") and hour == 12:
        hour = 0
    if hour > 23:
        return None
    seconds = f":{parts[2]:02d}" if len(parts) > 2 and parts[2] < 60 and found.count(":") > 1 else ""
    return f"{hour:02d}:{parts[1] if len(parts) > 1 else 0:02d}{seconds}"
