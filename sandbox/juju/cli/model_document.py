"""Models as `juju models` and `juju show-model` show them (cmd/juju/common/model.go)."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.juju.cli.output import filled
from sandbox.juju.cli.table import Table
from sandbox.juju.cli.times import moment, time_ago

Json = dict[str, Any]


def model_document(info: Mapping[str, Any], controller: str, now: datetime.datetime) -> Json:
    """One model for show-model, from params.ModelInfo."""
    machines = {
        machine["id"]: {"cores": (machine.get("hardware") or {}).get("cores") or 0}
        for machine in info.get("machines") or []
    }
    users = {
        user["user"]: {
            **filled(display_name=user.get("display-name")),
            "access": user.get("access", ""),
            "last-connection": time_ago(user.get("last-connection"), now),
        }
        for user in info.get("users") or []
    }
    backends = {
        (backend.get("result") or {}).get("name", "internal"): {
            "num-secrets": backend.get("num-secrets", 0),
            "status": backend.get("status", ""),
            **filled(message=backend.get("message")),
        }
        for backend in info.get("secret-backends") or []
    }
    return {
        **_identity(info, controller),
        **filled(type=info.get("provider-type")),
        "life": info.get("life", ""),
        **filled(
            status=_status(info.get("status"), now),
            users=users,
            machines=machines,
            secret_backends=backends,
            sla=(info.get("sla") or {}).get("level"),
            sla_owner=(info.get("sla") or {}).get("owner"),
            agent_version=info.get("agent-version"),
            credential=_credential(info),
            supported_features=info.get("supported-features"),
        ),
    }


def summary_document(
    summary: Mapping[str, Any], controller: str, now: datetime.datetime, *, exact: bool = False
) -> Json:
    """One model for `juju models`, from params.ModelSummary."""
    counts = {item["entity"]: item["count"] for item in summary.get("counts") or []}
    last = summary.get("last-connection")
    shown = str(moment(last)) if last and exact else time_ago(last, now)
    return {
        **_identity(summary, controller),
        **filled(type=summary.get("provider-type")),
        "life": summary.get("life", ""),
        **filled(
            status=_status(summary.get("status"), now),
            access=summary.get("user-access"),
        ),
        "last-connection": shown,
        **filled(
            machine_count=counts.get("machines"),
            core_count=counts.get("cores"),
            unit_count=counts.get("units"),
            sla=(summary.get("sla") or {}).get("level"),
            agent_version=summary.get("agent-version"),
            credential=_credential(summary),
        ),
    }


def models_table(
    models: Sequence[Mapping[str, Any]],
    controller: str,
    current: str,
    user: str,
    *,
    with_uuid: bool = False,
) -> str:
    """The table of models; the one in focus has an asterisk."""
    counts = [
        (header, key)
        for header, key in (
            ("Machines", "machine-count"),
            ("Cores", "core-count"),
            ("Units", "unit-count"),
        )
        if any(key in model for model in models)
    ]
    table = Table()
    headers = ["Model", *(["UUID"] if with_uuid else []), "Cloud/Region", "Type", "Status"]
    table.align_right(*range(len(headers), len(headers) + len(counts)))
    table.row(*headers, *(header for header, _ in counts), "Access", "Last connection")
    for model in models:
        name = model["short-name"] if model["owner"] == user else model["name"]
        region = model.get("region")
        table.row(
            name + ("*" if model["name"] == current else ""),
            *([model["model-uuid"]] if with_uuid else []),
            f"{model['cloud']}/{region}" if region else model["cloud"],
            model.get("type", ""),
            model.get("status", {}).get("current") or "-",
            *(model.get(key, 0 if key == "machine-count" else "-") for _, key in counts),
            model.get("access") or "-",
            model["last-connection"],
        )
    return f"Controller: {controller}\n\n{table.text()}"


def _identity(info: Mapping[str, Any], controller: str) -> Json:
    owner = info["owner-tag"].removeprefix("user-")
    return {
        "name": f"{owner}/{info['name']}",
        "short-name": info["name"],
        "model-uuid": info["uuid"],
        "model-type": info.get("type", ""),
        "controller-uuid": info.get("controller-uuid", ""),
        "controller-name": controller,
        "is-controller": bool(info.get("is-controller")),
        "owner": owner,
        "cloud": info.get("cloud-tag", "").removeprefix("cloud-"),
        **filled(region=info.get("cloud-region")),
    }


def _status(status: Mapping[str, Any] | None, now: datetime.datetime) -> Json:
    status = status or {}
    since = status.get("since")
    return filled(
        current=status.get("status"),
        message=status.get("info"),
        reason=(status.get("data") or {}).get("reason"),
        since=time_ago(since, now) if since else None,
    )


def _credential(info: Mapping[str, Any]) -> Json | None:
    tag = info.get("cloud-credential-tag")
    if not tag:
        return None
    from sandbox.juju.cli.credential_documents import parse_credential_tag

    cloud, owner, name = parse_credential_tag(tag)
    validity = info.get("cloud-credential-validity")
    checked = None if validity is None else "valid" if validity else "invalid"
    return {"name": name, "owner": owner, "cloud": cloud, **filled(validity_check=checked)}
