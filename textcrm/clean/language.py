"""In which language a text is, how sure that is, and whether the models can read it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from textcrm.records import Language

# Languages that customers of this product write; any other needs ten times the evidence before it is believed.
EXPECTED = frozenset({"en", "de", "fr", "es", "pt", "it", "nl", "pl", "ru", "zh", "ja"})
_UNEXPECTED = 0.1
_SURE = 0.6
_PLAUSIBLE = 0.15
_MOST = 400
# So many letters are a text; they are sought in its beginning first. Shares below the last are none.
_LEAST = 8
_ENOUGH = 64
_NOTHING = 1e-9
_NOISE = re.compile(r"https?://\S{1,500}|www\.\S{1,300}|[^\s@]{1,64}@[^\s@]{1,190}|[@#]\w{1,60}|[\d_]{1,40}")
_DIGITS = re.compile(r"[\d_]{1,40}")  # what of the noise stands in a text without such marks
_LETTER = re.compile(r"[^\W\d_]")
_KANA_HAN = re.compile("[\u3040-\u30ff\u3400-\u9fff]")


class LanguageReader:
    """Names the language of texts; its model (naive Bayes over byte n-grams) is loaded with the first text.

    Parameters
    ----------
    languages
        Codes of the languages that the models can read.

    References
    ----------
    Lui and Baldwin, "langid.py: An Off-the-shelf Language Identification Tool", ACL 2012.
    """

    def __init__(self, languages: Sequence[str]) -> None:
        self._supported = frozenset(languages)
        self._model: Any = None

    def read(self, text: str) -> Language:
        """Return the language of *text*; ``und`` where it is too short or could be several."""
        sample = text[:_MOST]
        addressed = "@" in sample or "#" in sample or "//" in sample or "www." in sample
        sample = (_NOISE if addressed else _DIGITS).sub(" ", sample)
        letters = len(_LETTER.findall(sample[:_ENOUGH]))
        if letters < _LEAST:
            letters = len(_LETTER.findall(sample))
        wide = 0 if sample.isascii() else len(_KANA_HAN.findall(sample))
        if letters < _LEAST and wide < 2:
            return Language(code="und", confidence=0.0, supported=self._may_be_read(sample, letters))
        weights: dict[str, float] = {}
        for code, share in self._loaded().rank(sample):  # the likeliest first
            if share < _NOTHING:
                break
            weights[code] = share * (1.0 if code in EXPECTED or code in self._supported else _UNEXPECTED)
        total = sum(weights.values()) or 1.0
        best = max(weights, key=lambda code: weights[code])
        confidence = min(1.0, weights[best] / total)
        if confidence < _SURE:
            readable = any(weights.get(code, 0.0) / total >= _PLAUSIBLE for code in self._supported)
            return Language(code="und", confidence=round(confidence, 4), supported=readable)
        return Language(code=best, confidence=round(confidence, 4), supported=best in self._supported)

    def _may_be_read(self, sample: str, letters: int) -> bool:
        """A few plain letters ("ok thx") may be read by a model of English."""
        return "en" in self._supported and (letters == 0 or sample.isascii())

    def _loaded(self) -> Any:
        if self._model is None:
            from py3langid.langid import MODEL_FILE, LanguageIdentifier

            self._model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        return self._model
