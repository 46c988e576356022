"""What the sandbox's Juju costs: `tox -e bench`."""
