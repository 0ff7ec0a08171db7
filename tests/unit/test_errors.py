from __future__ import annotations

import pickle

from textcrm import errors


def every(kind: type[errors.TextcrmError]) -> list[type[errors.TextcrmError]]:
    return [kind, *(one for sub in kind.__subclasses__() for one in every(sub))]


def test_each_error_stands_in_the_drawing_and_has_its_own_code() -> None:
    kinds = every(errors.TextcrmError)
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in kinds)
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes)


def test_the_text_says_what_why_and_the_options() -> None:
    error = errors.UsageError("There is no channel 'fax'", hint="Choose one.", options=("email", "chat"))
    assert str(error) == "There is no channel 'fax'. Choose one. Valid: email, chat."


def test_an_error_crosses_a_process_boundary() -> None:
    error = errors.TooLargeError("The mail is too large", hint="Raise the cap.", options=("a",))
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - what multiprocessing does with it
    assert type(again) is errors.TooLargeError and str(again) == str(error)
