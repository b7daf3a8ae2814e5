"""Stage 5: perplexity, downstream tasks, constants chosen on validation text; readers of these.

reads   masks, texts, tasks
writes  <results>/{model}/seed{seed}/perplexity/, downstream/, sweep/
Imports `pruning` and what is below it, and `uncertainty`.
"""
