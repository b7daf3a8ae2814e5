"""What a config asks for: its keys and checks, the methods that follow, the plan of all jobs.

Plain Python without torch, since every job parses the workflow again. Imports `models` and what is
above it.
"""
