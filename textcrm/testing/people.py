"""Made-up people and their damaged records, to measure linking on. No real person's data, no list from elsewhere."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from textcrm.link.names import groups

_FAMILIES = """smith jones taylor brown williams wilson johnson davies robinson wright thompson evans walker white
roberts green hall wood jackson clarke clark harris lewis cooper king baker turner hill ward hughes
morris moore edwards cook bell morgan allen watson bennett gray james young mitchell kelly anderson
price carter phillips bailey parker shaw collins miller cox marshall simpson adams murphy richardson
ellis webb barnes palmer powell foster mills chapman murray reid scott stewart campbell robertson
macdonald graham hamilton ross henderson paterson mcdonald kerr burns o'connor o'brien o'neill ryan
byrne walsh doyle lynch mccarthy quinn doherty fitzgerald nolan kavanagh müller schmidt schneider
fischer weber meyer wagner becker schulz hoffmann koch richter klein wolf neumann schwarz zimmermann
krüger hartmann lange werner krause lehmann köhler herrmann könig huber kaiser fuchs peters lang
scholz martin bernard dubois petit durand leroy moreau laurent simon lefebvre roux fournier girard
bonnet dupont lambert garcia fernandez gonzalez rodriguez lopez martinez sanchez perez gomez ruiz
diaz alvarez moreno romero navarro torres rossi russo ferrari esposito bianchi romano colombo ricci
marino greco bruno gallo conti costa giordano mancini jansen de-vries van-dijk bakker visser smit
meijer de-boer mulder de-groot bos vos peters hendriks van-leeuwen nowak kowalski wisniewski wojcik
kowalczyk kaminski lewandowski zielinski szymanski dabrowski patel singh khan shah ahmed ali hussain
kaur begum sharma gupta kumar mehta reddy nair iyer chen wang li zhang liu nguyen tran le pham kim
park lee choi tanaka suzuki sato watanabe okafor adeyemi mensah abdi hassan yilmaz demir kaya larsen
hansen nielsen jensen olsen berg lund holm lindqvist eriksson johansson karlsson nyström virtanen
korhonen blackwood ashworth pemberton fairclough hawthorne winterbourne thistlewood cavendish
lockhart merriweather abernathy castellano delacroix featherstone grimaldi hollingsworth ivanova
kovalenko montgomery papadopoulos rosenthal sandoval vandermeer whitcombe zapatero achterberg
birkenstock drummond eastwood farnsworth"""
_PLACES = """london birmingham leeds sheffield manchester bradford liverpool bristol leicester coventry nottingham
hull plymouth derby southampton portsmouth brighton reading northampton luton bolton bournemouth norwich swindon
swansea cardiff edinburgh glasgow aberdeen dundee belfast york bath exeter oxford cambridge ipswich gloucester
worcester chester lincoln durham carlisle blackpool stockport preston middlesbrough sunderland newcastle-upon-tyne
milton-keynes peterborough southend-on-sea stoke-on-trent kingston-upon-hull wolverhampton huddersfield poole"""
_STREETS = """high station church park victoria green manor kings queens grange mill london alexandra albert
windsor springfield grove highfield broad chestnut cedar willow elm maple orchard meadow river bridge castle
abbey priory garden hillside sunny north south west east oak birch hazel rowan poplar laurel juniper bramble"""
_KINDS = "street road avenue lane close drive way court crescent place".split()
_FREE = "gmail.com yahoo.com hotmail.com outlook.com aol.com icloud.com gmx.net web.de".split()
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_JOBS = """teacher nurse clerk driver farmer baker butcher carpenter cook dentist doctor engineer fitter gardener
glazier joiner lawyer librarian mason mechanic miner musician painter plumber porter printer roofer sailor secretary
smith surveyor tailor tiler weaver welder writer"""
_HOME = ("street", "city", "postcode")
HEADERS = {
    "given": "first_name", "family": "surname", "name": "full name", "dob": "birth date", "email": "e-mail",
}  # fmt: skip
_NEAR = {
    "a": "eos", "e": "iar", "i": "eyu", "o": "iau", "u": "oiy", "c": "ksx", "k": "c", "s": "zac", "n": "mb", "m": "n",
    "t": "ry", "d": "fs", "v": "bw", "y": "ui", "f": "vg", "p": "b", "l": "ik", "r": "te", "h": "gj", "g": "h",
}  # fmt: skip

Row = dict[str, str]


@dataclass(frozen=True)
class Damage:
    """How records are damaged: rates are probabilities per field of a copy.

    ``missing`` also strikes first records; ``replaced`` is a new value of one field, ``moved`` a new address as a
    whole, ``married`` a new family name; ``more`` is the chance that a typo is followed by another.
    """

    missing: float = 0.1
    typo: float = 0.2
    more: float = 0.25
    short_form: float = 0.1
    swapped: float = 0.03
    replaced: float = 0.05
    day_month: float = 0.05
    case: float = 0.1
    moved: float = 0.0
    married: float = 0.0


@dataclass(frozen=True)
class People:
    """Records and the truth: ``person[i]`` is who record ``rows[i]`` is."""

    rows: list[Row]
    person: list[int]
    names: tuple[str, ...] = field(default=())


Copies = Callable[[random.Random], int]


def make_people(
    n: int,
    *,
    copies: Copies,
    damage: Damage,
    fields: Sequence[str],
    seed: int,
    households: float = 0.0,
    twins: float = 0.0,
    namesakes: float = 0.0,
    wide: bool = True,
    headers: Mapping[str, str] | None = None,
) -> People:
    """Make damaged records of *n* people.

    Parameters
    ----------
    copies
        How many records a person has, at least 1.
    fields
        Of ``given, family, name, dob, year, month, day, city, email, phone, street, postcode, company, gender, job``.
    households
        Share of people who live with the one before: family name, street, city, postcode and phone are the same.
    twins
        Share of those who also have the same birth date.
    namesakes
        Share of people called as somebody else is, and otherwise other.
    wide
        Whether family names beyond the lists are made up.
    headers
        What columns are called, by field; `HEADERS` without it.
    """
    rng = random.Random(seed)  # noqa: S311  (test data)
    people: list[Row] = []
    for _ in range(n):
        one = _person(rng, wide)
        if people and rng.random() < households:
            one |= {key: people[-1][key] for key in (*_HOME, "family", "phone")}
            one["email"] = _address(one["given"], one["family"], rng)
            if rng.random() < twins:
                one["dob"] = people[-1]["dob"]
        elif people and rng.random() < namesakes:
            one |= {key: other[key] for other in [rng.choice(people)] for key in ("given", "family")}
        people.append(one)
    called = HEADERS | dict(headers or {})
    rows, who = [], []
    for number, one in enumerate(people):
        for copy in range(copies(rng)):
            values = _record(one, damage, rng, first=copy == 0)
            rows.append({called.get(name, name): _written(name, values[name], damage, rng) for name in fields})
            who.append(number)
    order = list(range(len(rows)))
    rng.shuffle(order)
    named = ("record", *(called.get(name, name) for name in fields))
    rows = [{"record": f"r{place}", **rows[i]} for place, i in enumerate(order)]
    return People(rows, [who[i] for i in order], named)


def _zipf(rng: random.Random, items: Sequence[str], power: float = 0.7) -> str:
    return items[min(len(items) - 1, int(len(items) * rng.random() ** (1 / (1 - power) if power < 1 else 4)))]


def _person(rng: random.Random, wide: bool) -> Row:
    given = _zipf(rng, sorted(groups(), key=lambda name: (len(name) < 4, hash_of(name))), 0.4)
    family = _zipf(rng, _FAMILIES.split(), 0.5).replace("-", " ")
    if wide and rng.random() < 0.4:
        family = _made_up(rng)
    born = date(1930, 1, 1) + timedelta(days=rng.randrange(28000))
    street = f"{rng.randrange(1, 250)} {rng.choice(_STREETS.split())} {rng.choice(_KINDS)}"
    return {
        "given": given,
        "family": family,
        "dob": born.isoformat(),
        "city": _zipf(rng, _PLACES.split(), 0.4).replace("-", " "),
        "email": _address(given, family, rng),
        "phone": f"07{rng.randrange(10**9):09d}",
        "street": street,
        "postcode": f"{_two(rng)}{rng.randrange(1, 30)} {rng.randrange(1, 10)}{_two(rng)}",
        "company": f"{_zipf(rng, _FAMILIES.split())} {rng.choice(['ltd', 'gmbh', 'inc', 'and sons', 'group'])}",
        "gender": rng.choice("mf"),
        "job": _zipf(rng, _JOBS.split(), 0.4),
    }


def _address(given: str, family: str, rng: random.Random) -> str:
    digits = str(rng.randrange(1, 100)) if rng.random() < 0.6 else ""
    local = rng.choice(
        [f"{given}.{family}", f"{given[0]}{family}", f"{given}{family[0]}", f"{family}{given[0]}", given]
    )
    domain = (
        rng.choice(_FREE)
        if rng.random() < 0.5
        else f"{_zipf(rng, _FAMILIES.split())}.{rng.choice(['com', 'net', 'org'])}"
    )
    return (local + digits).replace(" ", "").replace("'", "") + f"@{domain}"


def _two(rng: random.Random) -> str:
    return rng.choice(_LETTERS) + rng.choice(_LETTERS)


def hash_of(name: str) -> int:
    """Return a number for *name* that is the same in every run."""
    return sum((i + 1) * ord(c) * 7919 for i, c in enumerate(name)) % 10007


def _made_up(rng: random.Random) -> str:
    starts = "br cl dr f g h k l m n p r s st t th tr v w wh".split()
    ends = "son ton ley man field ford er well worth ham by".split()
    return (
        rng.choice(starts)
        + rng.choice("aeiou")
        + rng.choice(["l", "n", "r", "s", "t", "ck", "mp", "nd"])
        + rng.choice(ends)
    )


def _record(one: Row, damage: Damage, rng: random.Random, *, first: bool) -> Row:
    """Return one record of a person, damaged; only gaps strike the first one."""
    values = dict(one)
    if not first:
        for keys, rate in ((_HOME, damage.moved), (("family",), damage.married)):
            if rng.random() < rate:
                other = _person(rng, True)
                values |= {key: other[key] for key in keys}
        if rng.random() < damage.swapped:
            values["given"], values["family"] = values["family"], values["given"]
    for key in one:
        if not first:
            values[key] = _damaged(key, values[key], damage, rng)
        if rng.random() < damage.missing:
            values[key] = ""
    values["name"] = f"{values['given']} {values['family']}".strip()
    values["year"], values["month"], values["day"] = [*values["dob"].split("-"), "", "", ""][:3]
    return values


def _damaged(key: str, value: str, damage: Damage, rng: random.Random) -> str:
    roll = rng.random()
    if roll < damage.replaced:
        value = _person(rng, True)[key]
    elif key == "given" and roll < damage.replaced + damage.short_form:
        value = _short_form(value, rng)
    elif key == "dob" and roll < damage.replaced + damage.day_month:
        year, month, day = value.split("-")
        value = f"{year}-{day}-{month}"
    return typos(value, rng, damage.more) if rng.random() < damage.typo and key != "gender" else value


def _written(name: str, value: str, damage: Damage, rng: random.Random) -> str:
    if name in ("email", "dob", "phone"):
        return value
    return value.upper() if rng.random() < damage.case else value.title()


def _short_form(name: str, rng: random.Random) -> str:
    known = groups()
    if rng.random() < 0.2:
        return name[:1]
    others = sorted(
        other for other, numbers in known.items() if other != name and numbers & known.get(name, frozenset())
    )
    return rng.choice(others) if others else name


def typos(value: str, rng: random.Random, more: float) -> str:
    """Return *value* with one typing error, and perhaps more: a letter lost, doubled, changed, swapped."""
    text = list(value)
    while text:
        place = rng.randrange(len(text))
        kind = rng.randrange(5)
        old = text[place]
        near = str(rng.randrange(10)) if old.isdigit() else rng.choice(_NEAR.get(old, _LETTERS))
        if kind == 0 and len(text) > 1 and not old.isdigit():
            del text[place]
        elif kind == 1 and not old.isdigit():
            text.insert(place, rng.choice(_LETTERS))
        elif kind == 2 and place + 1 < len(text):
            text[place], text[place + 1] = text[place + 1], text[place]
        elif old.isalnum():
            text[place] = near
        else:
            continue
        if rng.random() >= more:
            break
    return "".join(text)
