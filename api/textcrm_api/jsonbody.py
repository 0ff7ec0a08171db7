"""Reads a JSON body into what the rest can store and answer.

``json`` takes more than JSON and than UTF-8: NaN, numbers of any length, lone surrogates. What the database cannot
hold (NUL, lone surrogates) becomes U+FFFD, one code point for one, so that offsets stay; what is no JSON is refused.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from fastapi import Request

_UNUSABLE = re.compile("[\0\ud800-\udfff]")
MAX_DEPTH = 64


class JsonRequest(Request):
    """A request whose JSON is read strictly."""

    async def json(self) -> Any:
        """Return the body.

        Raises
        ------
        json.JSONDecodeError
            It is no JSON.
        """
        if not hasattr(self, "_json"):
            self._json = parse(await self.body())
        return self._json


def parse(data: bytes) -> Any:
    """Return the value that *data* is.

    Raises
    ------
    json.JSONDecodeError
        It is no JSON, not UTF-8, or nested too deeply.
    """
    try:
        return _clean(json.loads(data.decode("utf-8-sig"), parse_constant=_refuse), MAX_DEPTH)
    except json.JSONDecodeError as error:
        raise json.JSONDecodeError(error.msg, "", error.pos) from error
    except UnicodeDecodeError as error:
        raise json.JSONDecodeError("not UTF-8", "", error.start) from error
    except RecursionError as error:
        raise json.JSONDecodeError("nested too deeply", "", 0) from error
    except ValueError as error:
        raise json.JSONDecodeError("a number is out of range", "", 0) from error


def _refuse(constant: str) -> NoReturn:
    raise json.JSONDecodeError(f"{constant} is no JSON", "", 0)


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _UNUSABLE.sub("\N{REPLACEMENT CHARACTER}", value)
    if not isinstance(value, (dict, list)):
        return value
    if depth == 0:
        raise json.JSONDecodeError("nested too deeply", "", 0)
    if isinstance(value, list):
        return [_clean(item, depth - 1) for item in value]
    return {_clean(key, depth - 1): _clean(item, depth - 1) for key, item in value.items()}
