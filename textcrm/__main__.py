"""``python -m textcrm``: the command line."""

from __future__ import annotations

from textcrm.cli.main import main

if __name__ == "__main__":
    main()
