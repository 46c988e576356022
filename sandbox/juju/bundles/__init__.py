"""Bundles: parsed, merged with overlays, verified, and turned into a plan of changes.

Everything here is pure but for reading the files that a bundle names. The rules and the words
are those of Juju 3.6: github.com/juju/charm (bundledata.go, bundledatasrc.go, overlay.go) and
core/bundle/changes.
"""
