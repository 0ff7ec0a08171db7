"""Secrets of other systems, encrypted at rest: the database holds the ciphertext, the home holds the key.

The key lies in ``secrets/vault.key``, readable by its owner alone. Whoever copies the database gets no secret; whoever
loses the key has to enter the secrets again.

References
----------
Fernet (AES-128-CBC, HMAC-SHA-256) of the package cryptography.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from textcrm.errors import SettingsError
from textcrm.operations.access.keyfile import key_in


class Vault:
    """Encrypts and decrypts with the key of *home*; makes the key at the first time."""

    def __init__(self, home: Path) -> None:
        self._path = home / "secrets" / "vault.key"

    def encrypt(self, secret: str) -> bytes:
        """Return the ciphertext of a secret."""
        return self._fernet().encrypt(secret.encode())

    def decrypt(self, ciphertext: bytes) -> str:
        """Return the secret.

        Raises
        ------
        SettingsError
            The key is another one, or the ciphertext was changed.
        """
        try:
            return self._fernet().decrypt(ciphertext).decode()
        except InvalidToken as error:
            raise SettingsError(
                f"The key {self._path} does not open this secret",
                hint="Use the TEXTCRM_HOME that the source was added with, or remove the source and add it again.",
            ) from error

    def _fernet(self) -> Fernet:
        return Fernet(key_in(self._path, Fernet.generate_key))
