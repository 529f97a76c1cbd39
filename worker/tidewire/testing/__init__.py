"""Runs flows against a real Postgres inside a test, with time that can be moved.

Only tests import it; nothing of the worker does.
"""
