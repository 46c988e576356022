"""An embedded Juju controller and its `juju` command."""
