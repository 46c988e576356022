"""The unit agents of every model: what each unit runs next, and running it.

The decision is pure: `resolver.next_operation(local, remote)` takes what the agent has seen
and done (`local.LocalState`) and what the controller says now (`remote.RemoteState`). The
rest observes the store (`observation`), runs processes (`process`, `charm_directory`), holds
what a hook changes until it has succeeded (`context`, `flush`), and drives all units from
one event loop (`engine`, `agent`).
"""
