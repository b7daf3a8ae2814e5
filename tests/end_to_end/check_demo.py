"""Check a finished demo: every result is there, and the sizes of effects are sane.

    python tests/end_to_end/check_demo.py results/demo

The bounds are those of a trial with other calibration draws; they tell a broken pipeline from a
working one and say nothing about which method is best.
"""

import sys
from itertools import chain
from pathlib import Path

import pandas as pd

EXPECTED = {  # experiment: models, of them evaluated downstream, languages downstream
    "demo": (16, 4, 9),
    "demo-smollm2": (16, 4, 3),
}
SIMILAR = ["m-wanda", "owl", "ria"]
FORMATS = [".pdf", ".png"]
VERDICTS = {"points for", "points against", "undecided", "mixed", "not measured"}  # of one seed


def main() -> None:
    """Print each check and exit with 1 if one failed."""
    folder = Path(sys.argv[1])
    models, asked, languages = EXPECTED[folder.name]
    summary = pd.read_csv(folder / "tables" / "summary.csv")
    table = pd.read_csv(folder / "tables" / "perplexity.csv")
    everything = summary[summary["language_set"] == "all"]
    at_half = everything[everything["sparsity"].isin([0, 0.5])].set_index("method")["perplexity"]
    runs = table.groupby(["method", "sparsity"])["language"].nunique()
    downstream = pd.read_csv(folder / "tables" / "downstream.csv")
    scored = downstream[downstream["metric"] == "acc_norm"]
    claims = pd.read_csv(folder / "tables" / "claims.csv", keep_default_na=False)
    ours = claims[claims["constants"] == "ours"]["measurement"]
    intervals = claims[["ci_low", "ci_high"]].ne("").all(axis=1)
    figures = {kind: list((folder / "figures").glob(f"*{kind}")) for kind in FORMATS}
    pdf, png = ({path.stem for path in drawn} for drawn in figures.values())
    ratios = {method: at_half[method] / at_half["wanda"] for method in [*SIMILAR, "magnitude"]}
    checks = {
        f"{models} models, every language": len(runs) == models and runs.nunique() == 1,
        "no missing perplexity": bool(table["perplexity"].notna().all()),
        "every ratio lies in its interval": bool(
            (everything["ci_low"] <= everything["ratio_to_dense"]).all()
            and (everything["ratio_to_dense"] <= everything["ci_high"]).all()
        ),
        "dense is best": at_half.idxmin() == "dense",
        "magnitude > 2 x wanda": ratios["magnitude"] > 2,
        "wanda-en > 1.2 x wanda": at_half["wanda-en"] / at_half["wanda"] > 1.2,
        "m-wanda, owl, ria within 15% of wanda": all(
            1 / 1.15 < ratios[method] < 1.15 for method in SIMILAR
        ),
        f"{asked} models, {languages} languages downstream": len(scored) == asked * languages,
        "dense knows English better than chance": bool(
            scored.query("method == 'dense' and language == 'en'")["score"].item()
            > 1.5 * scored["chance"].iloc[0]
        ),
        "every claim has a verdict": set(claims["verdict"]) <= VERDICTS and len(claims) > 5,
        "with an interval or a reason": bool((intervals | claims["reason"].ne("")).all()),
        "claims on m-wanda, m-ria and kim are on our constants": bool(
            ours.str.contains("m-wanda|m-ria|kim-").all() and len(ours) > 7
        ),
        "every figure as PDF and PNG": len(pdf) > 5 and pdf == png,
        "no empty figure": all(path.stat().st_size > 5000 for path in chain(*figures.values())),
        "report": (folder / "report.html").stat().st_size > 500_000,
    }
    for name, passed in checks.items():
        print(f"{'ok    ' if passed else 'FAILED'} {name}")
    sys.exit(not all(checks.values()))


if __name__ == "__main__":
    main()
