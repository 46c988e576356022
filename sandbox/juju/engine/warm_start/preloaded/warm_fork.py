"""Waits inside a charm's interpreter and forks for each hook.

It speaks with the controller over one socket: first it is told what to import, and answers with
the JUJU_* variables that the imports read, or with why it is unfit. Then each request has a
hook's folder and environment, and its stdin, stdout and stderr; a fork takes them over and
returns from `wait`. Numbers are 32 bits, little endian. It must run on every Python that charms
run on.
"""

# Its parts must not import what a hook would not have, pathlib among it.
# ruff: noqa: PTH109, PTH110, PTH208
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import os
import sys


class _Recorded(dict):
    """The environment while modules are imported: notes what they look up."""

    def __init__(self, data):
        dict.__init__(self, data)
        self.read = set()

    def __getitem__(self, key):
        self.read.add(key)
        return dict.__getitem__(self, key)

    def __contains__(self, key):
        self.read.add(key)
        return dict.__contains__(self, key)

    def get(self, key, default=None):
        self.read.add(key)
        return dict.get(self, key, default)

    def _whole(self):
        self.read.add(b"JUJU_*")

    def __iter__(self):
        self._whole()
        return dict.__iter__(self)

    def keys(self):
        self._whole()
        return dict.keys(self)

    def items(self):
        self._whole()
        return dict.items(self)

    def values(self):
        self._whole()
        return dict.values(self)

    def copy(self):
        self._whole()
        return dict.copy(self)


class _Unfit(Exception):
    """Hooks must not be forked from this interpreter."""


def _read(descriptor, size):
    data = b""
    while len(data) < size:
        part = os.read(descriptor, size - len(data))
        if not part:
            os._exit(0)  # the controller is gone
        data += part
    return data


def _message(kind, number, body=b""):
    parts = (number, len(body))
    return kind + b"".join(part.to_bytes(4, "little", signed=True) for part in parts) + body


def _preload(lines):
    """Import what the charm imports; returns the names of the variables that this read."""
    data = os.environ._data
    before, folder = dict(data), os.getcwd()
    recorded = _Recorded(data)
    os.environ._data = os.environb._data = recorded
    module = ""
    try:
        for line in lines.splitlines():
            module, _, names = line.partition(" ")
            __import__(module, {}, {}, names.split(), 0)
    except BaseException as error:
        raise _Unfit(f"importing {module} failed: {error!r}") from None
    finally:
        os.environ._data = os.environb._data = data
    if not dict.__eq__(recorded, before):
        raise _Unfit("an import changed the environment")
    if os.getcwd() != folder:
        raise _Unfit("an import changed the working directory")
    return b"\0".join(sorted(name for name in recorded.read if name.startswith(b"JUJU_")))


def _check(control, own):
    """Whether nothing runs, is open, or was loaded that a fork would not share well."""
    if len(os.listdir("/proc/self/task")) > 1:
        raise _Unfit("an import started a thread")
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) != control and os.path.exists("/proc/self/fd/" + name):
            raise _Unfit("an import left a file open")
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None) or ""
        if own and path.startswith(own) and not path.startswith(own + "venv/"):
            raise _Unfit(f"{name} is the charm's own")


def _become_hook(descriptors, to_close, variables, known):
    """In a fork: what a new process would have, in place of what the waiting one has."""
    os.setsid()
    for target, descriptor in enumerate(descriptors):
        os.dup2(descriptor, target)
    for descriptor in to_close:
        os.close(descriptor)
    os.environ.clear()
    for name, value in variables:
        os.environb[name] = value
    for name in set(sys.modules) - known:
        del sys.modules[name]
    for finder in sys.path_importer_cache.values():
        if hasattr(finder, "invalidate_caches"):
            finder.invalidate_caches()
    logging = sys.modules.get("logging")
    if logging is not None:
        import time

        now = time.time_ns() if isinstance(logging._startTime, int) else time.time()
        logging._startTime = now
        if "time" not in known:
            del sys.modules["time"]
    # Objects of a frozen generation are not collected at the end: files would stay unflushed.
    old = sys.modules["__main__"]
    main = type(sys)("__main__")
    main.__dict__.clear()
    main.__dict__.update(old.__dict__)
    sys.modules["__main__"] = main


def _receive(control):
    """One request: its number, folder, environment, and the descriptors that came with it."""
    import _socket

    head, ancillary, _, _ = control.recvmsg(8, _socket.CMSG_SPACE(12))
    if not head:
        return None
    head += _read(control.fileno(), 8 - len(head)) if len(head) < 8 else b""
    body = _read(control.fileno(), int.from_bytes(head[4:], "little"))
    raw = ancillary[0][2]
    descriptors = [int.from_bytes(raw[at : at + 4], sys.byteorder) for at in range(0, len(raw), 4)]
    folder, *entries = body.split(b"\0")
    variables = [entry.partition(b"=")[::2] for entry in entries]
    return int.from_bytes(head[:4], "little"), folder, variables, descriptors


def _serve(descriptor, known):
    """Fork for each request and tell of each end; returns in the forks alone."""
    import _socket
    import select

    control = _socket.socket(fileno=descriptor)
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    running = {}
    while True:
        for ready, _ in poll.poll():
            if ready in running:
                number, pid = running.pop(ready)
                status = os.waitpid(pid, 0)[1]
                code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
                poll.unregister(ready)
                os.close(ready)
                control.sendall(_message(b"E", number, code.to_bytes(4, "little", signed=True)))
                continue
            request = _receive(control)
            if request is None:
                for _, pid in running.values():
                    os.killpg(pid, 9)
                os._exit(0)
            number, folder, variables, descriptors = request
            pid = os.fork()
            if pid == 0:
                os.chdir(folder)
                _become_hook(
                    descriptors, [*descriptors, *running, control.detach()], variables, known
                )
                return
            for received in descriptors:
                os.close(received)
            watched = os.pidfd_open(pid)
            running[watched] = (number, pid)
            poll.register(watched, select.POLLIN)
            control.sendall(_message(b"S", number, pid.to_bytes(4, "little")))


def wait(own=""):
    """Import what is asked for, wait, and come back in each fork.

    Nothing below the folder `own` may be imported, but from its virtual environment.
    """
    control = int(os.environ.pop("SANDBOX_WARM_START_SOCKET"))
    lines = _read(control, int.from_bytes(_read(control, 4), "little")).decode()
    try:
        read = _preload(lines)
        _check(control, own)
        if not hasattr(os, "pidfd_open"):
            raise _Unfit("this Python is older than 3.9")
    except _Unfit as reason:
        os.write(control, _message(b"U", 0, str(reason).encode()))
        os._exit(0)
    known = set(sys.modules)
    known.discard(__name__)
    import gc

    gc.collect()
    gc.freeze()
    os.write(control, _message(b"R", 0, read))
    _serve(control, known)
