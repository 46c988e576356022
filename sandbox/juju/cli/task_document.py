"""Tasks and operations as the action commands show them (cmd/juju/action). Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.juju.cli.output import filled, naturally, yaml_text
from sandbox.juju.cli.tags import name_of
from sandbox.juju.cli.times import go_time

Json = dict[str, Any]
_NOT_SHOWN = frozenset({"return-code", "stdout", "stderr", "stdout-encoding", "stderr-encoding"})


def task_id(result: Mapping[str, Any]) -> str:
    """The task's number from its tag."""
    return (result.get("action") or {}).get("tag", "").removeprefix("action-")


def receiver_id(receiver: str) -> str:
    """The unit or machine that a task is for; `app/leader` stays as it is."""
    return name_of(receiver) if receiver.startswith(("unit-", "machine-")) else receiver


def task_document(result: Mapping[str, Any], *, utc: bool = False) -> tuple[Json, int]:
    """A task's document, and the return code of its command (-1 when it has none)."""
    output, code = converted_output(result.get("output"))
    receiver = (result.get("action") or {}).get("receiver", "")
    kind, _, _ = receiver.partition("-")
    error = result.get("error")
    return {
        "id": task_id(result),
        **({"log": _log_lines(result, utc)} if result.get("log") else {}),
        **filled(message=result.get("message"), error=error and error.get("message")),
        **({"results": output} if output else {}),
        "status": result.get("status", ""),
        **filled(timing=_timing(result, utc)),
        **({kind: receiver_id(receiver)} if kind in ("unit", "machine") else {}),
    }, code


def converted_output(output: Mapping[str, Any] | None) -> tuple[Json, int]:
    """An action's results with a whole number as return code; empty streams left out."""
    if not output:
        return {}, -1
    shown = dict(output)
    for stream in ("stdout", "stderr"):
        text = shown.get(stream)
        if isinstance(text, str) and text:
            shown[stream] = text.replace("\r\n", "\n")
        else:
            shown.pop(stream, None)
    code = shown.get("return-code")
    if code is None or code == "":
        shown.pop("return-code", None)
        return shown, -1
    try:
        shown["return-code"] = int(float(code))
    except ValueError:
        return shown, -1
    return shown, shown["return-code"]


def operation_document(operation: Mapping[str, Any], *, utc: bool = False) -> Json:
    """An operation with its tasks."""
    results = [result for result in operation.get("actions") or [] if result.get("action")]
    error = operation.get("error")
    actions = [(r["action"]["name"], r["action"].get("parameters") or {}) for r in results]
    same = bool(actions) and all(action == actions[0] for action in actions)
    tasks = {
        task_id(result): {
            **({} if same else filled(name=result["action"]["name"])),
            "host": receiver_id(result["action"]["receiver"]),
            "status": result.get("status", ""),
            **filled(timing=_timing(result, utc)),
            **({"log": _log_lines(result, utc)} if result.get("log") else {}),
            **filled(message=result.get("message"), results=result.get("output")),
        }
        for result in results
    }
    whole = len(results) == len(operation.get("actions") or [])
    return {
        "summary": operation.get("summary", ""),
        "status": operation.get("status", "") if whole else "error",
        **filled(fail=operation.get("fail"), error=error and error.get("message")),
        **({"action": {"name": actions[0][0], "parameters": actions[0][1]}} if same else {}),
        "timing": _timing(operation, utc),
        **filled(tasks=tasks),
    }


def plain_run_text(info: Mapping[str, Mapping[str, Any]]) -> str:
    """What `juju run` prints by default: the results as YAML, then what the task wrote."""
    summaries: dict[str, Json] = {}
    stdout = stderr = ""
    for name, task in info.items():
        results = task.get("results")
        text = f"Task {task.get('id')} {task.get('status', 'has unknown status')}\n"
        if isinstance(results, dict):
            stdout = results.get("stdout") or stdout
            stderr = results.get("stderr") or stderr
            rest = {key: item for key, item in sorted(results.items()) if key not in _NOT_SHOWN}
            text = yaml_text(rest) if rest else ""
        summaries[name] = {
            "id": task.get("id"),
            **filled(message=task.get("message")),
            "output": text,
            "status": task.get("status"),
        }
    if len(summaries) > 1:
        return yaml_text(summaries)
    lines = ""
    for summary in summaries.values():
        if summary["status"] == "failed":
            lines += f"Action id {summary['id']} failed: {summary.get('message', '')}\n"
        lines += f"{summary['output']}\n"
    streams = [stream.strip("\n") for stream in (stdout, stderr) if stream]
    return lines + "".join(f"{stream}\n" for stream in streams)


def plain_exec_text(info: Mapping[str, Mapping[str, Any]]) -> str:
    """What `juju exec` prints by default: what each command wrote, headed by where it ran."""
    written = {
        name: "".join(
            text if text.endswith("\n") else f"{text}\n"
            for text in ((task.get("results") or {}).get(s) for s in ("stdout", "stderr"))
            if text
        )
        for name, task in info.items()
        if isinstance(task.get("results"), dict)
    }
    if len(written) <= 1:
        return "".join(written.values())
    return "".join(f"{name}:\n{written.get(name, '')}\n" for name in naturally(info))


def with_value(parameters: Json, path: Iterable[str], value: Any) -> Json:
    """Parameters with a nested value set: a.b.c=1 makes {"a": {"b": {"c": 1}}}."""
    first, *rest = path
    if not rest:
        return {**parameters, first: value}
    inner = parameters.get(first)
    return {**parameters, first: with_value(inner if isinstance(inner, dict) else {}, rest, value)}


def _log_lines(result: Mapping[str, Any], utc: bool) -> list[str]:
    return [
        f"{go_time(line.get('timestamp'), utc=utc)} {line.get('message', '')}"
        for line in result.get("log") or []
    ]


def _timing(result: Mapping[str, Any], utc: bool) -> Json:
    return filled(
        completed=go_time(result.get("completed"), utc=utc),
        enqueued=go_time(result.get("enqueued"), utc=utc),
        started=go_time(result.get("started"), utc=utc),
    )
