"""Which modules a method names: the code of its jobs is these, and no others of their kind."""

from multiprune import registry


def modules_of(method: dict) -> list[str]:
    """Modules of a method's score, norm, allocation and refinement, below the package; sorted.

    `method` are its options. SparseGPT is no module of the scores: a sequential job imports it.
    """
    named = {
        "scores": method["score"],
        "norms": method.get("norm", {}).get("kind"),
        "allocations": method["allocation"]["kind"],
        "refinements": method.get("refine", {}).get("kind"),
    }
    return sorted(
        f"pruning.{axis}.{name}"
        for axis, name in named.items()
        if name in registry.names(f"pruning.{axis}")
    )
