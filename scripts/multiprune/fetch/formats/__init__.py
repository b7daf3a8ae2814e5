"""Forms of the files in packages: one file a form, and nothing but forms.

Each has `units(data, entry, code) -> [(document, unit, text)]`: the bytes of one file, the corpus's
definition and what the package calls the language give the texts with their ids. The document is
empty where the file itself is the document. ValueError for a file that is none of this form.
"""
