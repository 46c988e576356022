"""Warm start: hooks of Python charms that do not pay for their imports each time.

The first hooks of a unit run as under Juju: `dispatch` starts an interpreter. Once the charm is
installed, an interpreter of the unit's own waits with the third-party modules imported that the
charm imports anyway (`preloads`), in the state that site.py leaves it in, just before it would
run charm.py. Each hook is a fork of it that goes on from there, so that CPython itself runs
charm.py as a new process's `__main__`, with the hook's environment and descriptors.

Only a `dispatch` that charmcraft wrote is known to do nothing else (`dispatching`). In any
doubt (a module that read JUJU_* when it was imported, threads, open files, a changed file) the
hook runs as without it. What a charm could still tell: docs/architecture.md, "Warm start".
"""
