from __future__ import annotations

from pathlib import Path

import pytest

from textcrm.catalog import Catalog
from textcrm.errors import NotFoundError, SpecError
from textcrm.specs import PipelineSpec, RecipeSpec, read_spec

RECIPE = """
schema = 1
name = "mine"
task = "intent"
[[views]]
kind = "words"
ngrams = [1, 2]
"""
PIPELINE = """
schema = 1
name = "desk"
channel = "chat"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "spec.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_shipped_specs_are_sound(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    assert {"email", "review", "social", "chat"} <= set(catalog.pipelines())
    assert {"intent", "sentiment", "urgency", "intent-fast"} <= set(catalog.recipes())
    for name in catalog.pipelines():
        spec = catalog.pipeline(name)
        assert set(spec.models.values()) <= set(catalog.recipes())
    for name in catalog.recipes():
        assert catalog.recipe(name).name == name


def test_fingerprint_is_of_the_meaning_not_of_the_writing(tmp_path: Path) -> None:
    plain = read_spec(write(tmp_path, RECIPE), RecipeSpec)
    spelled = read_spec(write(tmp_path, RECIPE.replace("schema = 1", "# remark\nschema = 1\nfolds = 5")), RecipeSpec)
    other = read_spec(write(tmp_path, RECIPE.replace("schema = 1", "schema = 1\nfolds = 6")), RecipeSpec)
    assert plain.fingerprint() == spelled.fingerprint() != other.fingerprint()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (RECIPE.replace("schema = 1", "schema = 2"), "schema"),
        (RECIPE.replace("schema = 1", ""), "schema"),
        (RECIPE + "ngram = [1, 2]\n", "ngram"),
        (RECIPE.replace("[1, 2]", "[2, 1]"), "from <= to"),
        (RECIPE.replace("words", "worms"), "views.0"),
        (RECIPE.replace('"mine"', '"../mine"'), "name"),
        (RECIPE.replace("schema = 1", 'schema = 1\nhead = "oracle"'), "head"),
        (RECIPE.replace("schema = 1", 'schema = 1\noptional = ["x"]'), "optional"),
        (RECIPE.split("[[views]]", maxsplit=1)[0] + '[[views]]\nkind = "cues"\n', "at least one view"),
        (RECIPE + '[[views]]\nkind = "sentence"\n' * 2, "one sentence view"),
        ("schema = ", "no TOML"),
        ("\x00", "no TOML"),
        (RECIPE + "#" * 300_000, "larger"),
    ],
)
def test_a_wrong_recipe_is_refused_and_the_key_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        read_spec(write(tmp_path, text), RecipeSpec)


@pytest.mark.parametrize(
    "line",
    [
        'channel = "fax"',
        "colour = 1",
        'languages = ["english"]',
        'mask = { IBAN = "redact" }',
        'mask.storage = { IBAN = "burn" }',
        'mask.answers = { iban = "redact" }',
        "clean = 3",
        'entities = { brands = ["x"] }',
        'entities = { products = [""] }',
        'entities = { formats = { order = "ORD-###" } }',
        'entities = { allow = "x" }',
    ],
)
def test_a_wrong_pipeline_is_refused(tmp_path: Path, line: str) -> None:
    text = PIPELINE.replace('channel = "chat"', line) if line.startswith("channel") else PIPELINE + line
    with pytest.raises(SpecError):
        read_spec(write(tmp_path, text), PipelineSpec)


def test_a_pipeline_names_the_words_of_the_firm(tmp_path: Path) -> None:
    table = '[entities]\nproducts = ["Heron kettle"]\nallow = ["Alder & Finch"]\ndeny = ["Project Owl"]\n'
    spec = read_spec(write(tmp_path, PIPELINE + table + 'formats = { ORDER = "AF-#####" }\n'), PipelineSpec)
    assert spec.entities.products == ("Heron kettle",)
    assert (spec.entities.allow, spec.entities.deny) == (("Alder & Finch",), ("Project Owl",))
    assert spec.entities.formats == {"ORDER": "AF-#####"}


def test_the_users_own_come_first_and_names_are_never_paths(tmp_path: Path) -> None:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "chat.toml").write_text(PIPELINE.replace("desk", "chat") + 'languages = ["de"]\n')
    catalog = Catalog(tmp_path)
    assert catalog.pipeline("chat").languages == ("de",)
    for name in ("../pipelines/chat", "nothing", "/etc/passwd"):
        with pytest.raises(NotFoundError):
            catalog.pipeline(name)


def test_a_recipe_may_be_a_path(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    assert Catalog(tmp_path).recipe(str(tmp_path)).name == "mine"
    assert Catalog(tmp_path).recipe(str(tmp_path / "recipe.toml")).name == "mine"
    with pytest.raises(SpecError, match="cannot be read"):
        Catalog(tmp_path).recipe(str(tmp_path / "absent.toml"))
