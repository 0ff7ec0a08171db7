"""The HTTP API of textcrm."""

from __future__ import annotations

from textcrm_api.app import create_app

__all__ = ["create_app"]
