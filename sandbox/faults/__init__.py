"""Faults on purpose: what goes wrong in the field, in a sandbox, when it is asked for.

`fault` says what can go wrong and to whom, `plan` draws a series of faults from a seed,
`client` brings one about, `command` is `sandbox fault`, `pytest_plugin` the fixture `faults`.
"""
