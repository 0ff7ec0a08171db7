"""``python -m textcrm_api.openapi``: write ``api/openapi.json``, the contract that a test compares with the app."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from textcrm_api.app import bare_app

FILE = Path(__file__).resolve().parents[1] / "openapi.json"


def rendered() -> str:
    """Return the text of the file."""
    return json.dumps(bare_app().openapi(), indent=1, ensure_ascii=False, sort_keys=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(rendered(), encoding="utf-8")
    sys.stderr.write(f"{FILE.name} written\n")
