"""The client's side of the controller's API: connections, and what the client remembers."""
