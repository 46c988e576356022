"""Many records in one databag: grouped into a fixed number of compressed shards.

A databag holds 16 MiB of keys and values. Ten thousand machines with their disks and NICs are
more than that as plain JSON, and a key per machine compresses badly. So records are spread
over 64 keys by a checksum of their system id: a change of one machine rewrites one key, equal
records always give equal text, and `relation-changed` fires only when something really changed.

A shard is `base64(zlib(JSON list of records, sorted by system id))`. Fields that have their
default value are left out.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Generic, Protocol, TypeVar

import pydantic

LIBID = "4deb9b9227ca45809e81afa92357bb17"
LIBAPI = 0
LIBPATCH = 1

SHARDS = 64
_LARGEST_SHARD = 64 * 1024 * 1024
"""Bytes that one shard may grow to when it is unpacked: no databag of 16 MiB needs more."""


class RecordsError(ValueError):
    """A databag holds something that is not what its schema says; names the field."""


class Record(pydantic.BaseModel):
    """A record that belongs to one machine.

    Unknown fields are ignored, so that a newer writer of the same version can add some.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="ignore")

    system_id: str = pydantic.Field(min_length=1, max_length=64)


R = TypeVar("R", bound=Record)


class Databag(Protocol):
    """What is read and written of ops.RelationDataContent."""

    def get(self, key: str, default: str, /) -> str: ...  # noqa: D102
    def keys(self) -> Iterable[str]: ...  # noqa: D102
    def __setitem__(self, key: str, value: str, /) -> None: ...
    def __delitem__(self, key: str, /) -> None: ...


class ShardedRecords(Generic[R]):
    """Writes and reads the records of one kind under the keys `<prefix>00` to `<prefix>3f`."""

    def __init__(self, records: pydantic.TypeAdapter[list[R]], prefix: str) -> None:
        self._records = records
        self._prefix = prefix

    def encode(self, records: Iterable[R]) -> dict[str, str]:
        """The keys and values that hold these records; the same for any order of them."""
        shards: dict[str, list[R]] = defaultdict(list)
        for record in records:
            shards[self._key(record.system_id)].append(record)
        return {key: self._pack(shards[key]) for key in sorted(shards)}

    def decode(self, databag: Mapping[str, str]) -> dict[str, R]:
        """The records by system id, sorted.

        Raises:
            RecordsError: a shard cannot be unpacked or a record is not valid.
        """
        found: dict[str, R] = {}
        for key in databag:
            if self._is_key(key):
                found.update((record.system_id, record) for record in self._unpack(databag, key))
        return dict(sorted(found.items()))

    def write(self, databag: Databag, records: Iterable[R]) -> None:
        """Make the databag hold exactly these records, touching only keys that differ."""
        encoded = self.encode(records)
        for key in [key for key in databag.keys() if self._is_key(key)]:  # noqa: SIM118
            if key not in encoded:
                del databag[key]
        for key, text in encoded.items():
            if databag.get(key, "") != text:
                databag[key] = text

    def _key(self, system_id: str) -> str:
        return f"{self._prefix}{zlib.crc32(system_id.encode()) % SHARDS:02x}"

    def _is_key(self, key: str) -> bool:
        suffix = key[len(self._prefix) :]
        return (
            key.startswith(self._prefix)
            and len(suffix) == 2
            and all(character in "0123456789abcdef" for character in suffix)
        )

    def _pack(self, records: list[R]) -> str:
        ordered = sorted(records, key=lambda record: record.system_id)
        text = self._records.dump_json(ordered, exclude_defaults=True)
        return base64.b64encode(zlib.compress(text, 6)).decode("ascii")

    def _unpack(self, databag: Mapping[str, str], key: str) -> list[R]:
        try:
            unpacker = zlib.decompressobj()
            text = unpacker.decompress(
                base64.b64decode(databag[key], validate=True), _LARGEST_SHARD
            )
        except (binascii.Error, zlib.error) as error:
            raise RecordsError(f"{key}: not base64 of zlib data: {error}") from error
        if not unpacker.eof:
            raise RecordsError(f"{key}: cut short, or larger than {_LARGEST_SHARD} bytes")
        try:
            return self._records.validate_json(text, strict=True)
        except pydantic.ValidationError as error:
            raise RecordsError(f"{key}: {_describe(error, text)}") from error


def check_version(databag: Mapping[str, str], understood: int) -> bool:
    """Whether anything was published, in a version that this side understands.

    Raises:
        RecordsError: the version is newer than `understood`, or not a number.
    """
    text = databag.get("version", "")
    if not text:
        return False
    if not text.isdecimal():
        raise RecordsError(f"version: {text[:20]!r} is not a whole number")
    if int(text) > understood:
        raise RecordsError(
            f"version: the other side speaks version {int(text)}, this charm understands up to"
            f" {understood}: refresh this charm"
        )
    return True


def describe(error: pydantic.ValidationError) -> str:
    """The first error of a validation as `field.path: what is wrong`, without the value."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = ".".join(str(part) for part in first["loc"])
    return f"{path}: {first['msg']}" if path else first["msg"]


def _describe(error: pydantic.ValidationError, text: bytes) -> str:
    """As `describe`, with the position in the list replaced by the machine's system id."""
    first = error.errors(include_url=False, include_input=False)[0]
    position, *field = first["loc"] or ("",)
    name = _system_id(text, position)
    return f"{name}: {'.'.join(str(part) for part in field)}: {first['msg']}"


def _system_id(text: bytes, position: Any) -> str:
    try:
        return str(json.loads(text)[position]["system_id"])
    except (ValueError, TypeError, LookupError):
        return f"record {position}"
