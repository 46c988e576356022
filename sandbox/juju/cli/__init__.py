"""The `juju` command of the sandbox: Juju 3.6's command as users and client libraries know it.

It talks to the controller only over the WebSocket API, so it drives a real controller as well.
"""

from __future__ import annotations


def main() -> int:
    """Run the command line of this process; returns the exit code."""
    import sys

    from sandbox.juju.cli.dispatch import run

    return run(sys.argv[1:], sys.stdout, sys.stderr)
