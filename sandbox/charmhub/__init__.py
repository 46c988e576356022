"""Stand-ins for the Charmhub charms of the bundles."""
