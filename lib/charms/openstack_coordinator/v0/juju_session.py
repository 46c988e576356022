"""A session with the Juju API for charms that drive Juju: a controller's or a model's facades.

Importing libjuju takes most of a second, so import this module only in the hooks that need it.
The charm must have libjuju (the package `juju`) and tenacity in its environment.

The facades are called by name, at the highest version that both the caller and the controller
speak. libjuju's generated classes know one controller's versions only: MachineManager 10 of
Juju 3.6 but not the 11 of 4.0, though most calls are the same in both.

    async with juju_session.session(login, versions={"Client": {6, 7, 8}}, model=uuid) as opened:
        status = await opened.call("Client", "FullStatus", patterns=[])
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import ssl
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

import juju.errors
import tenacity
import websockets
from charms.openstack_coordinator.v0.juju_login import Login
from juju.client import connection

LIBID = "5d0a7f6c4a7346dd8a2be30f7e4a1f5e"
LIBAPI = 0
LIBPATCH = 1

CONNECT_TIMEOUT = 5.0
"""Seconds for one attempt to connect and log in."""

REQUEST_TIMEOUT = 20.0
"""Seconds for one answer."""

ATTEMPTS = 3

Versions = Mapping[str, Collection[int]]
"""Facade -> versions whose calls the caller knows."""

# Codes of rpc/params/apierror.go that pass by themselves.
_TRANSIENT = frozenset(
    {
        "try again",
        "excessive contention",
        "upgrade in progress",
        "not yet available; try again later",
    }
)


class JujuApiError(Exception):
    """Juju could not be read or changed."""


class Unreachable(JujuApiError):
    """No controller answered in time, or it cannot serve now: it may pass by itself."""


class LoginRefused(JujuApiError):
    """The controller does not accept the user, the password, or its access to the model."""


class RequestRefused(JujuApiError):
    """The controller refused one request."""


@dataclasses.dataclass(frozen=True)
class Session:
    """A logged-in connection, while it lasts."""

    _connection: connection.Connection
    _facades: Mapping[str, int]

    async def call(self, facade: str, request: str, **params: Any) -> Mapping[str, Any]:
        """One request.

        Raises:
            Unreachable: no answer in time.
            RequestRefused: the whole request was refused.
        """
        version = self._facades.get(facade)
        if version is None:
            raise RequestRefused(f"the controller serves no version of {facade} that is known")
        message = {"type": facade, "request": request, "version": version, "params": params}
        what = f"{facade}.{request}"
        try:
            answer = await asyncio.wait_for(self._connection.rpc(message), REQUEST_TIMEOUT)
        except (asyncio.TimeoutError, OSError, websockets.WebSocketException) as error:
            raise Unreachable(f"{what}: {_reason(error)}") from error
        except juju.errors.JujuError as error:
            raise _refused(what, _reason(error), _code(error)) from error
        response = answer["response"]
        if not isinstance(response, Mapping):
            raise RequestRefused(f"{what}: the answer is not an object")
        return response

    async def call_one(self, facade: str, request: str, **params: Any) -> Mapping[str, Any]:
        """One request about one thing: the only one of its results.

        Raises:
            Unreachable: no answer in time.
            RequestRefused: the request, or what it asks, was refused.
        """
        answer = await self.call(facade, request, **params)
        # Some of Juju's structures have no JSON names, so they are capitalised on the wire, and
        # libjuju does not look into those.
        result = (answer.get("results") or answer.get("Results") or [{}])[0]
        for error in filter(None, (result.get("error"), *(result.get("Errors") or ()))):
            reason, code = error.get("message", ""), error.get("code", "")
            raise _refused(f"{facade}.{request}", reason, code)
        return result


@contextlib.asynccontextmanager
async def session(
    login: Login, versions: Versions, model: str | None = None
) -> AsyncIterator[Session]:
    """A session, closed at the end.

    Args:
        login: who, and where.
        versions: the facades to be called.
        model: the UUID of a model; None for the controller's own facades.

    Raises:
        Unreachable: no endpoint answered, after all attempts.
        LoginRefused: the controller answered and refused.
    """
    _keep_frames_out_of_logs()
    attempts = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(Unreachable),
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=tenacity.wait_random_exponential(multiplier=0.2, max=2.0),
        reraise=True,
    )
    opened = await attempts(_connect, login, model)
    try:
        yield Session(opened, _common(opened, versions))
    finally:
        await opened.close()


async def _connect(login: Login, model: str | None) -> connection.Connection:
    reasons: list[str] = []
    for endpoint in login.endpoints:
        try:
            return await _connect_to(endpoint, login, model)
        except Unreachable as error:  # noqa: PERF203 - the next endpoint may answer
            reasons.append(str(error))
    raise Unreachable("; ".join(reasons))


async def _connect_to(endpoint: str, login: Login, model: str | None) -> connection.Connection:
    try:
        return await asyncio.wait_for(
            connection.Connection.connect(
                endpoint=endpoint,
                uuid=model,
                username=login.username,
                password=login.password,
                cacert=login.ca_certificate or None,
                retries=0,
            ),
            CONNECT_TIMEOUT,
        )
    except ssl.SSLError as error:
        reason = f"the certificate of {endpoint} is not trusted: check ca-cert"
        raise LoginRefused(reason) from error
    except (juju.errors.JujuAuthError, juju.errors.JujuRedirectException) as error:
        raise LoginRefused(f"user {login.username}: {_reason(error)}") from error
    except juju.errors.JujuConnectionError as error:
        raise Unreachable(f"no answer from {endpoint}: nobody listens") from error
    except (asyncio.TimeoutError, OSError, websockets.WebSocketException) as error:
        raise Unreachable(f"no answer from {endpoint}: {_reason(error)}") from error
    except juju.errors.JujuError as error:
        refused = Unreachable if _code(error) in _TRANSIENT else LoginRefused
        raise refused(f"user {login.username}: {_reason(error)}") from error


def _common(opened: connection.Connection, versions: Versions) -> dict[str, int]:
    login: Any = opened.info
    served = {facade["name"]: facade["versions"] for facade in login["facades"]}
    common = {name: set(known) & set(served.get(name, ())) for name, known in versions.items()}
    return {name: max(found) for name, found in common.items() if found}


def _keep_frames_out_of_logs() -> None:
    """Whole frames are logged at DEBUG there, and that of the login holds the password."""
    for name in ("juju", "websockets"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _refused(what: str, reason: str, code: str) -> JujuApiError:
    if code in _TRANSIENT:
        return Unreachable(f"{what}: {reason}")
    return RequestRefused(f"{what}: {reason}")


def _code(error: juju.errors.JujuError) -> str:
    return getattr(error, "error_code", None) or ""


def _reason(error: BaseException) -> str:
    if isinstance(error, asyncio.TimeoutError):
        return "timed out"
    # An error of several results; libjuju's connection errors have no such list.
    several = getattr(error, "errors", None)
    return "; ".join(map(str, several)) if several else str(error) or type(error).__name__
