"""MAAS's power drivers: switching machines through their BMCs."""
