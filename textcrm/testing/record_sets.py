"""Kinds of damaged record sets to measure linking on; half were looked at while it was made, half were held out."""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from textcrm.testing.people import Damage, People, make_people

MEDIUM = Damage(missing=0.2, typo=0.25, more=0.3, swapped=0.05)
HEAVY = Damage(missing=0.3, typo=0.4, more=0.45, short_form=0.15, swapped=0.1)
LIGHT = Damage(missing=0.1, typo=0.1, more=0.1, short_form=0.05, swapped=0.02, replaced=0.02, day_month=0.02)
GAPS = Damage(missing=0.4, typo=0.2, more=0.3, swapped=0.05)
LIFE = Damage(missing=0.15, typo=0.15, replaced=0.08, moved=0.25, married=0.12)
FIVE = ("given", "family", "dob", "city", "email")
POST = ("given", "family", "dob", "street", "city", "postcode")


@dataclass(frozen=True)
class RecordSet:
    """How a set is made: ``people`` persons, up to ``most`` records each; a ``tail`` of a few with very many."""

    people: int
    most: int
    damage: Damage
    fields: tuple[str, ...]
    seed: int
    tail: bool = False
    households: float = 0.0
    twins: float = 0.0
    namesakes: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)

    def make(self) -> People:
        """Make it."""
        return make_people(
            self.people,
            copies=self._copies,
            damage=self.damage,
            fields=self.fields,
            seed=self.seed,
            households=self.households,
            twins=self.twins,
            namesakes=self.namesakes,
            headers=self.headers,
        )

    def write(self, path: Path) -> dict[str, int]:
        """Write it as CSV; return who each record is."""
        made = self.make()
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, made.names)
            writer.writeheader()
            writer.writerows(made.rows)
        return {row["record"]: person for row, person in zip(made.rows, made.person, strict=True)}

    def _copies(self, rng: random.Random) -> int:
        if self.tail:
            return min(40, int(rng.paretovariate(1.1)))
        return rng.randint(1, self.most)


_GERMAN = {"given": "Vorname", "family": "Nachname", "dob": "Geburtsdatum", "city": "Ort", "email": "E_Mail"}
_SPANISH = {"given": "nombre", "family": "apellidos", "dob": "fecha_nacimiento", "city": "ciudad", "email": "correo"}
_FRENCH = {"name": "nom", "phone": "telephone", "city": "ville", "email": "courriel", "postcode": "code_postal"}
_SPLIT = {"given": "fname", "family": "lname", "year": "by", "month": "bm", "day": "bd"}
_WORDS = {
    "given": "first_name",
    "family": "last_name",
    "year": "birth_year",
    "month": "birth_month",
    "day": "birth_day",
}
_PLAIN = {"dob": "dob", "email": "email", "name": "full_name"}

DEVELOPED: dict[str, RecordSet] = {
    "medium": RecordSet(300, 6, MEDIUM, FIVE, 41, headers=_PLAIN),
    "heavy": RecordSet(300, 6, HEAVY, FIVE, 41, headers=_PLAIN),
    "tail": RecordSet(250, 1, HEAVY, FIVE, 7, tail=True, headers=_PLAIN),
    "gaps": RecordSet(300, 5, GAPS, FIVE, 11, headers=_GERMAN),
    "households": RecordSet(
        500, 3, MEDIUM, (*POST, "phone", "email"), 12, households=0.5, twins=0.1, namesakes=0.05, headers=_PLAIN
    ),
    "household_post": RecordSet(500, 3, MEDIUM, POST, 13, households=0.5, twins=0.1, headers=_PLAIN),
    "crm": RecordSet(500, 4, MEDIUM, ("name", "company", "email", "phone", "city"), 14, households=0.2, headers=_PLAIN),
    "split_date": RecordSet(900, 2, LIGHT, ("given", "family", "year", "month", "day"), 15, headers=_SPLIT),
    "life": RecordSet(500, 4, LIFE, (*POST, "gender", "job"), 16, namesakes=0.1, headers=_PLAIN),
}
HELD_OUT: dict[str, RecordSet] = {
    "h_medium": RecordSet(350, 5, MEDIUM, FIVE, 1041, headers=_SPANISH),
    "h_heavy": RecordSet(260, 7, HEAVY, FIVE, 1042, namesakes=0.1, headers=_PLAIN),
    "h_tail": RecordSet(250, 1, MEDIUM, (*FIVE, "gender", "job"), 1043, tail=True, headers=_PLAIN),
    "h_gaps": RecordSet(400, 4, GAPS, (*POST, "email"), 1044, headers=_PLAIN),
    "h_households": RecordSet(
        450, 3, MEDIUM, ("name", "street", "postcode", "phone", "email"), 1045, households=0.4, headers=_PLAIN
    ),
    "h_french": RecordSet(
        450, 4, MEDIUM, ("name", "city", "postcode", "phone", "email"), 1046, households=0.15, headers=_FRENCH
    ),
    "h_split_date": RecordSet(
        700, 3, MEDIUM, ("given", "family", "year", "month", "day", "city"), 1047, headers=_WORDS
    ),
    "h_life": RecordSet(400, 5, LIFE, (*FIVE, "postcode"), 1048, households=0.3, twins=0.05, headers=_PLAIN),
}
