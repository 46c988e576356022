"""The status of a whole model, as Client.FullStatus shows it (rpc/params/status.go)."""
