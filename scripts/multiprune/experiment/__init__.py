"""What a config asks for: its keys and checks, the methods, languages and runs that follow.

Plain Python without torch, since every job parses the workflow again. Imports `files`.
"""
