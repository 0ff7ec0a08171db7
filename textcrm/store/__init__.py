"""The store: MongoDB through pymongo, always the real one."""

from __future__ import annotations

from textcrm.store.client import Store, open_store

__all__ = ["Store", "open_store"]
