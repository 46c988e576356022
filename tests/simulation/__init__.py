"""Histories of whole plans: the coordinator's planner, engine, observers and gates, for real,
against a model of a cloud with bad luck. See history.py.
"""
