"""Every kind of file, and every kind of bad item: a message or a named rejection, never an exception, never a loss."""

from __future__ import annotations

import gzip
import mailbox
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from textcrm.errors import NotFoundError, UsageError
from textcrm.records import Message
from textcrm.sources import Rejected, count, guess_mapping, mapping_of, read
from textcrm.sources.mailbox import MailParser
from textcrm.sources.rows import when

NOW = datetime(2024, 3, 13, tzinfo=UTC)
MAIL = b"From: Ada <ada@b.example>\nTo: x@y.example\nSubject: kettle\nMessage-ID: <1@b>\n\nThe kettle leaks.\n"


def taken(path: Path, **options: object) -> list[Message | Rejected]:
    return list(read(path, channel="email", received_at=NOW, **options))  # type: ignore[arg-type]


def texts(items: list[Message | Rejected]) -> list[str]:
    return [item.text if isinstance(item, Message) else item.reason for item in items]


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("empty.csv", b"", ["empty"]),
        ("utf8.csv", b"text\nh\xc3\xa9llo there\n", ["héllo there"]),
        ("bom.csv", b"\xef\xbb\xbftext\nhello there\n", ["hello there"]),
        ("latin1.csv", "text;n\nDie Tür klemmt sehr;1\n".encode("latin-1"), ["Die Tür klemmt sehr"]),
        ("utf16.csv", "text\nDie Tür klemmt\n".encode("utf-16"), ["Die Tür klemmt"]),
        ("quoted.csv", b'id,text\n1,"two\nlines, one ""cell"""\n', ['two\nlines, one "cell"']),
        ("unequal.csv", b"id,text\n1,fine so far\n2\n3,a,b\n4,still here\n",
         ["fine so far", "unequal_row", "unequal_row", "still here"]),
        ("notext.csv", b"id,text\n1,\n2,words here\n", ["no_text", "words here"]),
        ("nul.csv", b"id,text\n1,a\x00b c\n", ["a\ufffdb c"]),
        ("binary.csv", bytes(range(256)) * 20, ["unreadable"]),
        ("zip.csv", b"PK\x03\x04" + b"a" * 100, ["unreadable"]),
        ("plain.tsv", b'Not "quoted\t0\nSecond row here\t1\n', ['Not "quoted', "Second row here"]),
        ("lines.jsonl", b'{"text": "one two"}\n{"text": \n\n{"text": "three"}\n[1]\n',
         ["one two", "bad_json", "three", "bad_json"]),
        ("lone.jsonl", b'{"text": "a \\ud83d b"}\n{"text": "pair \\ud83d\\ude00"}\n',
         ["a \ufffd b", "pair \U0001f600"]),
        ("many.json", b'[{"body": "one two"}, {"body": "three four"}]', ["one two", "three four"]),
        ("plain.eml", MAIL, ["The kettle leaks.\n"]),
        ("no_header.eml", b"only words\nand more", ["only words\nand more"]),
        ("noise.eml", bytes(range(256)) * 9, ["unreadable"]),
        ("unknown.xyz", b"\x00\x01", ["unreadable"]),
        ("mail_without_extension", MAIL, ["The kettle leaks.\n"]),
        ("damaged.csv.gz", b"\x1f\x8b\x08\x00garbage", ["unreadable"]),
    ],
)  # fmt: skip
def test_one_file(tmp_path: Path, name: str, data: bytes, expected: list[str]) -> None:
    items = taken(write(tmp_path, name, data))
    assert texts(items) == expected
    for item in items:
        if isinstance(item, Rejected):
            assert item.raw or item.reason == "empty"
            assert item.detail
            assert item.source.name == name


def test_a_rejected_row_keeps_its_line_and_its_bytes(tmp_path: Path) -> None:
    items = taken(write(tmp_path, "a.csv", b'id,text\n1,"a\nb"\n2\n'))
    bad = items[1]
    assert isinstance(bad, Rejected)
    assert (bad.source.place, bad.raw) == (4, b"id,text\n2\n")  # with the header, so that it can be replayed


def test_gzip_is_unpacked(tmp_path: Path) -> None:
    assert texts(taken(write(tmp_path, "a.jsonl.gz", gzip.compress(b'{"text": "one two"}\n')))) == ["one two"]


