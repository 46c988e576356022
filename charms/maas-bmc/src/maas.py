"""MAAS's region API 2.0, as far as this charm uses it.

Reading does not page: `machines/` without a filter takes 48 s for 1,000 machines, ten machines
by id one second. So machines are read by id only, a few at a time, after the event feed or the
list of ids said which.
"""

from __future__ import annotations

import contextlib
import logging
import pathlib
import re
import ssl
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import requests
import requests_oauthlib
import tenacity
from configuration import ApiKey

_TIMEOUT = (5.0, 60.0)
"""Seconds to connect, and to wait for an answer."""
_EVENTS_PER_PAGE = 1000
"""The most that MAAS gives at once."""
_MOST_PAGES = 20
_LONGEST_REFUSAL = 300
_AGENT = "maas-bmc"
_OF_MACHINE = re.compile(r"machines/[^/]+/")
"""The paths of requests about one machine."""

# ops hands every record to Juju, by a process each. At debug the first two log the
# Authorization header, which holds the key; the third logs each of a round's many requests.
for _noisy in ("requests_oauthlib", "oauthlib", "urllib3"):
    logging.getLogger(_noisy).setLevel(logging.WARNING)


class MaasError(Exception):
    """MAAS could not be used. The message is for the operator and never holds the key."""


class Unreachable(MaasError):
    """No answer, or one that says to come back later: worth another try by itself."""


class Untrusted(MaasError):
    """The certificate cannot be verified."""


class Unauthorized(MaasError):
    """The key is wrong, or not an administrator's."""


