"""Access tokens of OAuth 2, renewed with a refresh token.

References
----------
RFC 6749, 6: Refreshing an Access Token.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field

from textcrm.errors import SettingsError, UnavailableError, UsageError

EARLY_SECONDS = 60.0
TIMEOUT_SECONDS = 30.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass
class Refresher:
    """Gets access tokens from *token_url* for the application *client_id*."""

    token_url: str
    client_id: str
    client_secret: str = ""
    scope: str = ""
    _held: tuple[str, float] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        url = urllib.parse.urlsplit(self.token_url)
        if url.scheme != "https" and not (url.scheme == "http" and url.hostname in _LOOPBACK):
            raise UsageError("The token URL must begin with https://")

    def config(self) -> dict[str, str]:
        """Return the fields to keep that are no secret."""
        return {"token_url": self.token_url, "client_id": self.client_id, "scope": self.scope}

    def access_token(self, refresh_token: str) -> str:
        """Return a token that is valid for at least a minute.

        Raises
        ------
        SettingsError
            The provider refused the refresh token.
        UnavailableError
            It does not answer.
        """
        if self._held is not None and self._held[1] > time.monotonic():
            return self._held[0]
        fields = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": self.client_id}
        fields |= {k: v for k, v in (("client_secret", self.client_secret), ("scope", self.scope)) if v}
        request = urllib.request.Request(  # noqa: S310 - https or loopback, checked above
            self.token_url, data=urllib.parse.urlencode(fields).encode(), headers={"Accept": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - the same
                found = json.loads(answer.read(1_000_000))
            token, seconds = str(found["access_token"]), float(found.get("expires_in", 300))
        except urllib.error.HTTPError as error:
            if error.code in (400, 401, 403):
                raise SettingsError(
                    f"The provider refused the refresh token (status {error.code})",
                    hint="Sign in again at the provider, and add the source anew.",
                ) from error
            raise UnavailableError(f"The provider of tokens failed (status {error.code})") from error
        except (OSError, ValueError, KeyError) as error:
            raise UnavailableError(f"The provider of tokens does not answer ({type(error).__name__})") from error
        self._held = (token, time.monotonic() + seconds - EARLY_SECONDS)
        return token
