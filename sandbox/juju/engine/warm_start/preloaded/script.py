"""Lets the interpreter of a `dispatch` in Python wait, and runs that script in each fork.

Its argument is the folder with a copy of the script's modules.
"""

import os
import sys

import warm_fork


def _run():
    """Run the `dispatch` of the folder that the fork is in, as Python itself would."""
    path = f"{os.getcwd()}/dispatch"  # noqa: PTH109
    sys.argv[:] = [path]
    sys.path[0] = os.getcwd()  # noqa: PTH109
    main = sys.modules["__main__"]
    main.__dict__["__file__"] = path
    with open(path, "rb") as file:  # noqa: PTH123
        code = compile(file.read(), path, "exec")
    exec(code, main.__dict__)  # noqa: S102


sys.path[0] = sys.argv[1]
warm_fork.wait()
_run()
