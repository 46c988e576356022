"""Juju's API of the sandbox's controller: WebSocket RPC, charm upload and the debug log."""
