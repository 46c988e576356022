"""What goes wrong between the client and the controller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ClientError(Exception):
    """Anything that stops a command, worded for the person who ran it."""


class ConnectionFailed(ClientError):
    """The controller does not answer, or is not who it says it is."""


class ApiError(ClientError):
    """The controller refused a request; `code` is one of Juju's (rpc/params/apierror.go)."""

    def __init__(self, message: str, code: str = "", info: Mapping[str, Any] | None = None):
        super().__init__(message)
        self.code = code
        self.info = dict(info or {})

    @property
    def not_found(self) -> bool:
        """Whether the thing asked for is not there."""
        return self.code in ("not found", "model not found", "user not found")

    @property
    def already_exists(self) -> bool:
        """Whether the thing to be made is there already."""
        return self.code == "already exists"


class NotRemembered(ClientError):
    """The client store knows no such controller, model, account, cloud or credential."""


def error_of(result: Mapping[str, Any] | None) -> ApiError | None:
    """The error inside one result of a bulk call, or None."""
    error = (result or {}).get("error")
    if not error:
        return None
    return ApiError(error.get("message", ""), error.get("code", ""), error.get("info"))


def raise_for(result: Mapping[str, Any] | None) -> None:
    """Raise the ApiError that one result of a bulk call carries, if it carries one."""
    if (error := error_of(result)) is not None:
        raise error
