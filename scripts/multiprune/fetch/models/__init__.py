"""Where models come from: one file a kind, and nothing but kinds.

Each has `fetch(definition, folder, fits) -> notes`. It fills a folder in Hugging Face layout, empty
at first; the notes (revision and the like) go into the manifest. `fits(folder)` raises InputError
where the experiment asks for what the model cannot do; it is called once there is a config.json.
Weights are safetensors, or pickled ones that are converted in a process of its own, in which
nothing but tensors is built (`fetch.pickled`); no code from a model runs.

And `check(definition, pinned, folder, fits) -> what was found`, for preflight: could it be fetched?
`pinned` is the definition at the commit that the lock file knows, `folder` an empty one.
"""
