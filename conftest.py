"""What holds for every test of the repository, those of the charms included."""

import hypothesis

# Hypothesis measures an example by the clock on the wall, which a busy machine stretches.
hypothesis.settings.register_profile("any-machine", deadline=None)
hypothesis.settings.load_profile("any-machine")
