"""Finds pipelines, model recipes and corpora: the user's folders first, then the wheel, then the checkout.

A name is looked up among what is there and never joined to a path.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textcrm.errors import NotFoundError
from textcrm.specs import PipelineSpec, RecipeSpec, read_spec

PACKAGE = Path(__file__).resolve().parent
_NameOf = Callable[[Path], str]


class Catalog:
    """What can be named on the command line.

    Parameters
    ----------
    home
        ``TEXTCRM_HOME``: its folders ``pipelines``, ``models`` and ``corpora`` come first.
    """

    def __init__(self, home: Path) -> None:
        self.roots = (home, PACKAGE / "_catalog", PACKAGE.parent)

    def pipelines(self) -> dict[str, Path]:
        """Return the pipeline files by name."""
        return self._find("pipelines", "*.toml", lambda path: path.stem)

    def recipes(self) -> dict[str, Path]:
        """Return the recipe files by name."""
        return self._find("models", "*/recipe.toml", lambda path: path.parent.name)

    def corpora(self) -> dict[str, Path]:
        """Return the corpus folders by name; one with only ``reference.toml`` is to be fetched."""
        full = self._find("corpora", "*/*.jsonl", lambda path: path.parent.name)
        named = self._find("corpora", "*/reference.toml", lambda path: path.parent.name)
        return {name: path.parent for name, path in {**named, **full}.items()}

    def pipeline(self, name: str) -> PipelineSpec:
        """Read the pipeline *name*.

        Raises
        ------
        NotFoundError
            There is none of that name.
        SpecError
            The file breaks the schema.
        """
        return read_spec(_pick(self.pipelines(), name, "pipeline"), PipelineSpec)

    def recipe(self, name: str) -> RecipeSpec:
        """Read the recipe *name*, which may also be a path to a ``recipe.toml`` or its folder.

        Raises
        ------
        NotFoundError
            There is none of that name.
        SpecError
            The file breaks the schema.
        """
        found = self.recipes()
        if name not in found and ("/" in name or name.endswith(".toml")):
            path = Path(name)
            return read_spec(path / "recipe.toml" if path.is_dir() else path, RecipeSpec)
        return read_spec(_pick(found, name, "recipe"), RecipeSpec)

    def corpus(self, name: str) -> Path:
        """Return the folder of the corpus *name*.

        Raises
        ------
        NotFoundError
            There is none of that name.
        """
        return _pick(self.corpora(), name, "corpus")

    def _find(self, folder: str, pattern: str, name_of: _NameOf) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for root in self.roots:
            for path in sorted((root / folder).glob(pattern)):
                found.setdefault(name_of(path), path)
        return dict(sorted(found.items()))


def _pick(found: dict[str, Path], name: str, what: str) -> Path:
    if name not in found:
        raise NotFoundError(f"there is no {what} of that name", hint="Choose one that exists.", options=list(found))
    return found[name]
