"""Makes the charm's modules importable, as they are when dispatch runs src/charm.py."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "src"))
