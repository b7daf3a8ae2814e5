"""The library, a package for each stage. Each imports those above it in docs/architecture.md."""
