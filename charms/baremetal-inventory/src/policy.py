"""The policy of metal: roles, how many machines each wants, and what it needs of them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import pydantic
import yaml

_SIZE = re.compile(r"(\d+)(GiB|TiB)")
_GIB = {"GiB": 1, "TiB": 1024}
_NAME = r"^[a-z0-9][a-z0-9-]*$"


class PolicyError(ValueError):
    """The policy cannot be used; the message names the field and says what to write."""


def _gib(value: Any) -> Any:
    match = _SIZE.fullmatch(str(value))
    if match is None:
        raise ValueError("write a whole number of GiB or TiB, such as 64GiB")
    return int(match[1]) * _GIB[match[2]]


Gib = Annotated[int, pydantic.BeforeValidator(_gib)]
DiskKind = Literal["ssd", "hdd", "nvme", "unknown"]


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=lambda name: name.replace("_", "-"),
    )


class RootDisk(_Part):
    """The disk that the operating system goes to."""

    size: Gib
    kinds: tuple[DiskKind, ...] = ()
    """Any kind when empty."""


class DataDisks(_Part):
    """Disks other than the root disk, found by /dev/disk/by-id."""

    count: int = pydantic.Field(ge=1)
    size: Gib = 0
    kinds: tuple[DiskKind, ...] = ()


class Nics(_Part):
    """Physical network interfaces."""

    count: int = pydantic.Field(ge=1)
    speed: int = pydantic.Field(default=0, ge=0)
    """Mbit/s."""


class Role(_Part):
    """One role: how many machines, and what each of them needs."""

    min: int = pydantic.Field(default=1, ge=0)
    """Below this the charm is blocked."""
    want: int = pydantic.Field(ge=0)
    """As many machines are given to the role while there are fit ones."""
    zones: int = pydantic.Field(default=1, ge=1)
    """Zones that the machines must be spread over, at least."""
    assign: Literal["automatic", "by-operator"] = "automatic"
    """by-operator: the operator tags the machines in MAAS, the charm only judges them."""
    cores: int = pydantic.Field(default=0, ge=0)
    memory: Gib = 0
    root_disk: RootDisk | None = None
    data_disks: DataDisks | None = None
    nics: Nics | None = None
    spaces: tuple[str, ...] = ()
    """Each must be on a NIC of the machine."""
    tags: tuple[str, ...] = ()
    """MAAS tags that the machine must carry."""
    not_tags: tuple[str, ...] = ()
    """MAAS tags that it must not carry."""

    @pydantic.model_validator(mode="after")
    def _counts(self) -> Role:
        if self.want < self.min:
            raise ValueError(f"want is {self.want}, less than min, which is {self.min}: raise it")
        if self.zones > max(self.want, 1):
            raise ValueError(f"zones is {self.zones}, more than want, which is {self.want}")
        return self


class Policy(_Part):
    """All roles, in the order in which they are served."""

    roles: dict[Annotated[str, pydantic.Field(pattern=_NAME)], Role] = pydantic.Field(min_length=1)
    pools: tuple[str, ...] = ()
    """MAAS resource pools whose machines are used; all when empty."""
    leave_alone: tuple[str, ...] = ()
    """Machines with one of these MAAS tags are not touched."""
    commission_at_once: int = pydantic.Field(default=30, ge=1)
    """Machines that are commissioned at the same time."""


def parse(text: str) -> Policy:
    """The policy from its YAML text.

    Raises:
        PolicyError: naming the first field that is wrong.
    """
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise PolicyError(f"policy is not YAML{where}: correct it") from error
    if not isinstance(data, dict):
        raise PolicyError("policy is empty: write at least `roles:`, or reset the option")
    try:
        return Policy.model_validate(data)
    except pydantic.ValidationError as error:
        raise PolicyError(_describe(error)) from error


def _describe(error: pydantic.ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    path = ".".join(str(part) for part in first["loc"] if part != "[key]")
    if first["type"] == "extra_forbidden":
        return f"policy: {path}: there is no such field: see the README for those that there are"
    reason = first["msg"].removeprefix("Value error, ")
    return f"policy: {path}: {reason}"
