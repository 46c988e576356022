"""Storage as `juju status` and `juju storage` show it (cmd/juju/storage)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.juju.cli.output import filled
from sandbox.juju.cli.table import Table
from sandbox.juju.cli.tags import name_of
from sandbox.juju.cli.times import day_and_time

Json = dict[str, Any]
_KINDS = {1: "block", 2: "filesystem"}


def combined_storage(
    storage: Iterable[Mapping[str, Any]] | None,
    filesystems: Iterable[Mapping[str, Any]] | None,
    volumes: Iterable[Mapping[str, Any]] | None,
    *,
    utc: bool = False,
) -> Json:
    """Storage instances, filesystems and volumes by their ids."""
    return filled(
        storage={name_of(s["storage-tag"]): storage_info(s, utc=utc) for s in storage or []},
        filesystems={
            name_of(f["filesystem-tag"]): _backing(f, "filesystem-id", _mount, utc)
            for f in filesystems or []
        },
        volumes={
            name_of(v["volume-tag"]): _backing(v, "volume-id", _device, utc) for v in volumes or []
        },
    )


def storage_info(details: Mapping[str, Any], *, utc: bool = False) -> Json:
    """One storage instance with the units that it is attached to."""
    kind = details.get("kind")
    units = _unit_attachments(details)
    return {
        "kind": _KINDS.get(kind, "unknown") if isinstance(kind, int) else kind,
        **filled(life=details.get("life")),
        "status": _status(details.get("status"), utc),
        "persistent": bool(details.get("persistent")),
        **({"attachments": {"units": units}} if units else {}),
    }


def storage_table(combined: Mapping[str, Any], *, in_status: bool) -> str:
    """The table of storage instances, with mount points inside `juju status`."""
    pools, sizes = _pools_and_sizes(combined)
    table = Table()
    if in_status:
        table.blank()
    first = "Storage Unit" if in_status else "Unit"
    headers = [first, "Storage ID", "Type", *(["Pool"] if pools else [])]
    table.row(*headers, *(["Mountpoint"] if in_status else []), "Size", "Status", "Message")
    for unit, identity in sorted(_attached(combined)):
        info = combined["storage"][identity]
        cells = [unit, identity, info["kind"], *([pools.get(identity, "")] if pools else [])]
        if in_status:
            cells.append(_mount_point(combined, identity, unit))
        status = info["status"]
        table.row(
            *cells,
            _humane(sizes.get(identity, 0)),
            status.get("current", ""),
            status.get("message", ""),
        )
    return table.text()


def _backing(details: Mapping[str, Any], identity: str, attach: Any, utc: bool) -> Json:
    """A filesystem or a volume."""
    info = details.get("info") or {}
    owner = details.get("storage")
    attachments: Json = filled(
        machines={
            name_of(tag): attach(attachment)
            for tag, attachment in (details.get("machine-attachments") or {}).items()
        },
        containers={
            name_of(tag): attach(attachment)
            for tag, attachment in (details.get("unit-attachments") or {}).items()
        },
        units=_unit_attachments(owner or {}),
    )
    return {
        **filled(
            provider_id=info.get(identity),
            volume=name_of(details["volume-tag"])
            if identity == "filesystem-id" and details.get("volume-tag")
            else None,
            storage=name_of(owner["storage-tag"]) if owner else None,
            attachments=attachments,
            pool=info.get("pool"),
            hardware_id=info.get("hardware-id"),
            wwn=info.get("wwn"),
        ),
        "size": info.get("size", 0),
        **({"persistent": bool(info.get("persistent"))} if identity == "volume-id" else {}),
        **filled(life=details.get("life")),
        "status": _status(details.get("status"), utc),
    }


def _mount(attachment: Mapping[str, Any]) -> Json:
    return {
        "mount-point": attachment.get("mount-point", ""),
        "read-only": bool(attachment.get("read-only")),
        **filled(life=attachment.get("life")),
    }


def _device(attachment: Mapping[str, Any]) -> Json:
    return {
        **filled(
            device=attachment.get("device-name"),
            device_link=attachment.get("device-link"),
            bus_address=attachment.get("bus-address"),
        ),
        "read-only": bool(attachment.get("read-only")),
        **filled(life=attachment.get("life")),
    }


def _unit_attachments(details: Mapping[str, Any]) -> Json:
    return {
        name_of(tag): filled(
            machine=name_of(attachment["machine-tag"]) if attachment.get("machine-tag") else None,
            location=attachment.get("location"),
            life=attachment.get("life"),
        )
        for tag, attachment in sorted((details.get("attachments") or {}).items())
    }


def _status(status: Mapping[str, Any] | None, utc: bool) -> Json:
    status = status or {}
    since = status.get("since")
    return filled(
        current=status.get("status"),
        message=status.get("info"),
        since=day_and_time(since, utc=utc) if since else None,
    )


def _attached(combined: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for identity, info in (combined.get("storage") or {}).items():
        units = info.get("attachments", {}).get("units") or {"": {}}
        pairs += [(unit, identity) for unit in units]
    return pairs


def _pools_and_sizes(combined: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, int]]:
    pools: dict[str, str] = {}
    sizes: dict[str, int] = {}
    for kind in ("volumes", "filesystems"):
        for backing in (combined.get(kind) or {}).values():
            identity = backing.get("storage", "")
            if backing.get("pool") and identity not in pools:
                pools[identity] = backing["pool"]
            # The filesystem's size is the one to show when a volume backs it.
            sizes[identity] = backing["size"]
    return pools, sizes


def _mount_point(combined: Mapping[str, Any], identity: str, unit: str) -> str:
    for filesystem in (combined.get("filesystems") or {}).values():
        if filesystem.get("storage") != identity:
            continue
        machine = filesystem.get("attachments", {}).get("units", {}).get(unit, {}).get("machine")
        mounts = filesystem.get("attachments", {}).get("machines", {})
        if machine in mounts:
            return mounts[machine]["mount-point"]
    return ""


def _humane(mebibytes: int) -> str:
    """A size as people read it: 10 GiB, 1.5 TiB."""
    if not mebibytes:
        return ""
    size, unit = float(mebibytes), "MiB"
    for larger in ("GiB", "TiB", "PiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.1f} {unit}" if size < 10 else f"{size:.0f} {unit}"
