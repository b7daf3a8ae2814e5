"""How important is each decoder block? One file an allocation; important blocks keep more weights.

Each has `importance(blocks, **options)`: `pruning.sparsities.Blocks` -> [blocks].
"""
