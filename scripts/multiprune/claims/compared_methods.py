"""What is to be said of the methods that a claim compares, beside the numbers."""

from multiprune.claims.definitions import Claim
from multiprune.experiment.grid import OURS, PUBLISHED, Grid


def constants(claim: Claim, grid: Grid) -> str:
    """`ours` where a method of the claim holds a constant that no source confirms.

    Empty where the experiment lacks a method, so that nobody knows.
    """
    compared = (*claim.methods, *claim.references)
    if not all(name in grid.methods for name in compared):
        return ""
    ours = any(grid.facts.get(name, {}).get("constants") == OURS for name in compared)
    return OURS if ours else PUBLISHED


def switched_off(claim: Claim, grid: Grid) -> str:
    """Which terms of the claim's method its options switch off, in words."""
    terms = {
        term: None for name in claim.methods for term in grid.facts.get(name, {}).get("off", ())
    }
    return "; ".join(f"the {term} term is off" for term in terms)


def budgets(claim: Claim, grid: Grid) -> str:
    """How much calibration text each side reads, where that differs; of draws, that of the first.

    Empty where a side reads none.
    """
    sides = [(claim.method, claim.methods), (claim.reference, claim.references)]
    found = [(spoken, names[0]) for spoken, names in sides if names]
    said = [_budget(name, grid) for _spoken, name in found]
    if len(said) < 2 or not all(said) or said[0] == said[1]:
        return ""
    return "; ".join(
        f"{spoken}: {budget}" for (spoken, _name), budget in zip(found, said, strict=True)
    )


def _budget(name: str, grid: Grid) -> str:
    """`6 languages, 6,144 tokens`; of a method that is pruned for each language, of one model."""
    facts = grid.facts.get(name, {})
    if not facts.get("tokens"):
        return ""
    count, bound = facts["languages"], "at most " if facts["at_most"] else ""
    models = " for each model" if grid.is_whole(name) else ""
    said = f"{count} language{'s' if count != 1 else ''}, {bound}{facts['tokens']:,} tokens"
    return said + models
