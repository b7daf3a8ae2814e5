"""A pruned model as a Hugging Face folder, and what such a folder holds.

Imports `evaluation` and what is above it.
"""
