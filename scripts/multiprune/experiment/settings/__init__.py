"""The keys of a config as typed models: types, limits, defaults and descriptions, each once.

`read` makes an `Experiment` of what YAML gave, or says in one line what is wrong with it. What has
to agree between several keys stands in `experiment.validation`. Scripts get what they need as
arguments and never import this package, so that a new key changes no digest. Imports `errors` and
`registry`.
"""
