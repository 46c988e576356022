"""JSON without the module json, whose imports take as long as starting Python does.

CPython's own C scanner and encoder do the work; only their Python wrapping is left out.
"""

from __future__ import annotations

import _json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Rules:
    """How the scanner shall read; the names are the scanner's."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float


_scan = _json.make_scanner(_Rules)  # type: ignore[attr-defined]


def loads(text: str) -> Any:
    """The value of a JSON document.

    Raises:
        ValueError: the text is not JSON.
    """
    text = text.strip()
    try:
        value, end = _scan(text, 0)
    except (StopIteration, SystemError):
        # Up to Python 3.11 the scanner cannot say more while the module json is not loaded.
        raise ValueError(f"not JSON: {text[:40]}") from None
    if end != len(text):
        raise ValueError(f"more than one JSON document: {text[end : end + 40]}")
    return value


def dumps(value: object) -> str:
    """The value as JSON, with sorted keys."""
    encode = _json.make_encoder(  # type: ignore[attr-defined]
        {}, _refuse, _json.encode_basestring_ascii, None, ": ", ", ", True, False, False
    )
    return "".join(encode(value, 0))


def _refuse(value: object) -> object:
    raise TypeError(f"{type(value).__name__} has no JSON")
