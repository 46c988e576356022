"""What the controller refuses, in Juju's words and with Juju's error codes.

The codes are those of Juju's API (rpc/params/apierror.go): clients act on them.
"""

from __future__ import annotations

import copy
from typing import Any


class JujuError(Exception):
    """A refusal that the client sees: a message, and a code where Juju gives one."""

    code = ""

    def __init__(self, message: str, *, code: str = "", info: dict[str, Any] | None = None):
        super().__init__(message)
        self.code = code or type(self).code
        self.info = info or {}


class NotFound(JujuError):
    """The entity is not there: `application "x" not found`."""

    code = "not found"


class AlreadyExists(JujuError):
    """The entity is there already."""

    code = "already exists"


class NotValid(JujuError):
    """The request makes no sense as it stands."""

    code = "not valid"


class NotSupported(JujuError):
    """Juju does not do this, or not here."""

    code = "not supported"


class Unauthorized(JujuError):
    """Wrong account, password or access."""

    code = "unauthorized access"


class PermissionDenied(JujuError):
    """The caller may not do this."""

    code = "unauthorized access"

    def __init__(self, message: str = "permission denied"):
        super().__init__(message)


class QuotaLimitExceeded(JujuError):
    """More than a charm or Juju allows."""

    code = "quota limit exceeded"


def annotated(error: JujuError, context: str) -> JujuError:
    """The same refusal, told in a context: `context: message`, with its kind and code."""
    told = copy.copy(error)
    told.args = (f"{context}: {error}",)
    return told
