"""`juju remove-unit`, `remove-application`, `remove-machine`: tell, ask, remove."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.juju.cli.command import (
    MODEL,
    Arguments,
    Command,
    CommandError,
    Context,
    Silent,
    at_least,
)
from sandbox.juju.cli.flags import UsageError, flag
from sandbox.juju.cli.tags import is_machine, is_unit, machine_tag, name_of, unit_tag
from sandbox.juju.names import is_application

Json = dict[str, Any]
_ABOUT_TO = "This command will perform the following actions:"


def _remove_units(context: Context) -> None:
    names = context.arguments.positional

    def destroy(dry_run: bool) -> Sequence[Json]:
        units = [
            {"unit-tag": unit_tag(name), **_how(context.arguments, dry_run)} for name in names
        ]
        return _results(context, "Application", "DestroyUnit", {"units": units})

    def tell(name: str, info: Mapping[str, Any]) -> str:
        return f"will remove unit {name}\n" + _consequences(info)

    _remove(context, "unit", names, destroy, tell)


def _remove_applications(context: Context) -> None:
    names = context.arguments.positional

    def destroy(dry_run: bool) -> Sequence[Json]:
        applications = [
            {"application-tag": f"application-{name}", **_how(context.arguments, dry_run)}
            for name in names
        ]
        return _results(
            context, "Application", "DestroyApplication", {"applications": applications}
        )

    def tell(name: str, info: Mapping[str, Any]) -> str:
        return f"will remove application {name}\n" + _consequences(info)

    _remove(context, "application", names, destroy, tell)


def _remove_machines(context: Context) -> None:
    arguments = context.arguments
    keeping = " (but retaining cloud instance)" if arguments["keep-instance"] else ""

    def destroy(dry_run: bool) -> Sequence[Json]:
        parameters: Json = {
            "machine-tags": [machine_tag(name) for name in arguments.positional],
            "force": arguments["force"],
            "keep": arguments["keep-instance"],
            "dry-run": dry_run,
        }
        if arguments["no-wait"]:
            parameters["max-wait"] = 0
        return _results(context, "MachineManager", "DestroyMachineWithParams", parameters)

    def tell(name: str, info: Mapping[str, Any]) -> str:
        text = f"will remove machine {info.get('machine-id', name)}{keeping}\n"
        text += _consequences(info)
        for container in info.get("destroyed-containers") or []:
            if inner := container.get("info"):
                text += tell(inner.get("machine-id", ""), inner)
        return text

    _remove(context, "machine", arguments.positional, destroy, tell)


def _remove(
    context: Context,
    noun: str,
    names: Sequence[str],
    destroy: Callable[[bool], Sequence[Json]],
    tell: Callable[[str, Mapping[str, Any]], str],
) -> None:
    """Remove, after a dry run that the user confirms when the model's mode asks for it."""
    if context.arguments["dry-run"]:
        _preview(context, noun, names, destroy, tell)
        return
    asked = _needs_confirmation(context)
    if asked:
        _preview(context, noun, names, destroy, tell)
        context.stderr.write("\nContinue [y/N]? ")
        context.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise CommandError(f"{noun} removal: aborted")
    results = destroy(False)
    _report(context, noun, names, results, None if asked else tell)


def _preview(
    context: Context,
    noun: str,
    names: Sequence[str],
    destroy: Callable[[bool], Sequence[Json]],
    tell: Callable[[str, Mapping[str, Any]], str],
) -> None:
    results = destroy(True)
    _report(context, noun, names, results, None)
    context.warn(_ABOUT_TO)
    _report(context, noun, names, results, tell)


def _report(
    context: Context,
    noun: str,
    names: Sequence[str],
    results: Sequence[Json],
    tell: Callable[[str, Mapping[str, Any]], str] | None,
) -> None:
    """Print what each removal does, or why it cannot be.

    Raises:
        Silent: one of them was refused.
    """
    failed = False
    for name, result in zip(names, results, strict=False):
        if error := result.get("error"):
            failed = True
            subject = noun if noun == "machine" else f"{noun} {name}"
            context.error(f"removing {subject} failed: {error.get('message')}")
        elif tell is not None:
            context.print(tell(name, result.get("info") or {}))
    if failed:
        raise Silent


def _consequences(info: Mapping[str, Any]) -> str:
    lines = [
        f"- will {verb} {noun} {name_of(entity['tag'])}"
        for key, verb, noun in (
            ("destroyed-units", "remove", "unit"),
            ("destroyed-storage", "remove", "storage"),
            ("detached-storage", "detach", "storage"),
        )
        for entity in info.get(key) or []
    ]
    return "".join(f"{line}\n" for line in lines)


def _how(arguments: Arguments, dry_run: bool) -> Json:
    how: Json = {
        "destroy-storage": arguments["destroy-storage"],
        "force": arguments["force"],
        "dry-run": dry_run,
    }
    if arguments["no-wait"]:
        how["max-wait"] = 0
    return how


def _results(context: Context, facade: str, request: str, parameters: Json) -> Sequence[Json]:
    return context.session.to_model().call(facade, request, parameters).get("results") or []


def _needs_confirmation(context: Context) -> bool:
    """Whether the model's mode asks for prompts and nothing waives them."""
    if context.arguments["no-prompt"] or os.environ.get("JUJU_SKIP_CONFIRMATION"):
        return False
    answer = context.session.to_model().call("ModelConfig", "ModelGet")
    mode = ((answer.get("config") or {}).get("mode") or {}).get("value") or ""
    return "requires-prompts" in str(mode)


def _checked(
    missing: str, valid: Callable[[str], bool], wrong: str
) -> Callable[[Arguments], None]:
    def check(arguments: Arguments) -> None:
        at_least(1, missing)(arguments)
        for name in arguments.positional:
            if not valid(name):
                raise UsageError(wrong.format(name))
        if arguments["no-wait"] and not arguments["force"]:
            raise UsageError("--no-wait without --force not valid")
        if arguments.options.get("num-units"):
            raise UsageError("--num-units for non k8s models not valid")

    return check


_FLAGS = (
    MODEL,
    flag("no-prompt", "bool", help="Do not prompt for confirmation"),
    flag("dry-run", "bool", help="Print what this command would remove without removing"),
    flag("force", "bool", help="Completely remove it and all its dependencies"),
    flag("no-wait", "bool", help="Rush through the removal without waiting for each step"),
)
_STORAGE = flag("destroy-storage", "bool", help="Destroy attached storage")

COMMANDS = {
    "remove-unit": Command(
        _remove_units,
        "Remove application units from the model.",
        "<unit> [...] | <application>",
        (*_FLAGS, _STORAGE, flag("num-units", "int", help="Units to remove (k8s models only)")),
        check=_checked("no units specified", is_unit, 'invalid unit name "{}"'),
    ),
    "remove-application": Command(
        _remove_applications,
        "Remove applications from the model.",
        "<application> [<application>...]",
        (*_FLAGS, _STORAGE),
        check=_checked(
            "no application specified", is_application, 'invalid application name "{}"'
        ),
    ),
    "remove-machine": Command(
        _remove_machines,
        "Removes one or more machines from a model.",
        "<machine number> ...",
        (*_FLAGS, flag("keep-instance", "bool", help="Do not stop the running instance")),
        check=_checked("no machines specified", is_machine, 'invalid machine id "{}"'),
    ),
}