class Refused(MaasError):
    """MAAS understood and said no: wrong state, unknown name, lost race."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"MAAS refused ({code}): {reason}")
        self.code = code


class Maas(Protocol):
    """What the rounds ask of MAAS; `Region` says what each does. Each may raise MaasError."""

    def check_key(self) -> None: ...  # noqa: D102
    def newest_event(self) -> int: ...  # noqa: D102
    def events_after(self, cursor: int) -> tuple[set[str], int]: ...  # noqa: D102
    def system_ids(self) -> list[str]: ...  # noqa: D102
    def zones(self) -> list[str]: ...  # noqa: D102
    def machines(self, system_ids: Sequence[str]) -> list[dict[str, Any]]: ...  # noqa: D102
    def power_parameters(self, system_ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]: ...  # noqa: D102
    def commission(self, system_id: str) -> None: ...  # noqa: D102
    def tag(self, name: str, add: Sequence[str], remove: Sequence[str]) -> None: ...  # noqa: D102
    def move(self, system_id: str, pool: str) -> None: ...  # noqa: D102
    def release(self, system_id: str, comment: str) -> None: ...  # noqa: D102
    def quarantine(self, system_id: str, comment: str) -> None: ...  # noqa: D102
    def mark_fixed(self, system_id: str) -> None: ...  # noqa: D102
    def query_power(self, system_id: str) -> None: ...  # noqa: D102


class Region:
    """A MAAS region. Several threads may use it: nothing of its session ever changes."""

    def __init__(self, url: str, key: ApiKey, ca_file: pathlib.Path | None) -> None:
        self._base = f"{url}/api/2.0/"
        self._key = key
        self._session = requests.Session()
        # Neither proxies nor ~/.netrc of the machine may redirect or replace the key.
        self._session.trust_env = False
        self._session.verify = str(ca_file or ssl.get_default_verify_paths().cafile or True)
        self._session.auth = requests_oauthlib.OAuth1(
            key.consumer,
            resource_owner_key=key.token,
            resource_owner_secret=key.secret,
            signature_method="PLAINTEXT",
        )

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def check_key(self) -> None:
        """Raise Unauthorized unless the key is an administrator's."""
        me = self._get("users/", op="whoami")
        if not me.get("is_superuser"):
            raise Unauthorized(
                f"maas-credentials: the user {me.get('username')} is not an administrator of MAAS:"
                " give the API key of one"
            )

    def newest_event(self) -> int:
        """Id of the latest event, 0 when there is none."""
        events = self._get("events/", op="query", limit=1, level="DEBUG")["events"]
        return events[0]["id"] if events else 0

    def events_after(self, cursor: int) -> tuple[set[str], int]:
        """System ids of the machines with events since, and the cursor to go on from."""
        touched: set[str] = set()
        for _ in range(_MOST_PAGES):
            page = self._get(
                "events/", op="query", after=cursor, limit=_EVENTS_PER_PAGE, level="DEBUG"
            )["events"]
            touched.update(event["node"] for event in page if event["node"])
            cursor = max([cursor, *(event["id"] for event in page)])
            if len(page) < _EVENTS_PER_PAGE:
                break
        return touched, cursor

    def system_ids(self) -> list[str]:
        """Every machine's system id."""
        # Fifteen times cheaper than the machines themselves.
        return sorted(self._get("machines/", op="power_parameters"))

    def zones(self) -> list[str]:
        """Names of the zones."""
        return sorted(zone["name"] for zone in self._get("zones/"))

    def machines(self, system_ids: Sequence[str]) -> list[dict[str, Any]]:
        """These machines in MAAS's JSON; those that do not exist are left out."""
        return self._get("machines/", id=list(system_ids)) if system_ids else []

    def power_parameters(self, system_ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """How to reach each machine's BMC, with its password."""
        if not system_ids:
            return {}
        return self._get("machines/", op="power_parameters", id=list(system_ids))

    def commission(self, system_id: str) -> None:
        """Start commissioning."""
        self._post(f"machines/{system_id}/", "commission")

    def tag(self, name: str, add: Sequence[str], remove: Sequence[str]) -> None:
        """Give and take a tag, which is made when it does not exist."""
        changes = {"add": list(add), "remove": list(remove)}
        try:
            self._post(f"tags/{name}/", "update_nodes", **changes)
        except Refused as error:
            if error.code != 404:
                raise
            self._post("tags/", None, name=name, comment=f"Kept by {_AGENT}")
            self._post(f"tags/{name}/", "update_nodes", **changes)

    def move(self, system_id: str, pool: str) -> None:
        """Put a machine into a resource pool."""
        self._request("PUT", f"machines/{system_id}/", data={"pool": pool})

    def release(self, system_id: str, comment: str) -> None:
        """Release a machine."""
        self._post(f"machines/{system_id}/", "release", comment=comment)

    def quarantine(self, system_id: str, comment: str) -> None:
        """Take a Ready machine out of use, so that nobody can allocate it."""
        # Only the user that holds a machine may mark it broken, and only allocate is atomic.
        self._post("machines/", "allocate", system_id=system_id, agent_name=_AGENT)
        self._post(f"machines/{system_id}/", "mark_broken", comment=comment)

    def mark_fixed(self, system_id: str) -> None:
        """Put a broken machine back into use."""
        self._post(f"machines/{system_id}/", "mark_fixed")

    def query_power(self, system_id: str) -> None:
        """Have MAAS ask the BMC for the power state."""
        self._get(f"machines/{system_id}/", op="query_power_state")

    def _get(self, path: str, **query: Any) -> Any:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Unreachable),
            stop=tenacity.stop_after_attempt(3),
            wait=tenacity.wait_exponential(multiplier=0.2),
            reraise=True,
        )
        response = retrying(self._request, "GET", path, params=query)
        try:
            return response.json()
        except ValueError:
            raise Unreachable(
                f"maas-url: {self._base}{path} answers no JSON: is this address MAAS's?"
            ) from None

    def _post(self, path: str, operation: str | None, **data: Any) -> None:
        # Not tried again at once: the caller asks again when it sees that nothing happened.
        params = {"op": operation} if operation else {}
        self._request("POST", path, params=params, data=data)

    def _request(self, method: str, path: str, **arguments: Any) -> requests.Response:
        # `from None`: the errors of requests carry the request with its Authorization header.
        try:
            response = self._session.request(
                method, self._base + path, timeout=_TIMEOUT, allow_redirects=False, **arguments
            )
        except requests.exceptions.SSLError as error:
            raise Untrusted(
                f"the certificate of MAAS at {self._base} cannot be verified"
                f" ({_reason(error)}): set ca-bundle to the CA that signed it"
            ) from None
        except requests.Timeout:
            raise Unreachable(f"MAAS at {self._base} does not answer in time") from None
        except requests.RequestException as error:
            raise Unreachable(f"cannot reach MAAS at {self._base}: {_reason(error)}") from None
        self._check(response, of_machine=bool(_OF_MACHINE.fullmatch(path)))
        return response

    def _check(self, response: requests.Response, *, of_machine: bool) -> None:
        code = response.status_code
        if code < 300:
            return
        if code == 401:
            # The body of this answer can hold the key's secret.
            raise Unauthorized(
                "maas-credentials: MAAS does not accept the API key (401): update the secret with"
                " a current key from `maas apikey`"
            )
        text = self._without_key(" ".join(response.text.split()))[:_LONGEST_REFUSAL]
        if code == 400 and "Unrecognised signature" in text:
            raise Unauthorized(
                "maas-credentials: MAAS does not know the API key: update the secret with a"
                " current key from `maas apikey`"
            )
        # A BMC that refuses what MAAS asks of it is a 500 of that one machine, one that cannot be
        # reached a 503 (the region's middleware, APIRPCErrorsMiddleware).
        of_bmc = (code == 500 and of_machine) or (code == 503 and "BMC" in text)
        if code >= 500 and not of_bmc:
            raise Unreachable(f"MAAS at {self._base} answers {code}")
        if code < 400 or (code == 404 and "text/html" in response.headers.get("Content-Type", "")):
            raise Unreachable(f"maas-url: {self._base} answers {code}: is this address MAAS's?")
        raise Refused(code, text or "without a reason")

    def _without_key(self, text: str) -> str:
        for part in (self._key.secret, self._key.token):
            text = text.replace(part, "***")
        return text


def connect(url: str, key: ApiKey, ca_file: pathlib.Path | None) -> contextlib.closing[Region]:
    """A region whose connections are closed at the end of the `with` block."""
    return contextlib.closing(Region(url, key, ca_file))


def _reason(error: BaseException) -> str:
    """The innermost reason of an error of requests, in a few words."""
    seen: list[BaseException] = [error]
    while True:
        inner = next(iter(_inside(seen[-1])), None)
        if inner is None or inner in seen:
            break
        seen.append(inner)
    last = seen[-1]
    if isinstance(last, ssl.SSLCertVerificationError):
        return last.verify_message
    if isinstance(last, OSError) and last.strerror:
        return last.strerror
    return str(last)[:_LONGEST_REFUSAL]


def _inside(error: BaseException) -> Iterable[BaseException]:
    candidates = (getattr(error, "reason", None), error.__cause__, error.__context__, *error.args)
    return (candidate for candidate in candidates if isinstance(candidate, BaseException))
