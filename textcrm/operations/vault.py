"""Secrets of other systems, encrypted at rest: the database holds the ciphertext, the home holds the key.

The key lies in ``secrets/vault.key``, readable by its owner alone. Whoever copies the database gets no secret; whoever
loses the key has to enter the secrets again.

References
----------
Fernet (AES-128-CBC, HMAC-SHA-256) of the package cryptography.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from textcrm.errors import SettingsError


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
        if not self._path.exists():
            self._make()
        if stat.S_IMODE(self._path.stat().st_mode) & 0o077:
            raise SettingsError(f"Others can read {self._path}", hint=f"Run: chmod 600 {self._path}")
        return Fernet(self._path.read_bytes().strip())

    def _make(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = self._path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(partial, self._path)  # whoever was first has made the key
        except FileExistsError:
            pass
        finally:
            partial.unlink()
