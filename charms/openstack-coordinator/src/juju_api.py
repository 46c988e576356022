"""The Juju API of one model, over libjuju's connection.

Importing libjuju takes most of a second, so this module is imported only where a look at the
model is due.

The facades are called by name, at the highest version that both this module and the controller
speak. libjuju's generated classes know one controller's versions only: MachineManager 10 of
Juju 3.6 but not the 11 of 4.0, though the calls used here are the same in both.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import juju.errors
import juju_credentials
import tenacity
import websockets
from juju.client import connection

CONNECT_TIMEOUT = 5.0
"""Seconds for one attempt to connect and log in."""

REQUEST_TIMEOUT = 20.0
"""Seconds for one answer."""

ATTEMPTS = 3

# What Juju 3.6 and 4.0 serve with the same arguments and answers for the calls below.
_VERSIONS: Mapping[str, frozenset[int]] = {
    "Application": frozenset({19, 20}),
    "Client": frozenset({6, 7, 8}),
    "MachineManager": frozenset({10, 11}),
}
_NOT_IN_ERROR = "is not in an error state"
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
    """The model could not be read or changed."""


class Unreachable(JujuApiError):
    """No controller answered in time, or it cannot serve now: it may pass by itself."""


class LoginRefused(JujuApiError):
    """The controller does not accept the user, the password, or its access to the model."""


class RequestRefused(JujuApiError):
    """The controller refused one request."""


@dataclasses.dataclass(frozen=True)
class Model:
    """One model, while the session lasts."""

    _connection: connection.Connection
    _facades: Mapping[str, int]

    async def full_status(self) -> Mapping[str, Any]:
        """Everything that `juju status` shows, as Juju's JSON.

        Raises:
            Unreachable: no answer in time.
            RequestRefused: the user may not read the model.
        """
        return await self._call("Client", "FullStatus", patterns=[])

    async def options(self, applications: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Application -> option -> value in force, in one request.

        An application that has gone meanwhile is left out.

        Raises:
            Unreachable: no answer in time.
            RequestRefused: the user may not read the model.
        """
        names = sorted(applications)
        asked = [{"application": name, "branch": "master"} for name in names]
        answer = await self._call("Application", "CharmConfig", args=asked)
        # The field has no JSON name in Juju's source, so it is capitalised on the wire.
        results = answer.get("Results") or answer.get("results") or []
        return {
            name: {
                option: described.get("value")
                for option, described in (result.get("config") or {}).items()
            }
            for name, result in zip(names, results, strict=True)
            if not result.get("error")
        }

    async def retry_provisioning(self, machines: Iterable[str]) -> None:
        """Have Juju provision these machines again, as `juju retry-provisioning` does.

        One that is not in error any more is let be: somebody else was faster.

        Raises:
            Unreachable: no answer in time.
            RequestRefused: the user may not write to the model.
        """
        tags = [f"machine-{machine.replace('/', '-')}" for machine in machines]
        try:
            await self._call("MachineManager", "RetryProvisioning", machines=tags, all=False)
        except RequestRefused as error:
            if _NOT_IN_ERROR not in str(error):
                raise

    async def _call(self, facade: str, request: str, **params: Any) -> Mapping[str, Any]:
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
            refused = Unreachable if _code(error) in _TRANSIENT else RequestRefused
            raise refused(f"{what}: {_reason(error)}") from error
        response = answer["response"]
        if not isinstance(response, Mapping):
            raise RequestRefused(f"{what}: the answer is not an object")
        return response


@contextlib.asynccontextmanager
async def session(
    credentials: juju_credentials.Credentials, model_uuid: str
) -> AsyncIterator[Model]:
    """A logged-in session with a model, closed at the end.

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
    opened = await attempts(_connect, credentials, model_uuid)
    try:
        yield Model(opened, _common_versions(opened))
    finally:
        await opened.close()


async def _connect(
    credentials: juju_credentials.Credentials, model_uuid: str
) -> connection.Connection:
    reasons: list[str] = []
    for endpoint in credentials.endpoints:
        try:
            return await _connect_to(endpoint, credentials, model_uuid)
        except Unreachable as error:  # noqa: PERF203 - the next endpoint may answer
            reasons.append(str(error))
    raise Unreachable("; ".join(reasons))


async def _connect_to(
    endpoint: str, credentials: juju_credentials.Credentials, model_uuid: str
) -> connection.Connection:
    try:
        return await asyncio.wait_for(
            connection.Connection.connect(
                endpoint=endpoint,
                uuid=model_uuid,
                username=credentials.username,
                password=credentials.password,
                cacert=credentials.ca_certificate or None,
                retries=0,
            ),
            CONNECT_TIMEOUT,
        )
    except ssl.SSLError as error:
        reason = f"the certificate of {endpoint} is not trusted: check ca-cert"
        raise LoginRefused(reason) from error
    except (juju.errors.JujuAuthError, juju.errors.JujuRedirectException) as error:
        raise LoginRefused(f"user {credentials.username}: {_reason(error)}") from error
    except juju.errors.JujuConnectionError as error:
        raise Unreachable(f"no answer from {endpoint}: nobody listens") from error
    except (asyncio.TimeoutError, OSError, websockets.WebSocketException) as error:
        raise Unreachable(f"no answer from {endpoint}: {_reason(error)}") from error
    except juju.errors.JujuError as error:
        refused = Unreachable if _code(error) in _TRANSIENT else LoginRefused
        raise refused(f"user {credentials.username}: {_reason(error)}") from error


def _common_versions(opened: connection.Connection) -> dict[str, int]:
    login: Any = opened.info
    served = {facade["name"]: facade["versions"] for facade in login["facades"]}
    common = {name: known.intersection(served.get(name, ())) for name, known in _VERSIONS.items()}
    return {name: max(versions) for name, versions in common.items() if versions}


def _keep_frames_out_of_logs() -> None:
    """Whole frames are logged at DEBUG there, and that of the login holds the password."""
    for name in ("juju", "websockets"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _code(error: juju.errors.JujuError) -> str:
    return getattr(error, "error_code", None) or ""


def _reason(error: BaseException) -> str:
    if isinstance(error, asyncio.TimeoutError):
        return "timed out"
    # An error of several results; libjuju's connection errors have no such list.
    several = getattr(error, "errors", None)
    return "; ".join(map(str, several)) if several else str(error) or type(error).__name__
