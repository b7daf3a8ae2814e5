"""Tensors of many safetensors files, one at a time, in memory that does not grow with the files.

The safetensors library maps files: what was read of them stays in the process's resident memory
until they are closed.
"""
