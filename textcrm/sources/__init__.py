"""Where messages come from: mail, tables, folders of both."""

from __future__ import annotations

from textcrm.sources.discover import count, mapping_of, read
from textcrm.sources.mapping import guess_mapping
from textcrm.sources.rejected import Rejected

__all__ = ["Rejected", "count", "guess_mapping", "mapping_of", "read"]