def test_parquet(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(
        pyarrow.table({"review_body": ["good one", "bad one"], "stars": [5, 1]}), tmp_path / "a.parquet"
    )
    items = taken(tmp_path / "a.parquet")
    assert texts(items) == ["good one", "bad one"]
    assert isinstance(items[0], Message)
    assert items[0].extra == (("stars", "5"),)
    assert texts(taken(write(tmp_path, "b.parquet", b"no parquet"))) == ["unreadable"]


def test_mbox_maildir_and_folder(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "a.mbox")
    box.add(MAIL.replace(b"leaks.", b"leaks.\n\nFrom here on it is worse."))
    box.add(MAIL.replace(b"<1@b>", b"<2@b>"))
    box.close()
    folder = mailbox.Maildir(tmp_path / "maildir")
    folder.add(MAIL.replace(b"<1@b>", b"<3@b>"))
    write(tmp_path, "z.csv", b"text\nhello there\n")
    write(tmp_path, ".hidden", b"no")
    items = taken(tmp_path)
    assert [item.source.kind for item in items] == ["mbox", "mbox", "maildir", "csv"]
    assert "From here on" in texts(items)[0]
    assert count(tmp_path) == 4
    assert [item.id for item in items if isinstance(item, Message)] == [
        item.id for item in taken(tmp_path) if isinstance(item, Message)
    ]


def test_a_mail_over_the_cap_is_kept_raw(tmp_path: Path) -> None:
    raw = MAIL + b"x" * 30_000_000
    (item,) = taken(write(tmp_path, "big.eml", raw))
    assert isinstance(item, Rejected)
    assert (item.reason, len(item.raw)) == ("too_large", len(raw))


def test_the_worker_is_restarted_and_the_rest_goes_on(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path, f"{name}.eml", MAIL if name != "b" else MAIL + b"words " * 3_000_000)
    with MailParser(seconds=0.2) as parser:
        reasons = texts(taken(tmp_path, parser=parser))
    assert reasons[0] == reasons[2] == "The kettle leaks.\n"
    assert reasons[1] in {"timeout", "too_large"}
    with MailParser(megabytes=90) as parser:
        reasons = texts(taken(tmp_path, parser=parser))
    assert reasons[1] in {"memory", "crashed", "too_large"}
    assert reasons[2] == "The kettle leaks.\n"


def test_mapping_is_guessed_and_can_be_given(tmp_path: Path) -> None:
    path = write(
        tmp_path, "a.csv", b"Review ID,Reviewer,E-Mail,Review Text,Date\n7,Ada,A@B.example,it leaks badly,31.12.2023\n"
    )
    assert mapping_of(path) == {
        "text": "Review Text", "author_name": "Reviewer", "author_email": "E-Mail",
        "sent_at": "Date", "external_id": "Review ID",
    }  # fmt: skip
    (item,) = taken(path)
    assert isinstance(item, Message)
    assert (item.author.email, item.source.external_id) == ("a@b.example", "7")
    assert item.sent_at == datetime(2023, 12, 31, tzinfo=UTC)
    assert texts(taken(path, mapping={"text": "Reviewer"})) == ["Ada"]
    with pytest.raises(UsageError, match="no column"):
        taken(path, mapping={"text": "nothing"})
    with pytest.raises(UsageError, match="no such field"):
        taken(path, mapping={"words": "Reviewer"})
    with pytest.raises(NotFoundError):
        taken(tmp_path / "none.csv")


def test_a_column_of_codes_is_no_text() -> None:
    rows = [{"text": "4711", "remark": "the box was open"}, {"text": "4712", "remark": "it leaks all over"}]
    assert guess_mapping(["text", "remark"], rows)["text"] == "remark"


@pytest.mark.parametrize(
    ("value", "expected", "warning"),
    [
        ("2024-03-12T09:41:00+01:00", datetime(2024, 3, 12, 8, 41, tzinfo=UTC), None),
        ("1710232860", datetime(2024, 3, 12, 8, 41, tzinfo=UTC), None),
        ("12.03.2024 09:41", datetime(2024, 3, 12, 9, 41, tzinfo=UTC), None),
        ("31/12/2023", datetime(2023, 12, 31, tzinfo=UTC), None),
        ("03/12/2024 9:41 PM", datetime(2024, 3, 12, 21, 41, tzinfo=UTC), "date_ambiguous"),
        ("Tue, 12 Mar 2024 09:41:00 +0100", datetime(2024, 3, 12, 8, 41, tzinfo=UTC), None),
        ("99.99.2024", None, "date_unreadable"),
        ("soon", None, "date_unreadable"),
    ],
)
def test_dates(value: str, expected: datetime | None, warning: str | None) -> None:
    warnings: list[str] = []
    assert when(value, warnings) == expected
    assert warnings == ([warning] if warning else [])


def test_same_words_of_another_day_are_another_message(tmp_path: Path) -> None:
    path = write(
        tmp_path, "a.csv", b"text,date\nGreat product,2024-01-01\nGreat product,2024-01-02\nGreat product,2024-01-02\n"
    )
    ids = [item.id for item in taken(path) if isinstance(item, Message)]
    assert ids[0] != ids[1]
    assert ids[1] == ids[2]


def test_what_mail_programs_send_is_read(tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["From"] = "Jörg Ä <j@x.example>"
    mail["Subject"] = "Grüße"
    mail.set_content("plain words here\n")
    mail.add_alternative("<p>html words here</p>", subtype="html")
    mail.add_attachment(b"%PDF-1", maintype="application", subtype="pdf", filename="Rechnung für Ä.pdf")
    (item,) = taken(write(tmp_path, "a.eml", mail.as_bytes()))
    assert isinstance(item, Message)
    assert (item.author.name, item.subject, item.text) == ("Jörg Ä", "Grüße", "plain words here\n")
    assert item.html is not None
    assert [(a.name, a.content_type, a.size) for a in item.attachments] == [
        ("Rechnung für Ä.pdf", "application/pdf", 6)
    ]


@pytest.mark.parametrize(
    ("charset", "body", "text"),
    [
        ("utf-8", "né".encode(), "né"),
        ("iso-8859-1", "né".encode("latin-1"), "né"),
        ("us-ascii", "né".encode(), "né"),
        ("idna", "né".encode(), "né"),
        ("x-user-defined", "né".encode("cp1252"), "né"),
        ("unknown-8bit", "né".encode("cp1252"), "né"),
        ("gb2312", "订单".encode("gb18030"), "订单"),
        ("iso-2022-jp", "注文".encode("iso-2022-jp"), "注文"),
    ],
)
def test_charsets(tmp_path: Path, charset: str, body: bytes, text: str) -> None:
    raw = b"From: a@b.example\nContent-Type: text/plain; charset=" + charset.encode() + b"\n\n" + body
    assert texts(taken(write(tmp_path, "a.eml", raw))) == [text]
