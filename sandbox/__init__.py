"""The embedded default: Juju, MAAS, BMCs, OpenStack and Charmhub on one machine."""
