"""Every BMC's own user and password, made at first use and kept in the sandbox's folder."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import secrets
import string

from sandbox.bmc.hardware import Hardware
from sandbox.home import Home

# IPMI 2.0 takes passwords of up to 20 bytes and ipmi_sim's configuration has no escapes.
_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 16


@dataclasses.dataclass(frozen=True)
class Credential:
    """The account that MAAS and the operators use on one BMC."""

    user: str
    password: str = dataclasses.field(repr=False)


def load(home: Home, hardware: Hardware) -> dict[str, Credential]:
    """The credentials by node name; those that are missing are made and kept, mode 0600."""
    path = _path(home)
    known = _read(path)
    is_first = not known
    missing = [node.name for node in hardware.nodes if node.name not in known]
    if missing:
        known.update({name: Credential("maas", _password()) for name in missing})
        if not is_first:
            _replace(path, known)
        elif not _write_first(path, known):
            return load(home, hardware)
    return known


def change(home: Home, node: str, password: str | None = None) -> Credential:
    """Give a BMC another password, of this text or a random one, as someone at its console would.

    Those who knew the old one, MAAS first, are not told.
    """
    path = _path(home)
    known = _read(path)
    known[node] = Credential(known[node].user, password or _password())
    _replace(path, known)
    return known[node]


def _path(home: Home) -> pathlib.Path:
    return home.folder("bmc") / "credentials.json"


def _password() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def _read(path: pathlib.Path) -> dict[str, Credential]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {name: Credential(**fields) for name, fields in data.items()}


def _write_first(path: pathlib.Path, known: dict[str, Credential]) -> bool:
    """Write the file; False when another process (MAAS or the BMCs) made it meanwhile."""
    scratch = path.with_suffix(f".{os.getpid()}")
    _write(scratch, known)
    try:
        os.link(scratch, path)
    except FileExistsError:
        return False
    finally:
        with contextlib.suppress(FileNotFoundError):
            scratch.unlink()
    return True


def _replace(path: pathlib.Path, known: dict[str, Credential]) -> None:
    scratch = path.with_suffix(f".{os.getpid()}")
    _write(scratch, known)
    scratch.replace(path)


def _write(path: pathlib.Path, known: dict[str, Credential]) -> None:
    path.touch(mode=0o600)
    data = {name: dataclasses.asdict(credential) for name, credential in known.items()}
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
