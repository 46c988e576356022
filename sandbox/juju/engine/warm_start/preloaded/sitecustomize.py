"""Lets a charm's interpreter wait just before it runs charm.py.

The controller starts the interpreter as `dispatch` would, with this folder first on PYTHONPATH.
What returns from here is a fork, which goes on as a new process would.
"""

# Its parts must not import what a hook would not have, pathlib among it.
# ruff: noqa: PTH100, PTH109, PTH120

import os
import sys


def _wait():
    folder = os.path.dirname(os.path.abspath(__file__))
    import warm_fork

    os.environ["PYTHONPATH"] = os.environ["PYTHONPATH"].partition(":")[2]
    sys.path[:] = [entry for entry in sys.path if entry != folder]
    sys.path_importer_cache.pop(folder, None)
    warm_fork.wait(os.getcwd() + "/")


def _next_sitecustomize():
    """The system's own, which this one hides: it runs in each hook."""
    this = sys.modules.pop("sitecustomize")
    try:
        import sitecustomize  # noqa: F401
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
        sys.modules["sitecustomize"] = this


if "SANDBOX_WARM_START_SOCKET" in os.environ:
    _wait()
    _next_sitecustomize()
