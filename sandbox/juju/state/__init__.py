"""The controller's state: SQLite tables, and one module of functions per kind of entity.

Every function takes a `Transaction` first and works inside it, so an API call or the flush
of a hook is one commit: all of it happens, or none. Nothing here knows of hooks, sockets or
HTTP. After a commit the store tells its subscribers what changed (`Change`).
"""
