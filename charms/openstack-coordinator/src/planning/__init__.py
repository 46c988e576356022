"""Plans for a whole cloud: one module for each kind of request. See planner.py."""
