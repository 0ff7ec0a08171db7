"""Pseudonyms: the same value always gets the same token; only who holds a second key can turn a token back.

Two keys, in two files of mode 0600, outside the database:

* ``pseudonym.key`` makes tokens (HMAC-SHA-256) and seals originals, but cannot open what it sealed;
* ``reveal.key`` opens them. It need not be on the machine that masks.

References
----------
RFC 2104 (HMAC); RFC 7748 (X25519), RFC 5869 (HKDF) and NIST SP 800-38D (AES-GCM), put together as an ephemeral-static
sealed box: each sealing has a key pair of its own, so that the nonce may be constant.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import NamedTuple

from textcrm.errors import SettingsError, UsageError

PSEUDONYM_FILE, REVEAL_FILE, VAULT_FILE = "pseudonym.key", "reveal.key", "originals.txt"
TOKEN_CHARS = 16
_NONCE = bytes(12)


class PseudonymKeys(NamedTuple):
    """What the masker needs: the secret of the tokens (32 bytes), the public half of the reveal key (32 bytes).

    ``vault`` takes, for each token, the sealed original in base64; without it nothing can be turned back.
    """

    secret: bytes
    public: bytes
    vault: MutableMapping[str, str] | None = None

    def __repr__(self) -> str:
        return "PseudonymKeys(...)"

    def token(self, label: str, value: str) -> str:
        """Return the token of *value*, 80 bits in base32, and keep the sealed original in the vault."""
        digest = hmac.new(self.secret, f"{label}\0{value}".encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
        token = base64.b32encode(digest[:10]).decode("ascii").lower()
        if self.vault is not None and token not in self.vault:
            self.vault[token] = _seal(self.public, value)
        return token


class Vault(MutableMapping[str, str]):
    """The sealed originals by token, in ``originals.txt`` beside the keys; several processes may add to it.

    What is in it opens with the reveal key alone. Each line is one token; the same token may stand there twice.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / VAULT_FILE
        self._known: dict[str, str] = {}
        if self._path.exists():
            for line in self._path.read_text(encoding="ascii").splitlines():
                token, _, sealed = line.partition(" ")
                self._known.setdefault(token, sealed)

    def __getitem__(self, token: str) -> str:
        return self._known[token]

    def __setitem__(self, token: str, sealed: str) -> None:
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, f"{token} {sealed}\n".encode("ascii"))
        finally:
            os.close(handle)
        self._known[token] = sealed

    def __delitem__(self, token: str) -> None:
        raise UsageError("An original cannot be taken out of the vault")

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def create_keys(folder: Path) -> PseudonymKeys:
    """Write a new pair of key files to *folder* and return the masker's half.

    Raises
    ------
    SettingsError
        A key file is there already: overwriting it would make its tokens unreadable for ever.
    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    private = X25519PrivateKey.generate()
    keys = PseudonymKeys(secrets.token_bytes(32), private.public_key().public_bytes_raw())
    _write(folder / PSEUDONYM_FILE, keys.secret + keys.public)
    _write(folder / REVEAL_FILE, private.private_bytes_raw())
    return keys


def read_keys(path: Path, *, vault: MutableMapping[str, str] | None = None) -> PseudonymKeys:
    """Read the masker's key file.

    Raises
    ------
    SettingsError
        The file is missing, open to others, or no such key.
    """
    data = _read(path, 64)
    return PseudonymKeys(data[:32], data[32:], vault)


def reveal(token: str, vault: MutableMapping[str, str], path: Path) -> str:
    """Return the original of *token*, opened with the reveal key in *path*.

    Raises
    ------
    UsageError
        The vault does not know the token, or the key does not fit it.
    SettingsError
        The key file is missing, open to others, or no such key.
    """
    sealed = vault.get(token)
    if sealed is None:
        raise UsageError("The vault does not know this token")
    return _open(_read(path, 32), sealed)


def _seal(public: bytes, value: str) -> str:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    own = X25519PrivateKey.generate()
    head = own.public_key().public_bytes_raw()
    key = _derive(own.exchange(X25519PublicKey.from_public_bytes(public)), head, public)
    sealed = head + AESGCM(key).encrypt(_NONCE, value.encode("utf-8", "surrogatepass"), None)
    return base64.b64encode(sealed).decode("ascii")


def _open(private: bytes, sealed: str) -> str:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    data = base64.b64decode(sealed)
    own = X25519PrivateKey.from_private_bytes(private)
    shared = own.exchange(X25519PublicKey.from_public_bytes(data[:32]))
    key = _derive(shared, data[:32], own.public_key().public_bytes_raw())
    try:
        return AESGCM(key).decrypt(_NONCE, data[32:], None).decode("utf-8", "surrogatepass")
    except InvalidTag as error:
        raise UsageError("This key does not open this token", hint="It was sealed for another reveal key.") from error


def _derive(shared: bytes, head: bytes, public: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"textcrm pseudonym" + head + public).derive(shared)


def _write(path: Path, data: bytes) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise SettingsError(
            f"There is a key in {path.name} already",
            hint="Keep it: without it, the tokens made with it can never be turned back.",
        ) from error
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(data))


def _read(path: Path, size: int) -> bytes:
    try:
        mode = path.stat().st_mode
        data = base64.b64decode(path.read_bytes(), validate=True)
    except (OSError, ValueError) as error:
        raise SettingsError(f"The key file {path.name} cannot be read", hint="Make keys first.") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(f"The key file {path.name} is open to other users", hint="Set its mode to 0600.")
    if len(data) != size:
        raise SettingsError(f"The file {path.name} does not hold the key that is asked for")
    return data
