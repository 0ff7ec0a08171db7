"""Raw bytes as received, by their SHA-256, in pieces that one document can hold."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence

from bson import Binary
from pymongo import InsertOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from textcrm.errors import NotFoundError, StoreError
from textcrm.store.codec import Document

PIECE_BYTES = 8_000_000
BATCH_BYTES = 24_000_000
DUPLICATE_KEY = 11000


class Raws:
    """The raw bytes of mails and of what was quarantined. The same bytes are kept once."""

    def __init__(self, collection: Collection[Document]) -> None:
        self._c = collection

    def add(self, items: Sequence[bytes]) -> list[str]:
        """Keep the bytes and return their SHA-256 in hexadecimal, in order."""
        names = [hashlib.sha256(item).hexdigest() for item in items]
        batch: list[InsertOne[Document]] = []
        weight = 0
        for name, data in dict(zip(names, items, strict=True)).items():
            for document in _pieces(name, data):
                batch.append(InsertOne(document))
                weight += len(document["data"])
                if weight > BATCH_BYTES:
                    self._write(batch)
                    batch, weight = [], 0
        self._write(batch)
        return names

    def _write(self, batch: list[InsertOne[Document]]) -> None:
        if not batch:
            return
        try:
            self._c.bulk_write(batch, ordered=False)
        except BulkWriteError as error:
            if any(e.get("code") != DUPLICATE_KEY for e in error.details.get("writeErrors", [])):
                raise StoreError("The database refused raw bytes", hint="Run the same command again.") from error

    def get(self, name: str) -> bytes:
        """Return the bytes with this SHA-256.

        Raises
        ------
        NotFoundError
            They are not here, or not whole.
        """
        first = self._c.find_one({"_id": f"{name}:0"})
        if first is None:
            raise NotFoundError(f"No raw bytes {name[:64]!r} are kept")
        pieces = [first] + [self._c.find_one({"_id": f"{name}:{n}"}) for n in range(1, first["of"])]
        data = b"".join(zlib.decompress(piece["data"]) for piece in pieces if piece is not None)
        if hashlib.sha256(data).hexdigest() != name:
            if not data:
                raise NotFoundError(f"The raw bytes {name[:64]!r} were not to be kept", hint="Their text was masked.")
            raise NotFoundError(f"The raw bytes {name[:64]!r} are not whole", hint="Ingest their source again.")
        return data


def forgotten(name: str) -> tuple[Document, Document]:
    """Return query and change that empty the pieces of *name*.

    The empty pieces stay: the same mail, should it come again, is then not kept again.
    """
    return {"_id": {"$gte": f"{name}:", "$lt": f"{name};"}}, {"$set": {"data": Binary(zlib.compress(b""))}}


def _pieces(name: str, data: bytes) -> list[Document]:
    """Return the documents of *data*; each says how many there are, so that a cut copy is never taken for whole."""
    pieces = [data[i : i + PIECE_BYTES] for i in range(0, len(data), PIECE_BYTES)] or [b""]
    return [
        {"_id": f"{name}:{number}", "of": len(pieces), "data": Binary(zlib.compress(piece, 1))}
        for number, piece in enumerate(pieces)
    ]
