"""`juju export-bundle`: the model as a bundle that deploys the same again."""

from __future__ import annotations

import pathlib

from sandbox.juju.cli.command import MODEL, Command, Context, at_most
from sandbox.juju.cli.flags import flag


def _export_bundle(context: Context) -> None:
    arguments = context.arguments
    answer = context.session.to_model().call(
        "Bundle",
        "ExportBundle",
        {
            "include-charm-defaults": arguments["include-charm-defaults"],
            "include-series": arguments["include-series"],
        },
    )
    text = answer.get("result") or ""
    if not arguments["filename"]:
        context.print(text)
        return
    path = pathlib.Path(arguments["filename"]).expanduser()
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    context.print(f"Bundle successfully exported to {arguments['filename']}\n")


COMMANDS = {
    "export-bundle": Command(
        _export_bundle,
        "Exports the current model configuration as a reusable bundle.",
        flags=(
            MODEL,
            flag("filename", help="Bundle file"),
            flag("include-charm-defaults", "bool", help="Include charm config default values"),
            flag("include-series", "bool", help="Compatibility option. Include series"),
        ),
        check=at_most(0),
    ),
}
