"""The tasks of the LM evaluation harness: their names, their rows, and loading them."""
