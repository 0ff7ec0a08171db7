"""Ugly input, on the real database: each item works or is quarantined with its bytes, reason and place."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.conftest import SHARED
from textcrm.errors import NotFoundError, UsageError
from textcrm.operations.intake.ingest import IngestReport, ingest
from textcrm.operations.intake.quarantine import replay_items
from textcrm.records import Channel
from textcrm.settings import Settings
from textcrm.store.client import Store

MAIL = b"From: Ann <ann@example.com>\r\nSubject: Order\r\nMessage-ID: <%d@x>\r\n\r\nWhere is my order?\r\n"


def take(store: Store, settings: Settings, path: Path, channel: Channel = "review") -> IngestReport:
    before = store.messages.count()
    report = ingest(store, [path], channel=channel, settings=settings)
    assert report.items == report.stored + report.duplicates + report.quarantined
    assert store.messages.count() - before == report.stored
    again = ingest(store, [path], channel=channel, settings=settings)
    assert (again.stored, again.items) == (0, report.items), "taking it twice changes nothing"
    return report


def texts(store: Store) -> list[str]:
    return [message.text for message in store.messages.iterate()]


def test_a_latin_1_table(store: Store, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("id;text\n1;Die Lieferung kam zu spät, schöne Grüße\n2;Größe passt nicht\n".encode("latin-1"))
    assert take(store, settings, path).stored == 2
    assert "schöne Grüße" in " ".join(texts(store))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_a_table_in_another_encoding(store: Store, settings: Settings, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes('id,text\n1,"Two lines,\nand a comma — ok"\n2,Second one here\n'.encode(encoding))
    assert take(store, settings, path).stored == 2
    assert "Two lines,\nand a comma — ok" in texts(store)


def test_unequal_rows_are_named_by_line_and_the_rest_goes_on(store: Store, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "id,text,date\n1,Good lamp,2026-01-01\n2,Too few\n3,Fine chair,2026-01-02\n4,a,b,c,d\n5,Late,2026-01-03\n"
    )
    report = take(store, settings, path)
    assert (report.stored, report.quarantined) == (3, 2)
    assert [(r.file, r.line, r.reason) for r in report.rejections] == [
        ("a.csv", 3, "unequal_row"),
        ("a.csv", 5, "unequal_row"),
    ]


def test_a_stray_quote_swallows_no_other_rows(store: Store, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id,text\n1,First text\n2,"never closed\n3,Third text\n4,Fourth text\n5,Fifth, text\n')
    report = take(store, settings, path)
    assert {"First text", "Third text", "Fourth text"} <= set(texts(store))
    assert report.quarantined == 2


def test_one_broken_line_in_jsonl(store: Store, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    lines = [json.dumps({"text": f"Message number {n}"}) for n in range(5)]
    lines[2] = lines[2][:-4]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    report = take(store, settings, path, "social")
    assert (report.stored, report.quarantined) == (4, 1)
    (item,) = store.quarantine.list()
    assert (item.source.place, item.reason) == (3, "bad_json")
    assert store.raws.get(item.raw_sha256).strip().decode() == lines[2]


@pytest.mark.parametrize(
    ("name", "data_and_reason"),
    [
        ("empty.csv", (b"", "empty")),
        ("empty.eml", (b"", "empty")),
        ("picture.csv", (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "unreadable")),
        ("binary.eml", (bytes(range(256)) * 40, "unreadable")),
        ("damaged.jsonl.gz", (gzip.compress(b'{"text": "hello there"}' * 99)[:40], "unreadable")),
        ("not.parquet", (b"PAR1 but not really", "unreadable")),
        ("notes.docx", (b"PK\x03\x04 something", "unreadable")),
    ],
)
def test_files_that_hold_no_messages(
    store: Store, settings: Settings, tmp_path: Path, name: str, data_and_reason: tuple[bytes, str]
) -> None:
    data, reason = data_and_reason
    path = tmp_path / name
    path.write_bytes(data)
    report = take(store, settings, path, "email")
    assert (report.stored, report.quarantined) == (0, 1)
    (item,) = store.quarantine.list()
    assert (item.reason, item.source.name) == (reason, name)
    assert store.raws.get(item.raw_sha256) == data


def test_a_row_without_text(store: Store, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text\n1,Some words\n2,\n3,   \n")
    report = take(store, settings, path)
    assert (report.stored, [r.reason for r in report.rejections]) == (1, ["no_text", "no_text"])


def test_nul_and_lone_surrogates(store: Store, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a nul \\u0000 inside"}\n{"text": "half an emoji \\ud83d here"}\n')
    assert take(store, settings, path).stored == 2
    assert any("half an emoji" in text for text in texts(store))


def test_a_mail_without_headers(store: Store, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.eml"
    path.write_bytes(b"\r\nJust a body, no headers at all.\r\n")
    assert take(store, settings, path, "email").stored == 1


def test_a_message_over_the_cap_keeps_its_bytes(store: Store, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "big.eml"
    data = MAIL % 1 + b"x" * 30_000_000
    path.write_bytes(data)
    report = take(store, settings, path, "email")
    assert [r.reason for r in report.rejections] == ["too_large"]
    (item,) = store.quarantine.list()
    assert store.raws.get(item.raw_sha256) == data


def test_a_ten_megabyte_review(store: Store, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": "very good " * 1_000_000}) + "\n" + json.dumps({"text": "short one"}))
    report = take(store, settings, path)
    assert report.stored + report.quarantined == 2
    assert "short one" in texts(store)


def test_mail_keeps_its_raw_bytes(store: Store, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(MAIL % 1)
    take(store, settings, tmp_path, "email")
    (message,) = store.messages.iterate()
    assert message.raw_sha256 is not None
    assert store.raws.get(message.raw_sha256) == MAIL % 1


def test_mbox_maildir_and_folders(store: Store, settings: Settings, tmp_path: Path) -> None:
    box = b"".join(
        b"From ann@example.com Mon Sep  7 10:00:00 2026\n" + (MAIL % n).replace(b"\r", b"") + b"\n" for n in range(3)
    )
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "box.mbox").write_bytes(box)
    for part in ("cur", "new", "tmp"):
        (tmp_path / "in" / "Maildir" / part).mkdir(parents=True)
    (tmp_path / "in" / "Maildir" / "new" / "1.host").write_bytes(MAIL % 10)
    (tmp_path / "in" / "Maildir" / "cur" / "2.host:2,S").write_bytes(MAIL % 11)
    (tmp_path / "in" / "deep" / "mail").write_bytes(MAIL % 12)
    assert take(store, settings, tmp_path / "in", "email").stored == 6


def test_the_same_message_id_with_other_words_is_another_message(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "a.eml").write_bytes(MAIL % 1)
    (tmp_path / "b.eml").write_bytes((MAIL % 1).replace(b"Where is", b"Never mind"))
    assert take(store, settings, tmp_path, "email").stored == 2


def test_replay_after_the_cap_was_raised(store: Store, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "big.eml"
    path.write_bytes(MAIL % 1 + b"word " * 1_000)
    small = settings.model_copy(update={"max_message_bytes": 2_000})
    assert take(store, small, path, "email").quarantined == 1
    items = store.quarantine.list()
    assert [r.outcome for r in replay_items(store, items, settings=small)] == ["failed"]
    assert [r.outcome for r in replay_items(store, items, settings=settings)] == ["stored"]
    assert store.quarantine.list() == []
    assert ingest(store, [path], channel="email", settings=settings).duplicates == 1, "it is the message of the file"


def test_wrong_paths_and_mappings(store: Store, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="There is no file or folder"):
        ingest(store, [tmp_path / "none"], channel="chat", settings=settings)
    path = tmp_path / "a.csv"
    path.write_text("id,body\n1,Hello out there\n")
    with pytest.raises(UsageError):
        ingest(store, [path], channel="chat", settings=settings, mapping={"text": "nothing"})
    report = ingest(store, [path], channel="chat", settings=settings, mapping={"text": "body"})
    assert report.stored == 1


@pytest.mark.parametrize("folder", ["raw_mail", "malformed_mail"])
def test_all_of_a_folder_of_real_mail_is_accounted_for(store: Store, settings: Settings, folder: str) -> None:
    if not SHARED.is_dir():
        pytest.skip("the public data sets in ../shared/data are not here")
    files = [p for p in (SHARED / folder).rglob("*") if p.is_file() and not p.name.startswith("_")]
    report = take(store, settings, SHARED / folder, "email")
    extra = [p for p in (SHARED / folder).rglob("_*") if p.is_file()]
    assert len(files) <= report.items <= len(files) + len(extra)
    print(
        f"{folder}: {report.items} items, {report.stored} stored, {report.duplicates} there, {report.quarantined} out"
    )
