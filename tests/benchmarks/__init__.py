"""What large clouds cost, printed as tables: `tox -e benchmarks`, `tox -e bench`."""
