"""Intervals and tests of paired differences. Imports nothing of the project."""
