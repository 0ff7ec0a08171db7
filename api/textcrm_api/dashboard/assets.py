"""The static files: known by name, addressed by the hash of what they hold, kept by browsers for good."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import re
import threading
from dataclasses import dataclass
from pathlib import Path

TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
PLOTLY = "plotly.js"
_STYLE_GUARD = re.compile(rb'getElementById\("([0-9a-f]{64})"\)')


@dataclass(frozen=True)
class Asset:
    """One file, as it is sent. ``packed`` is the gzip of ``body``."""

    body: bytes
    packed: bytes
    media_type: str


class Assets:
    """The files in *folder*, and Plotly's from its wheel."""

    def __init__(self, folder: Path) -> None:
        self._paths = {path.name: path for path in folder.iterdir() if path.suffix in TYPES}
        plotly = importlib.util.find_spec("plotly")
        if plotly and plotly.origin:
            self._paths[PLOTLY] = Path(plotly.origin).parent / "package_data" / "plotly.min.js"
        self._digests = {name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for name, path in self._paths.items()}
        self._held: dict[str, Asset] = {}
        self._turn = threading.Lock()

    def address(self, name: str) -> str:
        """Return the address of a file; it changes when the file does."""
        return f"/static/{self._digests[name]}/{name}"

    def get(self, name: str) -> Asset | None:
        """Return a file by its name, or None."""
        path = self._paths.get(name)
        if path is None:
            return None
        with self._turn:
            if name not in self._held:
                body = path.read_bytes()
                media_type = TYPES[path.suffix] + "; charset=utf-8"
                self._held[name] = Asset(body, gzip.compress(body, 6, mtime=0), media_type)
            return self._held[name]

    def plotly_style_ids(self) -> list[str]:
        """Return the ids of the style elements that Plotly would insert, which the policy of the pages forbids.

        It leaves out those that it finds on the page: the page holds an empty element for each.
        """
        found = self.get(PLOTLY)
        return sorted({m.decode() for m in _STYLE_GUARD.findall(found.body)}) if found else []
