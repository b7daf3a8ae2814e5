"""How anything is kept: atomic writing, JSON, safetensors, tables, hashes, manifests, locks.

Imports `errors` alone.
"""
