"""How a script runs: its command line, what code counts, where results come from, SLURM.

Imports `files`.
"""
