from __future__ import annotations

from pathlib import Path

import pytest

from textcrm.classify.goldlabels import match_labels
from textcrm.classify.labelled import read_labelled
from textcrm.errors import NotFoundError, UnreadableError, UsageError


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content", "texts", "labels"),
    [
        ("a.csv", 'text,category\n"one, ""two""\nthree",x\nfour,y\n', ('one, "two"\nthree', "four"), ("x", "y")),
        ("a.csv", "category;Message\nx;one\ny;two\n", ("one", "two"), ("x", "y")),
        ("a.csv", "id,Review,Sentiment\n1,good,1\n2,bad,0\n", ("good", "bad"), ("1", "0")),
        ("a.tsv", "sentence\tlabel\none\tx\ntwo\ty\n", ("one", "two"), ("x", "y")),
        ("a.tsv", 'a "quote\t1\nplain\t0\n', ('a "quote', "plain"), ("1", "0")),
        ("a.txt", "this works\t1\nthat fails\t0\n", ("this works", "that fails"), ("1", "0")),
        ("a.jsonl", '{"text": "one", "label": 1}\n\n{"text": "two", "label": 0}\n', ("one", "two"), ("1", "0")),
        ("a.json", '[{"body": "one", "intent": "x"}, {"body": "two", "intent": "y"}]', ("one", "two"), ("x", "y")),
        ("a.csv", "text,label\ncaf\xe9,x\nol\xe9,y\n".encode("latin-1"), ("caf\xe9", "ol\xe9"), ("x", "y")),
        ("a.csv", "text,label\none,x\ntwo,y\n".encode("utf-16"), ("one", "two"), ("x", "y")),
        ("a.csv", b"\xef\xbb\xbftext,label\none,x\ntwo,y\n", ("one", "two"), ("x", "y")),
        ("a.csv", "utterance,tag\r\none,x\r\ntwo,y\r\n", ("one", "two"), ("x", "y")),
    ],
)
def test_files_as_they_come(tmp_path: Path, name: str, content: str | bytes, texts: object, labels: object) -> None:
    rows = read_labelled(write(tmp_path, name, content), with_labels=True)
    assert rows.texts == texts
    assert tuple(row[0] for row in rows.labels) == labels


def test_rows_without_text_or_label_are_left_out_and_named(tmp_path: Path) -> None:
    rows = read_labelled(write(tmp_path, "a.csv", "text,label\none,x\n,y\nthree,\nfour,z\nfive\n"), with_labels=True)
    assert rows.lines == (1, 4)
    assert rows.skipped == (2, 3, 5)


def test_without_labels_every_row_has_an_answer(tmp_path: Path) -> None:
    rows = read_labelled(write(tmp_path, "a.csv", "id,text\n1,one\n2,\n3,three\n"), with_labels=False)
    assert rows.texts == ("one", "", "three")


def test_columns_by_name_by_number_and_by_guess(tmp_path: Path) -> None:
    path = write(
        tmp_path, "a.csv", "foo,bar,baz\nlong words here,7,x\nmore long words,8,y\nand so on here,9,x\nyes,1,y\n"
    )
    assert read_labelled(path, text="foo", label="baz", with_labels=True).guessed == ()
    assert read_labelled(path, text="0", label="2", with_labels=True).labels[0] == ("x",)
    guessed = read_labelled(path, with_labels=True)
    assert guessed.guessed == ("text = foo", "label = baz")
    with pytest.raises(UsageError, match="no column nope"):
        read_labelled(path, text="nope", with_labels=True)


def test_several_labels(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "text,labels\none,a|b\ntwo,c\n")
    assert read_labelled(path, with_labels=True, multi_label=True).labels == (("a", "b"), ("c",))
    path = write(tmp_path, "a.jsonl", '{"text": "one", "labels": ["a", "b"]}\n')
    assert read_labelled(path, with_labels=True, multi_label=True).labels == (("a", "b"),)


@pytest.mark.parametrize("content", [b"\x00\x01\x02", b'{"text": 1}\nnot json', b"[1, 2]", b'"text"'])
def test_what_is_no_data_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_labelled(write(tmp_path, "a.jsonl", content), with_labels=True)
    with pytest.raises(NotFoundError):
        read_labelled(tmp_path / "absent.csv", with_labels=True)


SENTIMENT = ("negative", "neutral", "positive")


@pytest.mark.parametrize(
    ("gold", "known", "mapped", "among"),
    [
        ("0 1", SENTIMENT, {"0": "negative", "1": "positive"}, ("negative", "positive")),
        ("-1 1", SENTIMENT, {"-1": "negative", "1": "positive"}, ("negative", "positive")),
        ("0 1 2", SENTIMENT, {"0": "negative", "1": "neutral", "2": "positive"}, None),
        ("0 2 4", SENTIMENT, {"0": "negative", "2": "neutral", "4": "positive"}, None),
        ("neg pos", SENTIMENT, {"neg": "negative", "pos": "positive"}, ("negative", "positive")),
        ("Positive NEGATIVE", SENTIMENT, {"Positive": "positive", "NEGATIVE": "negative"}, ("negative", "positive")),
        ("negative neutral positive", SENTIMENT, {}, None),
        ("x y", SENTIMENT, {}, None),
        ("a b", tuple("abcdefgh"), {}, None),  # a model of many labels is not told which occur
        ("0 1", ("0", "1"), {}, None),
        ("Card Arrival", ("card_arrival", "other"), {}, None),
    ],
)
def test_labels_of_a_file_in_the_words_of_a_model(
    gold: str, known: tuple[str, ...], mapped: object, among: object
) -> None:
    matched = match_labels([(label,) for label in gold.split()], known)
    assert (matched.mapped, matched.among) == (mapped, among)


def test_a_mapping_is_followed_and_checked() -> None:
    matched = match_labels([("0",), ("1",)], SENTIMENT, mapping={"0": "positive", "1": "negative"})
    assert matched.gold == (("positive",), ("negative",))
    with pytest.raises(UsageError, match="no label of that name"):
        match_labels([("0",)], SENTIMENT, mapping={"0": "bad"})
    assert match_labels([("positive",)], SENTIMENT, among=["neutral", "positive"]).among == ("neutral", "positive")


def test_a_next_line_character_inside_a_text_ends_no_row(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("A film\x85 about, well, little.\t0\nLovely\x0c indeed\t1\n".encode())
    rows = read_labelled(path, with_labels=True)
    assert rows.texts == ("A film\x85 about, well, little.", "Lovely\x0c indeed")
    assert rows.labels == (("0",), ("1",))
