"""The mapping of a table as a file: guessed once, saved, looked at, and used again. TOML or JSON, a closed schema."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from textcrm.errors import NotFoundError, SpecError

Column = Annotated[str, Field(min_length=1, max_length=500)]
Of = Literal["customers", "events"]


class MappingFile(BaseModel):
    """What a mapping file holds. ``columns`` is field to its columns; fields that it leaves out are not guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    of: Of = "customers"
    region: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    provider_rules: bool = False
    columns: dict[str, Column | list[Column]]
    missing: dict[Column, str] = {}


def read_mapping(path: Path, *, of: Of) -> MappingFile:
    """Read a mapping file.

    Raises
    ------
    NotFoundError
        There is no such file.
    SpecError
        It breaks the schema, or is a mapping of something else than *of*.
    """
    if not path.is_file():
        raise NotFoundError(f"There is no mapping file {path}", hint="Write one with --save-mapping.")
    data = path.read_bytes()
    try:
        found = MappingFile.model_validate(json.loads(data) if _is_json(path) else tomllib.loads(data.decode("utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part)[:40] for part in first["loc"])
        raise SpecError(f"{path.name}: {place}: {first['msg']}", hint="Correct the mapping file.") from error
    except (UnicodeDecodeError, ValueError) as error:
        kind = "JSON" if _is_json(path) else "TOML"
        raise SpecError(f"{path.name} is no {kind}", hint="Write one with --save-mapping.") from error
    if found.of != of:
        raise SpecError(f"{path.name} maps {found.of}, not {of}")
    return found


def write_mapping(path: Path, mapping: MappingFile) -> None:
    """Save a mapping: JSON where the name ends so, else TOML."""
    facts = mapping.model_dump(exclude_none=True)
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n" if _is_json(path) else _toml(facts)
    path.write_text(text, encoding="utf-8")


def _is_json(path: Path) -> bool:
    return path.suffix.lower() == ".json"


def _toml(facts: Mapping[str, Any]) -> str:
    lines = [f"{name} = {_value(value)}" for name, value in facts.items() if not isinstance(value, dict)]
    for name, table in facts.items():
        if isinstance(table, dict) and table:
            lines += ["", f"[{name}]", *(f"{_value(key)} = {_value(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """Return a TOML value: a JSON string is a basic string of TOML, but for DEL, which has to be escaped there."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
