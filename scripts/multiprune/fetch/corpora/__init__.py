"""Where texts come from: one file a kind, and nothing but kinds.

Each has `read(corpus, text, source) -> (dealt, notes)`: the corpus's definition, a language's code
in it and the path of its source or None give the rows with their splits, and notes for the
manifest, such as the revision. A row is `{"id", "text"}`; equal ids of two languages are
translations wherever the corpus is parallel. Every kind brings its text into normal form before
repeats are looked for, so that no text calibrates in another disguise than it is tested in.

And `check(corpus, pinned, text, source, windows) -> what was found`, for preflight: could it be
fetched, and, where that is known without the download, can it be enough for the windows (see
`fetch.enough`)? `pinned` is the definition at the commit that the lock file knows.
"""
