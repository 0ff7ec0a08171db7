"""Every error that textcrm raises.

::

    TextcrmError
    ├── UsageError            the caller asked for something that cannot be
    │   ├── SettingsError     a setting is missing or wrong
    │   ├── SpecError         a pipeline or recipe file breaks its schema
    │   ├── NotFoundError     no such message, customer, model, pipeline, corpus
    │   └── ConflictError     it exists already, or changed in the meantime
    ├── InputError            what came in cannot be taken; goes to the quarantine
    │   ├── UnreadableError   bytes that are not what their name says
    │   └── TooLargeError     over a cap
    ├── ArtifactError         a model folder is damaged, foreign or too large
    ├── StoreError            the database refused
    │   └── UnavailableError  it cannot be reached; try again
    │       ├── MailboxError  a mail server
    │       └── KafkaError    a broker
    ├── EngineDownError   the engine fails on a text that is known to be good
    └── DependencyError       a part of the system is missing here (an extra, a binary)

Each error has a stable ``code``, says what happened, the likely cause and what to do. Errors know no HTTP; the API
assigns statuses at its edge. No error text carries what a customer wrote.
"""

from __future__ import annotations

from collections.abc import Sequence


class TextcrmError(Exception):
    """Base of the tree.

    Parameters
    ----------
    what
        What happened, one sentence without a full stop.
    hint
        The likely cause and what to do.
    options
        The valid choices, where there is a short list of them.
    """

    code = "internal"

    def __init__(self, what: str, *, hint: str = "", options: Sequence[str] = ()) -> None:
        self.what = what
        self.hint = hint
        self.options = tuple(options)
        super().__init__(what)

    def __str__(self) -> str:
        text = self.what.rstrip(".") + "."
        if self.hint:
            text += f" {self.hint}"
        if self.options:
            text += f" Valid: {', '.join(self.options)}."
        return text

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.what, self.hint, self.options))


def _rebuild(kind: type[TextcrmError], what: str, hint: str, options: Sequence[str]) -> TextcrmError:
    """Remake an error that crossed a process boundary."""
    return kind(what, hint=hint, options=options)


class UsageError(TextcrmError):
    """The caller asked for something that cannot be."""

    code = "usage"


class SettingsError(UsageError):
    """A setting is missing or wrong."""

    code = "settings"


class SpecError(UsageError):
    """A pipeline or recipe file breaks its schema."""

    code = "spec"


class NotFoundError(UsageError):
    """There is no such thing."""

    code = "not_found"


class ConflictError(UsageError):
    """It exists already, or changed in the meantime."""

    code = "conflict"


class InputError(TextcrmError):
    """What came in cannot be taken."""

    code = "input"


class UnreadableError(InputError):
    """Bytes that are not what their name says."""

    code = "unreadable"


class TooLargeError(InputError):
    """Over a cap."""

    code = "too_large"


class ArtifactError(TextcrmError):
    """A model folder is damaged, foreign or too large."""

    code = "artifact"


class StoreError(TextcrmError):
    """The database refused."""

    code = "store"


class UnavailableError(StoreError):
    """The database cannot be reached; try again."""

    code = "unavailable"


class MailboxError(UnavailableError):
    """The mail server cannot be reached, or the connection broke; try again."""

    code = "mailbox"


class KafkaError(UnavailableError):
    """The broker cannot be reached, or refused; try again."""

    code = "kafka"


class EngineDownError(TextcrmError):
    """The engine fails on a text that is known to be good."""

    code = "engine_down"


class DependencyError(TextcrmError):
    """A part of the system is missing on this machine."""

    code = "dependency"
