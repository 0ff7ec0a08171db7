"""Identifiers and names in the one form in which they are compared."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers

_LOCAL = re.compile(r"[^\s@<>()\[\],;:\"\\]{1,64}\Z")
_LABEL = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?\Z")
_NOT_WORD = re.compile(r"[\W_]+")
_HANDLE_URL = re.compile(
    r"(?:https?://)?(?:www\.|m\.)?(?:twitter|x|instagram|facebook|threads|tiktok)\.(?:com|net)/@?", re.IGNORECASE
)

# RFC 2142 names mailboxes by their function; the rest are the functions that companies and forms write from.
ROLES = frozenset(
    """abuse accounting accounts admin administrator alert alerts asst-support auto-reply autoreply billing bookings
    booking bounce bounces buchhaltung careers contact contactus compras customercare customerservice customer-service
    customersupport daemon dpo donotreply do-not-reply enquiries enquiry einkauf feedback finance ftp hallo hello help
    helpdesk hi hostmaster hr info information inquiries inquiry invoice invoices it jobs kontakt kundenservice legal
    list list-owner mail mailbox mailer-daemon mailerdaemon marketing media members membership moderator news
    newsletter no-reply noreply no_reply nobody notification notifications notify office operations ops order orders
    postmaster press privacy purchasing rechnung reception recruitment replies reply reservations returns root
    sales security server service services shop spam subscribe support sysadmin system team tech unsubscribe usenet
    uucp ventas verkauf vertrieb web webmaster welcome www""".split()
)
_ROLE_ENDINGS = re.compile(r"(?:no-?reply|do-?not-?reply|-bounces?|-request|-owner|-unsubscribe|mailer-daemon)\Z")

FREE_MAIL = frozenset(
    """aol.com comcast.net fastmail.com free.fr freenet.de gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net
    googlemail.com hey.com hotmail.co.uk hotmail.com hotmail.de hotmail.es hotmail.fr hotmail.it icloud.com laposte.net
    libero.it live.com live.co.uk live.fr mac.com mail.com mail.ru me.com msn.com naver.com orange.fr outlook.com
    outlook.de outlook.fr pm.me posteo.de proton.me protonmail.com qq.com rocketmail.com sbcglobal.net t-online.de
    verizon.net virgilio.it wanadoo.fr web.de yahoo.ca yahoo.co.in yahoo.co.uk yahoo.com yahoo.com.au yahoo.com.br
    yahoo.de yahoo.es yahoo.fr yahoo.it yandex.ru ymail.com zoho.com 163.com 126.com btinternet.com""".split()
)

_TITLES = frozenset(
    """mr mrs ms miss mx dr prof sir dame lady lord rev fr sr herr frau hr fru m mme mlle monsieur madame signor signora
    sig dott ing dipl dott.ssa sra don doña dna dhr mevr""".split()
)
_SUFFIXES = frozenset("jr sr ii iii iv phd md esq msc bsc mba dds cpa ba ma rn".split())
_PARTICLES = frozenset("de del della der den di da du van von la le dos das ter ten zu zum bin ibn al el st".split())


def email(value: str | None, *, provider_rules: bool = False) -> str | None:
    """Return a mail address in lower case, or None where *value* is none.

    Parameters
    ----------
    provider_rules
        Also fold what some providers ignore: all after ``+``, and the dots at Gmail.

    References
    ----------
    RFC 5321, 4.5.3.1 (64 and 255 octets); RFC 1035, 2.3.1 (labels); https://support.google.com/mail/answer/7436150.
    """
    if not value or len(value) > 400:
        return None
    text = unicodedata.normalize("NFKC", value).strip().strip("<>\"'").strip().lower()
    text = text.removeprefix("mailto:").rstrip(".")
    local, at, domain = text.rpartition("@")
    if not at or not _LOCAL.match(local) or len(domain) > 255:
        return None
    labels = domain.split(".")
    if len(labels) < 2 or not all(_LABEL.match(label) for label in labels) or labels[-1].isdigit():
        return None
    if provider_rules:
        local = local.split("+")[0] or local
        if domain in ("gmail.com", "googlemail.com"):
            local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def is_role_address(address: str) -> bool:
    """Tell whether *address* is a function and not a person: ``info@``, ``support@``, ``noreply@``.

    References
    ----------
    RFC 2142, mailbox names for common services, roles and functions.
    """
    local = address.partition("@")[0].lower().partition("+")[0]
    bare = local.replace(".", "-").replace("_", "-")
    if local in ROLES or bare in ROLES or bare.replace("-", "") in ROLES or _ROLE_ENDINGS.search(bare):
        return True
    words = bare.split("-")
    return words[0] in ROLES and len(words) > 1 and all(w in ROLES or len(w) <= 3 for w in words[1:])


def phone(value: str | None, region: str) -> str | None:
    """Return a phone number in E.164 (``+12025550143``), or None where *value* is none.

    Parameters
    ----------
    region
        ISO 3166 code of the country whose habits apply where the number names no country.
    """
    if not value or len(value) > 60:
        return None
    return _phone(value.strip(), region)


@lru_cache(maxsize=8192)
def _phone(value: str, region: str) -> str | None:
    text = "+" + value[2:] if value.startswith("00") and len(value) > 8 else value
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    if len(set(str(number.national_number))) < 3:  # 0000000000, 1111111111: a form filled in
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def handle(value: str) -> str:
    """Return a handle as ``@name`` in lower case; the address of a profile is read too."""
    text = value.strip()
    address = _HANDLE_URL.match(text)
    text = text[address.end() if address else 0 :].partition("?")[0]
    while (trimmed := text.strip().strip("/")) != text:
        text = trimmed
    return "@" + text.lstrip("@").lower()


@lru_cache(maxsize=65536)
def fold(value: str) -> str:
    """Return *value* for comparison: compatible forms, no accents, case folded, words apart by one blank."""
    special = value.replace("ß", "ss").replace("ø", "o").replace("Ø", "O").replace("ł", "l").replace("Ł", "L")
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", special).casefold())
    plain = "".join(c for c in folded if not unicodedata.combining(c))
    return _NOT_WORD.sub(" ", plain.replace("'", "").replace("\u2019", "")).strip()


@dataclass(frozen=True, slots=True)
class Name:
    """A personal name, folded. ``family`` holds its particles (``van der berg``); any part may be empty."""

    given: str = ""
    middle: str = ""
    family: str = ""

    @property
    def full(self) -> str:
        """Given and family name."""
        return f"{self.given} {self.family}".strip()


def name(value: str | None) -> Name:
    """Take a personal name apart: titles and suffixes off, ``Smith, Ann`` turned round, ``Ann (Sales)`` cut.

    Returns
    -------
    The parts; one word alone is a given name.
    """
    if not value or "@" in value:
        return Name()
    text = value[:200].split("(")[0].split("|")[0].split(" via ")[0].strip("\"' ")
    before, comma, after = text.partition(",")
    if comma and after.strip() and fold(after) not in _SUFFIXES:
        text = f"{after} {before}"
    words = [w for w in fold(text).split() if not w.isdigit()]
    while words and words[0] in _TITLES and len(words) > 1:
        words.pop(0)
    while len(words) > 1 and words[-1] in _SUFFIXES:
        words.pop()
    if not words:
        return Name()
    if len(words) == 1:
        return Name(given=words[0])
    start = len(words) - 1
    while start > 1 and words[start - 1] in _PARTICLES:
        start -= 1
    return Name(words[0], " ".join(words[1:start]), " ".join(words[start:]))


def digits(value: str) -> str:
    """Return only the decimal digits of *value*."""
    return "".join(c for c in value if c.isdecimal())
