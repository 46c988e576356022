"""What MAAS refuses, as it words it: a status code, a body and the body's type."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence


class Refusal(Exception):
    """A refused request."""

    status = 500

    def __init__(self, text: str = "", *, content_type: str = "text/plain") -> None:
        super().__init__(text)
        self.text = text
        self.content_type = content_type


class BadRequest(Refusal):
    """400: the request makes no sense as it stands."""

    status = 400


class FieldErrors(BadRequest):
    """400 with messages per field as JSON, as Django's forms answer."""

    def __init__(self, errors: Mapping[str, Sequence[str]]) -> None:
        body = json.dumps({field: list(messages) for field, messages in errors.items()})
        super().__init__(body, content_type="application/json")


class Unauthorized(Refusal):
    """401: no credential, or a wrong one.

    MAAS's text for a wrong secret quotes the right one. That is what real servers send, and why
    clients must never log the body of a 401.
    """

    status = 401


class Forbidden(Refusal):
    """403; with no text when the machine is locked."""

    status = 403


class NotFound(Refusal):
    """404: there is no such object."""

    status = 404

    def __init__(self, kind: str) -> None:
        super().__init__(f"No {kind} matches the given query.")


class Conflict(Refusal):
    """409: not in this status, or someone else was faster."""

    status = 409


class PowerFailed(Refusal):
    """500: the BMC of the machine did not do what it was asked, or refused the password."""


class BmcUnreachable(PowerFailed):
    """503: the BMC of the machine does not answer."""

    status = 503

    def __init__(self, hostname: str) -> None:
        super().__init__(f"No rack controllers can access the BMC of node {hostname}")
