"""The commands that charms find on PATH: their arguments, answers, errors and exit codes.

Each family of tools is a module of functions `f(context, invocation) -> Answer`; `registry`
names them all. They read and change an `engine.context.HookContext`. What they accept and
print is that of Juju's jujuc (internal/worker/uniter/runner/jujuc).
"""
