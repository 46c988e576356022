"""Stand-ins for the Charmhub charms of the bundle, and the catalogue that hands them out.

charms/<name>.yaml describes one charm: what the real one's metadata, options and actions are
(names, types, defaults), and how the stand-in behaves. common.yaml holds what several share,
interfaces.yaml what the two ends of a relation tell each other, releases.yaml the tracks with
their revisions and the versions of the workloads. runtime/ is the one program that every
stand-in runs. To add a charm, write its description, and its interfaces where they are new.
"""
