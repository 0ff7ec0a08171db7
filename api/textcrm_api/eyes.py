"""Who looks: whether the caller of a request may see texts, and which ones it saw.

The gate opens the eyes of a request; `Service.shown` looks through them, so that each answer with a text in it is
masked for a key without the scope ``text``, and what others saw is written to the audit log.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

from textcrm.entities.mask import Purpose
from textcrm_api.problems import ProblemError


@dataclass
class Eyes:
    """The eyes of one request.

    ``seen`` are the ids of stored messages whose text was shown; ``many``: more than can be named were.
    """

    sees_text: bool
    seen: list[str] = field(default_factory=list)
    many: bool = False

    @property
    def purpose(self) -> Purpose:
        """The rules of the pipelines by which a text is masked for these eyes."""
        return "answers" if self.sees_text else "export"

    def see(self, message_id: str) -> None:
        """Remember that the text of a stored message was shown."""
        if self.sees_text:
            self.seen.append(message_id)

    def see_many(self) -> None:
        """Remember that the texts of more messages than can be named are shown.

        Raises
        ------
        ProblemError
            These eyes may not see them.
        """
        self.must_see_text()
        self.many = True

    def must_see_text(self, hint: str = "Ask for a masked answer.") -> None:
        """Refuse what only the scope ``text`` opens.

        Parameters
        ----------
        hint
            What to do instead.

        Raises
        ------
        ProblemError
            These eyes may not see texts.
        """
        if not self.sees_text:
            raise ProblemError(
                "forbidden",
                "The key lacks the scope text: it sees masked texts alone.",
                hint=hint,
            )


_EYES: ContextVar[Eyes] = ContextVar("eyes")


def open_eyes(*, sees_text: bool) -> Eyes:
    """Open the eyes of the request that runs now."""
    eyes = Eyes(sees_text)
    _EYES.set(eyes)
    return eyes


def eyes() -> Eyes:
    """Return the eyes of the request that runs now; where none were opened, those that see no text."""
    return _EYES.get(Eyes(sees_text=False))
