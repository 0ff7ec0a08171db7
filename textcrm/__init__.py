"""textcrm: customer messages in, clean, linked, explained records out."""

from __future__ import annotations

from textcrm.errors import TextcrmError
from textcrm.records import Customer, EntitySpan, Insight, Link, Message, Prediction

__version__ = "0.1.0"

__all__ = [
    "Customer",
    "EntitySpan",
    "Insight",
    "Link",
    "Message",
    "Prediction",
    "TextcrmError",
    "__version__",
]
