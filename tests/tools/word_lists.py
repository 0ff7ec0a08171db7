"""Makes the two word lists of the entities stage, ``textcrm/entities/data/{names,common_words}.txt``.

Run: ``pip install --target DIR faker==40.63.0 && python -m tests.tools.word_lists DIR``.

The common words are counted from texts written for this project (``corpora/messages``, ``strangers``, ``demo`` and the
English ``mail-parts``), and from word lists whose licence allows it: the VADER lexicon (MIT), spaCy's stop words (MIT)
and the English words in Faker (MIT). The names are Faker's. Nothing else goes in. The notices are in
``textcrm/entities/data/LICENSES.txt``.
"""

from __future__ import annotations

import csv
import email
import email.policy
import importlib
import importlib.resources
import json
import pkgutil
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from textcrm.entities.lexicon import COUNTRIES, NATIONALITIES, NOT_NAMES

ROOT = Path(__file__).resolve().parents[2]
CORPORA = ROOT / "corpora"
DATA = ROOT / "textcrm" / "entities" / "data"
STOP_WORDS = ("en", "de", "fr", "es", "it", "nl", "pl", "pt")
WORD = re.compile(r"(?<![\w@.'’/-])[^\W\d_]{2,14}(?![\w@]|[./:]\w)")
NAME = re.compile(r"[^\W\d_][\w'’-]{1,20}")
# Names that are also places or words, whatever the texts say.
ALSO_WORDS = frozenset(
    """
    mark may will grace hope faith joy rose art bill frank rich pat sue drew chase grant wade miles penny
    summer dawn eve amber ruby crystal iris lily daisy violet ivy holly robin jay star sky storm rain river
    brook cliff dale glen heath forest ash max king duke earl prince baron bishop dean page case park lane
    stone banks bush field church bell london paris austin jordan chelsea florence georgia india china chad
    carolina virginia dakota savannah sydney victoria adelaide madison lincoln jackson houston dallas denver
    orlando phoenix charlotte eugene santiago diego valencia milan roma israel
    """.split()
)
NAMES_HEAD = """\
# Given names (g) and family names (s) of some sixty countries, in lower case; ? marks those that are also common words
# or places. Taken from the lists of person names in Faker 40 (https://github.com/joke2k/faker), copyright (c) 2012
# Daniele Faraglia, MIT licence (LICENSES.txt); nationalities, countries and field words of letters are left out.
# Made by: python -m tests.tools.word_lists
"""
WORDS_HEAD = """\
# Words that stand mostly in lower case in English customer text: what is spelt like this is hardly a name. Counted from
# the corpora of this project, the VADER lexicon (MIT), spaCy's stop words (MIT) and Faker's English words (MIT).
# Made by: python -m tests.tools.word_lists
"""


def texts() -> Iterator[str]:
    """Yield what was written for this project in English."""
    for path in sorted([*CORPORA.glob("messages/*.jsonl"), *CORPORA.glob("strangers/*.jsonl")]):
        yield from (json.loads(line)["text"] for line in path.read_text("utf-8").splitlines())
    for line in (CORPORA / "mail-parts" / "gold.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        if row["language"] == "en":
            yield row["text"]
    for name in ("chat.csv", "reviews.csv"):
        with (CORPORA / "demo" / name).open(encoding="utf-8", newline="") as stream:
            yield from (value for row in csv.DictReader(stream) for value in row.values() if value and " " in value)
    for path in sorted((CORPORA / "demo" / "mail").rglob("*.eml")):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        body = message.get_body(("plain",))
        if body is not None:
            yield body.get_content()


def listed() -> Iterator[str]:
    """Yield the words of the two lists of English words."""
    vader = importlib.resources.files("vaderSentiment").joinpath("vader_lexicon.txt").read_text("utf-8")
    yield from (line.split("\t", 1)[0] for line in vader.splitlines())
    yield from importlib.import_module("faker.providers.lorem.en_US").Provider.word_list


def stop_words() -> Iterator[str]:
    """Yield the words that decide nothing in the languages of customer mail."""
    for language in STOP_WORDS:
        yield from importlib.import_module(f"spacy.lang.{language}.stop_words").STOP_WORDS


def person_names() -> tuple[set[str], set[str]]:
    """Return Faker's given and family names in Latin letters, in lower case."""
    given: set[str] = set()
    family: set[str] = set()
    package = importlib.import_module("faker.providers.person")
    for info in pkgutil.iter_modules(package.__path__):
        provider = importlib.import_module(f"faker.providers.person.{info.name}").Provider
        for attribute in dir(provider):
            value = getattr(provider, attribute)
            kind = (
                given if attribute.startswith("first_name") else family if attribute.startswith("last_name") else None
            )
            if kind is not None and isinstance(value, (tuple, list, dict)):
                kind.update(item.lower() for item in value if isinstance(item, str) and _is_name(item))
    return given, family


def _is_name(item: str) -> bool:
    latin = all(unicodedata.name(c, "").startswith("LATIN") for c in item if c.isalpha())
    return latin and item[0].isupper() and NAME.fullmatch(item) is not None


def _is_word(item: str) -> bool:
    return item.isascii() and item.isalpha() and item.islower() and 2 <= len(item) <= 14


def common_words(given: set[str], family: set[str]) -> set[str]:
    """Return the words that stand mostly in lower case; those that are also names need to do so often."""
    low: Counter[str] = Counter()
    high: Counter[str] = Counter()
    for text in texts():
        shouted = text.isupper()
        for match in WORD.finditer(text):
            word = match.group()
            if word.islower():
                low[word] += 1
            elif word.istitle() and not shouted and text[max(0, match.start() - 2) : match.start()][:1].isalnum():
                high[word.lower()] += 1
    for words, weight in ((listed(), 4), (stop_words(), 8)):
        low.update(dict.fromkeys(filter(_is_word, words), weight))
    found = set()
    for word, count in low.items():
        if word in given:
            least, share = 8, 3
        elif word in family:
            least, share = 5, 2
        else:
            least, share = 1, 1
        if _is_word(word) and count >= least and count >= share * high[word]:
            found.add(word)
    return found


def main() -> None:
    """Write both files."""
    sys.path.insert(0, sys.argv[1])
    given, family = person_names()
    words = common_words(given, family)
    other = NOT_NAMES | NATIONALITIES | {country.lower() for country in COUNTRIES}
    lines = [
        f"{name} {'g' * (name in given)}{'s' * (name in family)}{'?' * (name in words or name in ALSO_WORDS)}"
        for name in sorted((given | family) - other)
    ]
    (DATA / "names.txt").write_text(NAMES_HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    (DATA / "common_words.txt").write_text(WORDS_HEAD + "\n".join(sorted(words)) + "\n", encoding="utf-8")
    print(f"{len(lines):,} names, {len(words):,} words")


if __name__ == "__main__":
    main()
