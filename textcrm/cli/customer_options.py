"""How a table is to be read, put together from a mapping file, options and settings; shared by several commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textcrm.sources.mapping_file import Of

MAP_HELP = "FIELD=COLUMN, where the column has another name. Example: --map email=Mail."
MAPPING_HELP = "Mapping file (TOML or JSON); what it leaves out is not guessed."
SAVE_HELP = "Save the mapping as it was used to this file (.toml or .json)."
REGION_HELP = "Country of phone numbers without a country code, as DE; TEXTCRM_REGION without it."


@dataclass(frozen=True)
class Chosen:
    """How a table is read."""

    columns: dict[str, str | Sequence[str]] = field(default_factory=dict)
    guess: bool = True
    region: str = "US"
    provider_rules: bool = False
    missing: dict[str, str] = field(default_factory=dict)


def chosen(
    file: Path | None,
    named: Mapping[str, str],
    *,
    region: str,
    given_region: str | None = None,
    provider_rules: bool = False,
    missing: Mapping[str, str] | None = None,
    of: Of = "customers",
) -> Chosen:
    """Return what options say, then what the mapping *file* says, then the settings."""
    if file is None:
        return Chosen(dict(named), True, given_region or region, provider_rules, dict(missing or {}))
    from textcrm.sources.mapping_file import read_mapping

    kept = read_mapping(file, of=of)
    return Chosen(
        {**kept.columns, **named},
        False,
        given_region or kept.region or region,
        provider_rules or kept.provider_rules,
        {**kept.missing, **(missing or {})},
    )


def save(path: Path, used: Mapping[str, Sequence[str]], options: Chosen, *, of: Of = "customers") -> None:
    """Save the mapping as it was used."""
    from textcrm.sources.mapping_file import MappingFile, write_mapping

    columns: dict[str, str | list[str]] = {
        name: columns[0] if len(columns) == 1 else list(columns) for name, columns in used.items()
    }
    write_mapping(
        path,
        MappingFile(
            of=of,
            region=options.region,
            provider_rules=options.provider_rules,
            columns=columns,
            missing=options.missing,
        ),
    )
