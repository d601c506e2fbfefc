"""Table of sixteen data sets from the rows of sixteen.csv, as Markdown: means over seeds.

    python benchmarks/accuracy.py --data data --sets sixteen --seeds 2 \\
        --methods ours leiden "leiden oracle" kmeans --output benchmarks/results/sixteen.csv
    python benchmarks/sixteen.py

Data sets of the same publication are one study, of which the means over its sets are averaged.
Other methods of ``methods.py`` in the rows, such as the default without one of its modules, are
compared with the default on the sets and seeds that both have.
"""

from pathlib import Path

import pandas as pd
from accuracy import HERE, LEVELS, SIXTEEN

STUDIES = {
    **dict.fromkeys(("mouse1", "mouse2"), "Baron"),
    **dict.fromkeys(("mouse_bladder_2100", "mouse_bladder_hvg"), "Han"),
}
"""Studies with several sets; each other set is a study of its own."""
BEST_LEVEL = "best level by the labels"
PAIRS = (
    ("scSiameseClu, k unknown", "best Leiden by the labels"),
    ("scSiameseClu, k given", "k-means, k given"),
    ("scSiameseClu, k given", "scSiameseClu, k unknown"),
    ("best of three levels", "scSiameseClu, k unknown"),
)
"""Columns of the table whose difference is shown."""
COLUMNS = {
    "scSiameseClu, k unknown": ("ours", "unknown"),
    "clusters": ("ours", "unknown"),
    "best of three levels": ("ours", BEST_LEVEL),
    "Leiden 1.0": ("leiden", "unknown"),
    "best Leiden by the labels": ("leiden oracle", "by labels"),
    "scSiameseClu, k given": ("ours", "given"),
    "k-means, k given": ("kmeans", "given"),
}

OTHERS = ("ours", "leiden", "leiden oracle", "kmeans")
"""Methods of the first table; the others are compared with ours in the second."""


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds of the adjusted Rand index, or number of clusters, by set and method."""
    levels = rows[rows["k"].isin(["unknown", *LEVELS.values()]) & (rows["method"] == "ours")]
    best = levels.loc[levels.groupby(["set", "method", "seed"])["ari"].idxmax()]
    rows = pd.concat([rows, best.assign(k=BEST_LEVEL)])
    means = rows.groupby(["set", "method", "k"])[["ari", "n_clusters"]].mean()
    columns = {}
    for title, (method, k) in COLUMNS.items():
        measure = "n_clusters" if title == "clusters" else "ari"
        columns[title] = means[measure].xs((method, k), level=("method", "k"))
    return pd.DataFrame(columns).reindex(SIXTEEN)


def by_study(means: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table averaged within studies."""
    return means.groupby([STUDIES.get(str(name), str(name)) for name in means.index]).mean()


def differences(rows: pd.DataFrame, method: str, k: str) -> pd.Series:
    """What a method gains over the default, by study, on the sets and seeds that both have."""
    keys = ["set", "seed"]
    one, default = (
        rows[(rows["method"] == name) & (rows["k"] == k)].set_index(keys)["ari"]
        for name in (method, "ours")
    )
    gain = (one - default).dropna()
    return by_study(gain.groupby("set").mean().to_frame("gain"))["gain"]


def comparison(rows: pd.DataFrame) -> list[str]:
    """Lines of the table of all other methods; empty if there are none."""
    methods = [name for name in rows["method"].unique() if name not in OTHERS]
    if not methods:
        return []
    lines = [
        "## Compared with the default",
        "",
        "Difference in the adjusted Rand index to scSiameseClu by default, mean over studies ± "
        "standard error over studies, on the sets and seeds that both have.",
        "",
        "| method | studies | seeds | k unknown | k given |",
        "|---|---|---|---|---|",
    ]
    for method in methods:
        seeds = rows.loc[rows["method"] == method, "seed"].nunique()
        gains = [differences(rows, method, k) for k in ("unknown", "given")]
        shown = [
            f"{gain.mean():+.3f} ± {gain.std() / len(gain) ** 0.5:.3f}" if len(gain) else "–"
            for gain in gains
        ]
        studies = max(len(gain) for gain in gains)
        lines.append(f"| {method} | {studies} | {seeds} | {' | '.join(shown)} |")
    return [*lines, ""]


def markdown(rows: pd.DataFrame) -> str:
    """The table with its mean and standard error over studies, and where it was measured."""
    means = table(rows)
    studies = by_study(means)
    lines = ["| data set | " + " | ".join(means.columns) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    lines += [f"| {name} | {_cells(values)} |" for name, values in means.iterrows()]
    lines.append(f"| **mean of {len(studies)} studies** | {_cells(studies.mean())} |")
    lines.append(f"| standard error | {_cells(studies.std() / len(studies) ** 0.5)} |")
    gain = studies["scSiameseClu, k unknown"] - studies["Leiden 1.0"]
    seeds = rows["seed"].nunique()
    machine, days = rows["machine"].iloc[0], sorted(set(rows["date"]))
    return "\n".join(
        [
            "# Sixteen data sets",
            "",
            f"Adjusted Rand index, means over {seeds} seeds; {machine}, {' and '.join(days)}. Over "
            f"Leiden at resolution 1.0, scSiameseClu with k unknown gains {gain.mean():.3f} "
            f"(standard error over studies {gain.std() / len(gain) ** 0.5:.3f}).",
            "",
            *lines,
            "",
            *(f"- {one}, over {other}: {_gain(studies, one, other)}" for one, other in PAIRS),
            "",
            *comparison(rows),
        ]
    )


def _gain(studies: pd.DataFrame, one: str, other: str) -> str:
    gain = studies[one] - studies[other]
    return f"{gain.mean():+.3f} ± {gain.std() / len(gain) ** 0.5:.3f}"


def _cells(values: pd.Series) -> str:
    return " | ".join(
        "–" if value != value else f"{value:.1f}" if name == "clusters" else f"{value:.3f}"
        for name, value in values.items()
    )


def main() -> None:
    """Write ``sixteen.md`` and print it."""
    source = Path(HERE / "results" / "sixteen.csv")
    text = markdown(pd.read_csv(source))
    source.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
