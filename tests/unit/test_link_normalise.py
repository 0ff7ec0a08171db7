from __future__ import annotations

import pytest

from textcrm.link import normalise
from textcrm.link.names import names_agree, same_given


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Ann@Example.COM", "ann@example.com"),
        ("  <ann@example.com> ", "ann@example.com"),
        ("mailto:ann@example.com", "ann@example.com"),
        ("ann@example.com.", "ann@example.com"),
        ("ann+shop@example.com", "ann+shop@example.com"),
        ("jürgen@bücher.example", "jürgen@bücher.example"),
        ("o'neil@example.org", "o'neil@example.org"),
        ("ann@example", None),
        ("ann@@example.com", None),
        ("ann@exa mple.com", None),
        ("ann@-example.com", None),
        ("ann@example..com", None),
        ("ann@10.0.0.1", None),
        ("@example.com", None),
        ("n/a", None),
        ("", None),
        (None, None),
        ("a" * 65 + "@example.com", None),
    ],
)
def test_a_mail_address_has_one_form_or_none(given: str | None, expected: str | None) -> None:
    assert normalise.email(given) == expected


def test_provider_rules_are_an_option() -> None:
    assert normalise.email("a.nn+x@googlemail.com", provider_rules=True) == "ann@gmail.com"
    assert normalise.email("a.nn+x@example.com", provider_rules=True) == "a.nn@example.com"


@pytest.mark.parametrize(
    ("given", "region", "expected"),
    [
        ("(202) 555-0143", "US", "+12025550143"),
        ("+1 202 555 0143", "DE", "+12025550143"),
        ("001 202 555 0143", "DE", "+12025550143"),
        ("030 901820", "DE", "+4930901820"),
        ("07700 900123", "GB", "+447700900123"),
        ("555-0143", "US", None),
        ("0000000000", "US", None),
        ("call me", "US", None),
        ("2024-11-24", "US", None),
        ("", "US", None),
    ],
)
def test_a_phone_number_has_one_form_or_none(given: str, region: str, expected: str | None) -> None:
    assert normalise.phone(given, region) == expected


@pytest.mark.parametrize("given", ["Ann_B", "@ann_b", " @ANN_B ", "https://x.com/ann_b", "twitter.com/@Ann_b/"])
def test_a_handle_has_one_form(given: str) -> None:
    assert normalise.handle(given) == "@ann_b"


@pytest.mark.parametrize(
    "address",
    [
        "info@example.com",
        "Support@example.com",
        "no-reply@example.com",
        "noreply-orders@example.com",
        "customer.service@example.com",
        "support+123@example.com",
        "support-de@example.com",
        "list-bounces@example.com",
        "mailer-daemon@example.com",
    ],
)
def test_a_function_is_no_person(address: str) -> None:
    assert normalise.is_role_address(address)


@pytest.mark.parametrize(
    "address",
    ["ann@example.com", "ann.sales@example.com", "salesh@example.com", "orderson@example.com", "ian.hall@example.com"],
)
def test_a_person_is_no_function(address: str) -> None:
    assert not normalise.is_role_address(address)


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ("Ann Smith", ("ann", "", "smith")),
        ("Smith, Ann", ("ann", "", "smith")),
        ("Dr. Ann Marie Smith, PhD", ("ann", "marie", "smith")),
        ("Jan van der Berg", ("jan", "", "van der berg")),
        ("Söhne Müller", ("sohne", "", "muller")),
        ("Ann O'Neil (Sales)", ("ann", "", "oneil")),
        ("Ann", ("ann", "", "")),
        ("ann@example.com", ("", "", "")),
        ("", ("", "", "")),
    ],
)
def test_a_name_is_taken_apart(given: str, parts: tuple[str, str, str]) -> None:
    name = normalise.name(given)
    assert (name.given, name.middle, name.family) == parts


@pytest.mark.parametrize(
    ("left", "right", "agree"),
    [
        ("Ann Smith", "ANN SMITH", True),
        ("Bob Smith", "Robert Smith", True),
        ("R. Smith", "Robert Smith", True),
        ("Smith Ann", "Ann Smith", True),
        ("Ann Smith", "Ann Smyth", False),
        ("Ann Smith", "Ana Smith", False),
        ("Ann Smith", "Tom Smith", False),
        ("Ann", "Ann Smith", False),
        ("", "", False),
    ],
)
def test_names_agree_only_where_one_person_is_called_so(left: str, right: str, agree: bool) -> None:
    assert names_agree(normalise.name(left), normalise.name(right)) is agree


def test_short_forms_are_known() -> None:
    assert same_given("peggy", "margaret")
    assert not same_given("peggy", "peter")
