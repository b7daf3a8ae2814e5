"""What stands under results/ and resources/, held against what was written: no stage, a check.

Imports what reads the files of the stages: `pruning` and what is above it.
"""
