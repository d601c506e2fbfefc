"""The committed tables of integration.py."""

import pandas as pd

MEASURES = {
    "total": "total",
    "biology": "biology",
    "batch": "batch",
    "ari": "ARI",
    "nmi": "NMI",
    "ilisi": "iLISI",
    "kbet": "kBET",
    "connectivity": "connectivity",
    "batch_asw": "batch ASW",
    "clisi": "cLISI",
    "label_asw": "label ASW",
    "isolated": "isolated labels",
    "mixing": "mixing",
    "n_clusters": "clusters",
}
PARTS = ("main", "cut")
NOT_MEASURED = "Not measured yet."


def table(rows: pd.DataFrame) -> str:
    """All results as Markdown: means over the seeds that were measured."""
    failed = rows[rows["error"].notna()]
    rows = rows[rows["error"].isna()]
    lines = ["# Integration of batches", ""]
    lines += _main(rows[rows["case"] == "main"])
    lines += _missing(rows[~rows["case"].isin(PARTS)])
    lines += _cut(rows[rows["case"] == "cut"])
    lines += ["## Failures", ""]
    lines += [
        f"- {row.set}, {row.case}, {row.method}, seed {row.seed}: {row.error}"
        for row in failed.itertuples()
    ] or ["None."]
    return "\n".join(lines) + "\n"


def _main(rows: pd.DataFrame) -> list[str]:
    names = [name for name in MEASURES if name in rows]
    lines = ["## Every method", "", "Means over seeds; the number of clusters is unknown.", ""]
    lines += ["| set | method | seeds | " + " | ".join(MEASURES[n] for n in names) + " |"]
    lines += ["|---" * (3 + len(names)) + "|"]
    for (name, method), group in rows.groupby(["set", "method"], sort=False):
        values = " | ".join(_number(group[n].mean()) for n in names)
        lines.append(f"| {name} | {method} | {len(group)} | {values} |")
    labelled = rows[rows["total"].notna()]
    n_sets = labelled["set"].nunique()
    measured = labelled.groupby("method")["set"].nunique()
    labelled = labelled[labelled["method"].isin(measured.index[measured == n_sets])]
    if n_sets < 2:
        return [*lines, ""]
    means = labelled.groupby(["method", "set"], sort=False)[names].mean()
    for method, group in means.groupby("method", sort=False):
        values = " | ".join(_number(group[n].mean()) for n in names)
        lines.append(f"| **mean of {n_sets} labelled sets** | {method} | | {values} |")
    return [*lines, ""]


def _missing(rows: pd.DataFrame) -> list[str]:
    lines = [
        "## A type that one batch lacks",
        "",
        "Recall of the type's other cells (share in clusters of which it is the majority).",
        "",
        "| set | taken out | seeds | aligned | not aligned |",
        "|---|---|---|---|---|",
    ]
    for (name, case), group in rows.groupby(["set", "case"], sort=False):
        means = group.groupby("method")["recall"].mean()
        values = [_number(means.get(m, float("nan"))) for m in ("ours", "ours, not aligned")]
        n_seeds = group["seed"].nunique()
        lines.append(f"| {name} | {case} | {n_seeds} | {' | '.join(values)} |")
    return [*lines, ""] if len(rows) else [*lines[:2], NOT_MEASURED, ""]


def _cut(rows: pd.DataFrame) -> list[str]:
    lines = [
        "## No batch, no harm",
        "",
        "The largest batch, cut at random in two that are named as batches: ARI with its clusters "
        "without the cut, and that of two seeds without the cut.",
        "",
        "| set | seeds | cut | two seeds |",
        "|---|---|---|---|",
    ]
    for name, group in rows.groupby("set", sort=False):
        means = group.groupby("method")["agreement"].mean()
        values = [_number(means.get(m, float("nan"))) for m in ("ours", "two seeds")]
        lines.append(f"| {name} | {group['seed'].nunique()} | {' | '.join(values)} |")
    return [*lines, ""] if len(rows) else [*lines[:2], NOT_MEASURED, ""]


def _number(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.2f}"
