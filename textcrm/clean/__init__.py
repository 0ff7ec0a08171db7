"""From a message as received to the author's own new text."""

from __future__ import annotations

from textcrm.clean.cleaner import Cleaner

__all__ = ["Cleaner"]
