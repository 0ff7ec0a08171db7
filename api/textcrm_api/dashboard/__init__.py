"""The pages: the desk for support, the trends for product teams, and what keeps both running."""

from __future__ import annotations

from textcrm_api.dashboard.router import pages
from textcrm_api.dashboard.session import WELCOME, sign_in_link

__all__ = ["WELCOME", "pages", "sign_in_link"]
