"""Closed schemas of ``pipelines/*.toml`` and ``models/*/recipe.toml``.

Both are TOML with ``schema = 1``; an unknown key is an error. ``fingerprint()`` is the SHA-256 of the
canonical JSON of what was read, defaults included, so that two files that mean the same have the same
fingerprint.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from textcrm.errors import SpecError
from textcrm.records import Channel

MAX_SPEC_BYTES = 200_000

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,47}$")]
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
MaskAction = Literal["keep", "redact", "partial", "pseudonym"]
Head = Literal["random_forest", "extra_trees", "logistic_regression", "linear_svm", "decision_tree", "auto"]
LinearKind = Literal["logistic_regression", "linear_svm", "ridge"]


class Spec(BaseModel):
    """Base of everything that is read from TOML: frozen, closed."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the canonical JSON, in hexadecimal."""
        body = json.dumps(self.model_dump(mode="json", by_alias=True), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(body.encode()).hexdigest()


class CleanSpec(Spec):
    """What the cleaning stage takes apart."""

    quotes: bool = True
    signatures: bool = True
    social: bool = False


Term = Annotated[str, Field(min_length=1, max_length=200)]
EntityLabel = Annotated[str, Field(pattern=r"^[A-Z][A-Z_]{1,31}$")]


class EntitiesSpec(Spec):
    """Which recognisers run, and the words of the firm that they know.

    ``patterns`` names pattern recognisers; empty means all. ``products`` are names of products, reported as
    ``PRODUCT`` in any case; ``deny`` terms that are always reported, as ``TERM``; ``allow`` terms that are never
    reported, such as the firm's own name. ``formats`` gives the shapes of the firm's own numbers by label, e.g.
    ``ORDER = "ORD-######"``: ``#`` is a digit, ``@`` a letter, ``*`` either, all else stands for itself; the
    pattern recogniser ``order`` reads them.
    """

    spacy: bool = True
    patterns: tuple[Name, ...] = ()
    products: tuple[Term, ...] = ()
    formats: dict[EntityLabel, Annotated[str, Field(min_length=3, max_length=64)]] = Field(default_factory=dict)
    allow: tuple[Term, ...] = ()
    deny: tuple[Term, ...] = ()


MaskLabel = Annotated[str, Field(pattern=r"^(?:\*|[A-Z][A-Z_]{1,31})$")]


class MaskSpec(Spec):
    """What is hidden from whom: by purpose, an action for an entity label; ``*`` is for the labels not named.

    The rules come on top of those of the purpose (`textcrm.entities.mask.POLICIES`). ``storage`` is what the database
    keeps once a message is analysed, ``answers`` what the API and the webhooks tell, ``export`` what leaves the house,
    ``logs`` what a log may show. ``keep_original`` keeps a mail's bytes as received although its text is masked.
    """

    storage: dict[MaskLabel, MaskAction] = Field(default_factory=dict)
    answers: dict[MaskLabel, MaskAction] = Field(default_factory=dict)
    export: dict[MaskLabel, MaskAction] = Field(default_factory=dict)
    logs: dict[MaskLabel, MaskAction] = Field(default_factory=dict)
    keep_original: bool = False


class PipelineSpec(Spec):
    """How messages of one channel are analysed; ``models`` maps a task to a model."""

    schema_version: Literal[1] = Field(alias="schema")
    name: Name
    channel: Channel
    languages: tuple[LanguageCode, ...] = ("en",)
    clean: CleanSpec = CleanSpec()
    entities: EntitiesSpec = EntitiesSpec()
    models: dict[Name, Name] = Field(default_factory=dict)
    mask: MaskSpec = MaskSpec()


class NgramView(Spec):
    """A linear model on TF-IDF of word or character n-grams.

    ``ngrams`` is the range of lengths, both ends included; ``features`` the most that are kept; ``selection``
    how they are ranked (document frequency, chi-squared, mutual information); ``bits`` the size of the hash
    table.
    """

    kind: Literal["words", "characters"]
    ngrams: tuple[Annotated[int, Field(ge=1, le=8)], Annotated[int, Field(ge=1, le=8)]]
    features: int = Field(default=60_000, ge=10, le=1_000_000)
    min_rows: int = Field(default=1, ge=1, le=1_000)
    selection: Literal["frequency", "chi2", "mutual_information"] = "frequency"
    bits: int = Field(default=20, ge=10, le=24)
    linear: LinearKind = "linear_svm"
    strength: float = Field(default=1.0, gt=0, le=1e6)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.ngrams[0] > self.ngrams[1]:
            raise ValueError("ngrams = [from, to] needs from <= to")
        return self


class SentenceView(Spec):
    """A linear model on sentence embeddings.

    ``model`` is a sentence-transformers name or a folder; ``all-MiniLM-L6-v2`` comes with the ``train``
    extra.
    """

    kind: Literal["sentence"]
    model: str = Field(default="all-MiniLM-L6-v2", min_length=1, max_length=300)
    linear: LinearKind = "logistic_regression"
    strength: float = Field(default=10.0, gt=0, le=1e6)


class CuesView(Spec):
    """Countable cues that go to the head as they are: lexicon polarity, negation, shouting, length."""

    kind: Literal["cues"]


View = Annotated[NgramView | SentenceView | CuesView, Field(discriminator="kind")]


class TreesSpec(Spec):
    """Options of the tree heads.

    ``max_features`` is the share of features tried at a split; 0 means the root.
    """

    trees: int = Field(default=300, ge=1, le=2_000)
    max_depth: int | None = Field(default=None, ge=1, le=200)
    min_leaf: int = Field(default=2, ge=1, le=1_000)
    max_features: float = Field(default=0.0, ge=0.0, le=1.0)


class AbstainSpec(Spec):
    """When a model declines to answer.

    ``keep_known`` is the share of known messages that the threshold for ``unknown`` lets pass. ``precision``
    is the accuracy wanted of the answers given; the threshold for ``ambiguous`` is the lowest confidence that
    reaches it, but never declines more than ``max_declined`` of known messages. ``per_label`` sets the
    threshold of a label. ``min_letters`` is the least number of letters of a text that is answered.
    """

    keep_known: float = Field(default=0.97, ge=0.5, le=1.0)
    precision: float = Field(default=0.9, ge=0.0, le=1.0)
    max_declined: float = Field(default=0.15, ge=0.0, le=1.0)
    per_label: dict[str, Annotated[float, Field(ge=0.0, le=1.0)]] = Field(default_factory=dict)
    min_letters: int = Field(default=2, ge=0, le=100)


class RecipeSpec(Spec):
    """How a model is made. The keys are told one by one in ``models/README.md``.

    ``corpora`` are the names of corpora to learn from, each with a column ``label``; those in ``optional``
    may be absent. ``input`` is what the head reads: ``margins`` (out-of-fold decision values of the linear
    model of each view, and the cues) or ``features`` (one view as it is).
    """

    schema_version: Literal[1] = Field(alias="schema")
    name: Name
    task: Name
    languages: tuple[LanguageCode, ...] = ("en",)
    corpora: tuple[Name, ...] = ()
    optional: tuple[Name, ...] = ()
    label: str = Field(default="label", min_length=1, max_length=64)
    multi_label: bool = False
    views: tuple[View, ...] = Field(min_length=1, max_length=8)
    input: Literal["margins", "features"] = "margins"
    head: Head = "random_forest"
    trees: TreesSpec = TreesSpec()
    abstain: AbstainSpec = AbstainSpec()
    class_weight: Literal["none", "balanced"] = "none"
    folds: int = Field(default=5, ge=2, le=20)
    seed: int = Field(default=7, ge=0, le=2**31 - 1)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        scoring = [view for view in self.views if view.kind != "cues"]
        if not scoring:
            raise ValueError("at least one view must be words, characters or sentence")
        if self.input == "features" and len(self.views) != 1:
            raise ValueError('input = "features" takes exactly one view')
        if sum(view.kind == "sentence" for view in self.views) > 1:
            raise ValueError("one sentence view at most: messages are embedded once")
        if not set(self.optional) <= set(self.corpora):
            raise ValueError("optional names a corpus that corpora does not list")
        return self

    @property
    def sentence(self) -> SentenceView | None:
        """The sentence view, where the recipe has one."""
        return next((view for view in self.views if isinstance(view, SentenceView)), None)


SpecT = TypeVar("SpecT", bound=Spec)


def read_spec(path: Path, kind: type[SpecT]) -> SpecT:
    """Read and check one TOML file.

    Raises
    ------
    SpecError
        The file cannot be read, is no TOML, or breaks the schema; the message names the key.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_SPEC_BYTES + 1)
        if len(data) > MAX_SPEC_BYTES:
            raise SpecError(f"{path.name} is larger than {MAX_SPEC_BYTES} bytes", hint="Is it a specification?")
        return kind.model_validate(tomllib.loads(data.decode("utf-8")))
    except OSError as error:
        raise SpecError(f"{path} cannot be read: {error.strerror}", hint="Check the path.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SpecError(f"{path} is no TOML: {error}", hint="Correct that line.") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise SpecError(f"{path}: {key}: {first['msg']}{more}", hint="Compare with the shipped files.") from error
