"""`juju add-unit`, `add-machine`, `retry-provisioning`, `resolved`."""

from __future__ import annotations

import dataclasses
from typing import Any

from sandbox.juju import constraints, placement
from sandbox.juju.cli.command import (
    MODEL,
    Arguments,
    Command,
    CommandError,
    Context,
    at_least,
    exactly,
    positional,
)
from sandbox.juju.cli.flags import UsageError, flag
from sandbox.juju.cli.tags import is_machine, is_unit, machine_tag, unit_tag
from sandbox.juju.client.bases import parse_base
from sandbox.juju.client.errors import error_of
from sandbox.juju.errors import JujuError

Json = dict[str, Any]
_PROVIDER = "model-uuid"
"""Stands for the model's UUID in placements until the model is known."""


def parse_placements(spec: str) -> list[Json]:
    """The directives of --to.

    Raises:
        UsageError: one of them is malformed.
    """
    directives: list[Json] = []
    for text in spec.split(",") if spec else ():
        try:
            parsed = placement.parse(text, model=_PROVIDER) if text else None
        except JujuError:
            parsed = None
        if parsed is None and text != "new":
            raise UsageError(f'invalid --to parameter "{text or spec}"')
        if parsed is not None:
            directives.append(dataclasses.asdict(parsed))
    return directives


def in_model(directives: list[Json], uuid: str) -> list[Json]:
    """Placements whose provider scope is this model."""
    return [
        {**directive, "scope": uuid} if directive["scope"] == _PROVIDER else directive
        for directive in directives
    ]


def _add_unit(context: Context) -> None:
    arguments = context.arguments
    directives = parse_placements(arguments["to"])
    count = arguments["num-units"]
    if len(directives) > count:
        context.warn(
            f"{count} unit(s) will be deployed, extra placement directives will be ignored"
        )
    uuid = context.session.model().uuid
    context.session.to_model().call(
        "Application",
        "AddUnits",
        {
            "application": arguments.positional[0],
            "num-units": count,
            "placement": in_model(directives, uuid),
            "attach-storage": [
                f"storage-{name.replace('/', '-')}" for name in arguments["attach-storage"]
            ],
        },
    )


def _add_machine(context: Context) -> None:
    arguments = context.arguments
    wanted: Json = {
        "constraints": constraints.parse(*arguments["constraints"]),
        "jobs": ["JobHostUnits"],
    }
    if arguments["base"]:
        wanted["base"] = parse_base(arguments["base"]).wire
    uuid = context.session.model().uuid
    if arguments.positional:
        directives = in_model(parse_placements(arguments.positional[0]), uuid)
        if directives and directives[0]["scope"] == placement.MACHINE_SCOPE:
            raise CommandError("machine-id cannot be specified when adding machines")
        wanted |= {"placement": directives[0]} if directives else {}
    answer = context.session.to_model().call(
        "MachineManager", "AddMachines", {"params": [wanted] * arguments["n"]}
    )
    problems = []
    for result in answer.get("machines") or []:
        if (error := error_of(result)) is not None:
            problems.append(str(error))
            continue
        number = result["machine"]
        context.inform(f"created {'container' if '/' in number else 'machine'} {number}")
    if problems:
        plural = "s" if len(problems) > 1 else ""
        context.stderr.write(f"failed to create {len(problems)} machine{plural}\n")
        raise CommandError(", ".join(problems))


def _retry_provisioning(context: Context) -> None:
    arguments = context.arguments
    answer = context.session.to_model().call(
        "MachineManager",
        "RetryProvisioning",
        {
            "machines": [machine_tag(name) for name in arguments.positional],
            "all": arguments["all"],
        },
    )
    for result in answer.get("results") or []:
        if (error := error_of(result)) is not None:
            context.stderr.write(f"{error}\n")


def _resolved(context: Context) -> None:
    arguments = context.arguments
    answer = context.session.to_model().call(
        "Application",
        "ResolveUnitErrors",
        {
            "tags": {"entities": [{"tag": unit_tag(name)} for name in arguments.positional]},
            "retry": not arguments["no-retry"],
            "all": arguments["all"],
        },
    )
    problems = [
        str(error)
        for result in answer.get("results") or []
        if (error := error_of(result)) is not None
    ]
    if problems:
        raise CommandError("\n".join(problems))


def _check_add_unit(arguments: Arguments) -> None:
    exactly(1, "no application specified")(arguments)
    if arguments["num-units"] < 1:
        raise UsageError("--num-units must be a positive integer")
    if arguments["attach-storage"] and arguments["num-units"] != 1:
        raise UsageError("--attach-storage cannot be used with -n")
    parse_placements(arguments["to"])


def _check_add_machine(arguments: Arguments) -> None:
    words = positional(arguments, 0, 1, "")
    parsed = constraints.parse(*arguments["constraints"])
    if "container" in parsed:
        kind = parsed["container"]
        raise UsageError(f'container constraint "{kind}" not allowed when adding a machine')
    if words and parse_placements(words[0]) and arguments["n"] > 1 and ":" in words[0]:
        raise UsageError("cannot use -n when specifying a placement directive")


def _check_retry(arguments: Arguments) -> None:
    if not arguments["all"]:
        at_least(1, "no machine specified")(arguments)
    elif arguments.positional:
        raise UsageError("specify machines or --all but not both")
    for name in arguments.positional:
        if not is_machine(name):
            raise UsageError(f'invalid machine "{name}"')
        if "/" in name:
            raise UsageError(
                f'invalid machine "{name}" retry-provisioning does not support containers'
            )


def _check_resolved(arguments: Arguments) -> None:
    if not arguments["all"]:
        at_least(1, "no unit specified")(arguments)
    elif arguments.positional:
        raise UsageError("specifying units with --all not supported")
    for name in arguments.positional:
        if not is_unit(name):
            raise UsageError(f'unit name "{name}" not valid')


COMMANDS = {
    "add-unit": Command(
        _add_unit,
        "Adds one or more units to a deployed application.",
        "<application name>",
        (
            MODEL,
            flag("n num-units", "int", 1, "Number of units to add"),
            flag("to", help="The machine and/or container to deploy the unit in"),
            flag("attach-storage", "list", help="Existing storage to attach to the unit"),
        ),
        check=_check_add_unit,
    ),
    "add-machine": Command(
        _add_machine,
        "Provision a new machine or assign one to the model.",
        "[<container-type>[:<machine-id>] | ssh:[<user>@]<host> | <placement>]",
        (
            MODEL,
            flag("n", "int", 1, "Specify the number of machines to add"),
            flag("base", help="Specify the operating system base"),
            flag("constraints", "repeat", help="Specify the machine constraints"),
            flag("disks", "repeat", help="Storage constraints for disks to attach"),
        ),
        check=_check_add_machine,
    ),
    "retry-provisioning": Command(
        _retry_provisioning,
        "Retries provisioning for failed machines.",
        "<machine> [...]",
        (MODEL, flag("all", "bool", help="Retry provisioning all failed machines")),
        check=_check_retry,
    ),
    "resolved": Command(
        _resolved,
        "Marks unit errors resolved and re-executes failed hooks.",
        "[<unit> ...]",
        (
            MODEL,
            flag("no-retry", "bool", help="Do not re-execute failed hooks on the unit"),
            flag("all", "bool", help="Marks all units in error as resolved"),
        ),
        check=_check_resolved,
    ),
}
COMMANDS["resolve"] = COMMANDS["resolved"]
