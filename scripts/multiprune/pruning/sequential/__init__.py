"""Pruning block by block, on activations that went through the pruned blocks; SparseGPT."""
