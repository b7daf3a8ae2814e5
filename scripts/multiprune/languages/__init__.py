"""The builder of config/languages.csv: a tool, no stage."""
