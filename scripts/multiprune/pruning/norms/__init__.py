"""What to make of the activations of input channel j, one file a norm.

Each has `norm(statistics, **options)`: sums of several languages -> n_j [channels].
"""
