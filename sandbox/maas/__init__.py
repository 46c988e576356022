"""A MAAS region for the sandbox: API 2.0 and the life of machines."""
