"""Tasks of the LM evaluation harness: run under a loaded model, and built from parallel text."""
