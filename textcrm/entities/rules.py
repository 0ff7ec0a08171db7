"""Who sees what: the masking rules of the channels, by purpose, ready to use."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from textcrm.catalog import Catalog
from textcrm.entities.mask import POLICIES, PURPOSES, Masker, Purpose
from textcrm.entities.pseudonym import PSEUDONYM_FILE, PseudonymKeys, Vault, create_keys, read_keys
from textcrm.entities.recogniser import EntityRecogniser
from textcrm.errors import SettingsError
from textcrm.records import Channel
from textcrm.specs import PipelineSpec

KEYS_FOLDER = Path("secrets") / "pseudonyms"  # under the home
# Found by their form alone: to hide these, no text has to be read by the model.
BY_FORM = frozenset(
    {"CARD", "IBAN", "NATIONAL_ID", "TAX_ID", "PHONE", "EMAIL", "URL", "IP", "HANDLE", "MONEY", "ORDER", "INVOICE"}
    | {"TICKET", "TRACKING", "CUSTOMER_NUMBER"}
)
FORM_PATTERNS = (
    "card", "iban", "national_id", "tax", "phone", "email", "url", "ip", "handle", "money", "order", "date",
)  # fmt: skip


class Masking:
    """The masking rules of all channels.

    Parameters
    ----------
    channels
        The pipeline of each channel and what finds entities there.
    region
        As the recognisers know it.
    home
        Where the pseudonym keys lie, in ``secrets/pseudonyms``; they are made when a rule first asks for pseudonyms.
    """

    def __init__(
        self,
        channels: Mapping[Channel, tuple[PipelineSpec, EntityRecogniser]],
        *,
        region: str = "US",
        home: Path | None = None,
    ) -> None:
        keys = cache(lambda: _keys(home))
        self._specs = {channel: spec for channel, (spec, _) in channels.items()}
        self._maskers: dict[tuple[Channel, Purpose], Masker] = {}
        self._readers: dict[tuple[Channel, Purpose], EntityRecogniser] = {}
        for channel, (spec, recogniser) in channels.items():
            quick: EntityRecogniser | None = None
            for purpose in PURPOSES:
                policy = {**POLICIES[purpose], **getattr(spec.mask, purpose)}
                masker = Masker(policy, keys=keys() if "pseudonym" in policy.values() else None)
                self._maskers[channel, purpose] = masker
                if masker.hidden <= BY_FORM:
                    quick = quick or EntityRecogniser(
                        spacy=False, patterns=FORM_PATTERNS, region=region, formats=spec.entities.formats,
                        allow=spec.entities.allow,
                    )  # fmt: skip
                self._readers[channel, purpose] = quick if quick and masker.hidden <= BY_FORM else recogniser

    @classmethod
    def open(cls, home: Path, *, region: str) -> Masking:
        """Read the rules of the pipelines, without an engine; the model loads when a rule first needs it."""
        catalog = Catalog(home)
        specs = [catalog.pipeline(name) for name in catalog.pipelines()]
        channels = {spec.channel: (spec, EntityRecogniser.of(spec.entities, region=region)) for spec in specs}
        return cls(channels, region=region, home=home)

    def masker(self, channel: Channel, purpose: Purpose) -> Masker:
        """Return what masks texts of *channel* for *purpose*."""
        return self._maskers[channel, purpose]

    def maskers(self, purpose: Purpose) -> tuple[Masker, ...]:
        """Return what masks for *purpose*, of all channels."""
        return tuple(masker for (_, what), masker in self._maskers.items() if what == purpose)

    def reader(self, channel: Channel, purpose: Purpose) -> EntityRecogniser:
        """Return what finds the entities that are to be hidden; the model runs only where a rule needs it."""
        return self._readers[channel, purpose]

    def keeps_original(self, channel: Channel) -> bool:
        """Tell whether the bytes of a mail stay although its stored text is masked."""
        return self._specs[channel].mask.keep_original


def _keys(home: Path | None) -> PseudonymKeys:
    if home is None:
        raise SettingsError("Pseudonyms need keys, and there is no folder for them", hint="Set TEXTCRM_HOME.")
    folder = home / KEYS_FOLDER
    if not (folder / PSEUDONYM_FILE).exists():
        create_keys(folder)
    return read_keys(folder / PSEUDONYM_FILE, vault=Vault(folder))
