"""Tables from the rows of accuracy.csv, as Markdown: means over seeds, sets and studies.

    python benchmarks/summary.py [accuracy.csv]

Writes ``benchmarks/results/accuracy.md`` and prints it. Missing rows are listed.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from accuracy import PANEL, SETS
from methods import CLUSTERED, VARIANTS
from network_ideas import OPTIONS
from rows import (
    ACCURACY,
    BEST_LEVEL,
    GIVEN,
    MEASURES,
    NOT_MEASURED,
    OUTSIDE,
    RESULTS,
    UNKNOWN,
    by_seed,
    by_study,
    on_panel,
    origin,
    over_seeds,
    read,
    select,
)

SPREAD = "mean of the sd over seeds"
MEAN = "mean of the studies"
PAIRS = (
    ("ours, k unknown", "Leiden 1.0", ("ours", "unknown"), ("leiden", "unknown")),
    (
        "ours, k unknown",
        "Leiden, resolution chosen by the labels",
        ("ours", "unknown"),
        ("leiden oracle", "by labels"),
    ),
    (
        "ours, best of three levels by the labels",
        "ours, k unknown",
        ("ours", BEST_LEVEL),
        ("ours", "unknown"),
    ),
    ("ours, k given", "k-means, k given", ("ours", "given"), ("kmeans", "given")),
    ("ours, k given", "the start alone, k given", ("ours", "given"), ("start", "given")),
    ("ours, k given", "ours, k unknown", ("ours", "given"), ("ours", "unknown")),
)
"""What is compared with what, and where the two are in the rows."""
COMPARED = (*VARIANTS, *CLUSTERED, "components", *OPTIONS, "ours with markers")
"""Variants of the model, and methods that share all but one part with it."""
FULL = "full model"
OF_FULL = (*(name for name in VARIANTS if name.startswith(f"{FULL} ")), *OPTIONS)
"""Those that are compared with the full model; the others are compared with ours."""
Compared = tuple[tuple[str, str, str], ...]
Total = Callable[[pd.Series], tuple[float, int]]


@dataclass(frozen=True)
class Table:
    """A self-contained table.

    Attributes
    ----------
    title
        What it shows.
    notes
        Sentences on how to read it, and where it was measured.
    columns
        Their names; the first column names the rows.
    rows
        Text of the cells.
    n_totals
        How many rows at the end sum up the others.
    """

    title: str
    notes: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_totals: int = 0

    def markdown(self) -> str:
        """The table as Markdown, under its title."""
        lines = [f"## {self.title}", ""]
        lines += [f"{note}\n" for note in self.notes]
        lines += [_line(self.columns), "|---" * len(self.columns) + "|"]
        return "\n".join([*lines, *map(_line, self.rows), ""])


def tables(rows: pd.DataFrame) -> list[Table]:
    """All tables, in reading order."""
    return [
        with_k_given(rows),
        with_k_unknown(rows),
        differences(rows),
        in_full(rows, "given"),
        in_full(rows, "unknown"),
        ablation(rows),
        outside(rows),
    ]


def with_k_given(rows: pd.DataFrame) -> Table:
    """scSiameseClu and the other methods with the number of clusters given."""
    used = _of(rows, GIVEN, PANEL)
    return Table(
        "Number of clusters given: ARI / NMI",
        (
            "Mean ± standard deviation over seeds. The last column is not a method: among many "
            "resolutions of Leiden, the labels chose the one with the highest ARI.",
            _seeds(used, GIVEN),
            origin(used),
        ),
        ("data set", *(name for name, _, _ in GIVEN)),
        (
            *((name, *(_pair(rows, name, method, k) for _, method, k in GIVEN)) for name in PANEL),
            (SPREAD, *(_pair_of(rows, method, k, panel_spread) for _, method, k in GIVEN)),
            (MEAN, *(_pair_of(rows, method, k, panel_mean) for _, method, k in GIVEN)),
        ),
        n_totals=2,
    )


def with_k_unknown(rows: pd.DataFrame) -> Table:
    """scSiameseClu and Leiden, which estimate the number of clusters."""
    used = _of(rows, UNKNOWN, PANEL)
    columns, body = ["data set", "classes"], []
    for name, _, _ in UNKNOWN:
        columns += [name, f"{name}: clusters"]
    for name in PANEL:
        line = [name, str(SETS[name][2])]
        for _, method, k in UNKNOWN:
            line += [_pair(rows, name, method, k), _clusters(rows, name, method, k)]
        body.append(tuple(line))
    for title, of in ((SPREAD, panel_spread), (MEAN, panel_mean)):
        line = [title, ""]
        for _, method, k in UNKNOWN:
            line += [_pair_of(rows, method, k, of), ""]
        body.append(tuple(line))
    return Table(
        "Number of clusters unknown: ARI / NMI",
        (
            "Mean ± standard deviation over seeds; median number of clusters. *Classes* is the "
            "published number of classes.",
            _seeds(used, UNKNOWN),
            origin(used),
        ),
        tuple(columns),
        tuple(body),
        n_totals=2,
    )


def differences(rows: pd.DataFrame) -> Table:
    """Methods compared pair by pair, on the sets that both have."""
    body = []
    for one, other, first, second in PAIRS:
        both = [over_seeds(on_panel(by_seed(rows, *place, "ari"))) for place in (first, second)]
        body.append((one, other, _difference((both[0] - both[1]).dropna())))
    return Table(
        "Differences between methods: ARI",
        ("Mean over studies of the means over seeds, ± standard error over studies.",),
        ("method", "compared with", "difference"),
        tuple(body),
    )


def in_full(rows: pd.DataFrame, k: str) -> Table:
    """All metrics of scSiameseClu."""
    used = _of(rows, (("ours", "ours", k),), PANEL)
    body = []
    for name in PANEL:
        part = used[used["set"] == name]
        if part.empty:
            body.append((name, *[NOT_MEASURED] * (len(MEASURES) + 3)))
            continue
        scores = (_mean_sd(part[measure]) for measure in MEASURES)
        seconds, memory = part["seconds"].mean(), part["peak_mb"].max()
        body.append(
            (name, str(part["n_cells"].iloc[0]), *scores, f"{seconds:.0f}", f"{memory:.0f}")
        )
    means = [_number(*panel_mean(by_seed(rows, "ours", k, measure))) for measure in MEASURES]
    return Table(
        f"Every measure of ours, number of clusters {k}",
        (
            "ACC and macro-F1 use the best one-to-one mapping of clusters to classes. The recall "
            "of the rarest class is that of the cluster with most of its cells, and 0 if another "
            "class dominates this cluster. Seconds are means over seeds and include both "
            "clusterings, with k given and unknown; memory is the maximum over seeds.",
            _seeds(used, (("ours", "ours", k),)),
            origin(used),
        ),
        (
            *("data set", "cells", "ACC", "NMI", "ARI", "macro-F1", "recall of the rarest class"),
            *("seconds", "peak, MB"),
        ),
        (*body, (MEAN, "", *means, "", "")),
        n_totals=1,
    )


def ablation(rows: pd.DataFrame) -> Table:
    """Each variant compared with the default, on the same data sets and seeds."""
    body, missing = [], []
    earlier = [str(m) for m in rows["method"].unique() if str(m).startswith("ours at ")]
    for variant in (*COMPARED, *earlier):
        if variant not in set(rows["method"]):
            missing.append(variant)
            continue
        reference = FULL if variant in OF_FULL else "ours"
        line, compared = [], []
        for k in ("given", "unknown"):
            own = on_panel(by_seed(rows, variant, k, "ari"))
            difference = paired(rows, variant, k, reference)
            line += [_number(*panel_mean(own))]
            line += ["" if variant == "ours" else _difference(difference)]
            compared.append(difference)
        counts = pd.concat(compared).groupby(level="set").size() / 2
        against = "" if variant == "ours" else reference
        body.append((variant, against, _range(counts), *line))
    used = rows[rows["method"].isin([*COMPARED, *earlier]) & rows["set"].isin(PANEL)]
    return Table(
        "One part changed: ARI",
        (
            "Each variant is ours, or the full model, with one part changed, or with several; in "
            "the full model, expression noise, edge perturbation, diffusion, gate and cell-level "
            "refinement are on. Differences are on the same sets and seeds, so they may differ "
            "from those of the columns; ± is their standard error over studies. With fourteen "
            "studies, a difference below about 2.2 standard errors is not distinguishable from "
            "zero. There is no correction for the number of variants.",
            *([f"{NOT_MEASURED.capitalize()}: {', '.join(missing)}."] if missing else []),
            origin(used),
        ),
        (
            *("variant", "compared with", "seeds", "ARI, k given", "difference"),
            *("ARI, k unknown", "difference"),
        ),
        tuple(body),
    )


def outside(rows: pd.DataFrame) -> Table:
    """Data sets that no mean includes."""
    names = (*OUTSIDE, *sorted(set(rows["set"]) - set(SETS)))
    compared = (*GIVEN, *UNKNOWN)
    used = _of(rows, compared, names)
    body = []
    for name in names:
        cells = rows.loc[rows["set"] == name, "n_cells"]
        line = [name, str(cells.iloc[0]) if len(cells) else NOT_MEASURED]
        line += [_pair(rows, name, method, k) for _, method, k in compared]
        body.append(tuple(line))
    return Table(
        "Data sets outside the panel: ARI / NMI",
        (
            "These are not part of any mean: baron_mouse is both mice together, and "
            "cellbench3_2batch has only three classes.",
            _seeds(used, compared),
            origin(used),
        ),
        (
            *("data set", "cells"),
            *(f"{name}, k given" if k == "given" else name for name, _, k in GIVEN),
            *(f"{name}, k unknown" for name, _, _ in UNKNOWN),
        ),
        tuple(body),
    )


def panel_mean(values: pd.Series) -> tuple[float, int]:
    """Mean over studies of the means over seeds, and the number of sets; NaN for none."""
    means = over_seeds(on_panel(values))
    return (float(by_study(means).mean()) if len(means) else np.nan), len(means)


def panel_spread(values: pd.Series) -> tuple[float, int]:
    """Mean over the panel of the standard deviation over seeds, and the number of sets."""
    spreads = on_panel(values).groupby(level="set").std().dropna()
    return (float(spreads.mean()) if len(spreads) else np.nan), len(spreads)


def paired(rows: pd.DataFrame, variant: str, k: str, reference: str = "ours") -> pd.Series:
    """ARI of a variant minus that of its reference, by set and seed, where both exist."""
    other, own = (on_panel(by_seed(rows, method, k, "ari")) for method in (variant, reference))
    return (other - own).dropna()


def gain(difference: pd.Series) -> tuple[float, float, int]:
    """Mean over studies of the mean over seeds, its standard error, and the number of sets."""
    of_sets = over_seeds(difference)
    if of_sets.empty:
        return np.nan, np.nan, 0
    studies = by_study(of_sets)
    return float(studies.mean()), float(studies.std() / np.sqrt(len(studies))), len(of_sets)


def _of(rows: pd.DataFrame, compared: Compared, names: tuple[str, ...]) -> pd.DataFrame:
    """Rows behind a table of these methods and data sets."""
    parts = [select(rows, method, k) for _, method, k in compared]
    used = pd.concat(parts)
    return used[used["set"].isin(names)]


def _seeds(used: pd.DataFrame, compared: Compared) -> str:
    """Number of seeds per method; minimum and maximum where data sets differ."""
    parts = []
    for name, method, k in compared:
        counts = select(used, method, k).groupby("set").size()
        parts.append(f"{name}{', k ' + k if name == 'ours' else ''}: {_range(counts)}")
    return f"Seeds per data set: {'; '.join(parts)}."


def _range(counts: pd.Series) -> str:
    """Minimum and maximum, or one number if they are equal."""
    if counts.empty:
        return NOT_MEASURED
    least, most = counts.min(), counts.max()
    return f"{least:g}" if least == most else f"{least:g} to {most:g}"


def _mean_sd(values: pd.Series) -> str:
    if values.empty:
        return NOT_MEASURED
    if len(values) == 1:
        return f"{values.iloc[0]:.3f}"
    return f"{values.mean():.3f} ± {values.std():.3f}"


def _pair(rows: pd.DataFrame, name: str, method: str, k: str) -> str:
    """ARI and NMI of a method on a set."""
    part = select(rows, method, k)
    part = part[part["set"] == name]
    if part.empty:
        return NOT_MEASURED
    return " / ".join(_mean_sd(part[measure]) for measure in ("ari", "nmi"))


def _pair_of(rows: pd.DataFrame, method: str, k: str, of: Total) -> str:
    """ARI and NMI of a method, each summarised over the panel."""
    (ari, n_sets), (nmi, _) = (of(by_seed(rows, method, k, m)) for m in ("ari", "nmi"))
    if not n_sets:
        return NOT_MEASURED
    return f"{ari:.3f} / {nmi:.3f}{_partly(n_sets)}"


def _clusters(rows: pd.DataFrame, name: str, method: str, k: str) -> str:
    part = select(rows, method, k)
    found = part.loc[part["set"] == name, "n_clusters"]
    return f"{found.median():g}" if len(found) else NOT_MEASURED


def _number(value: float, n_sets: int) -> str:
    return f"{value:.3f}{_partly(n_sets)}" if n_sets else NOT_MEASURED


def _difference(difference: pd.Series) -> str:
    mean, error, n_sets = gain(difference)
    if not n_sets:
        return NOT_MEASURED
    spread = "" if np.isnan(error) else f" ± {error:.3f}"
    return f"{mean:+.3f}{spread}{_partly(n_sets)}"


def _partly(n_sets: int) -> str:
    """A note if a mean does not cover the entire panel."""
    return "" if n_sets == len(PANEL) else f" ({n_sets} of {len(PANEL)} sets)"


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Write and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="?", type=Path, default=ACCURACY)
    parser.add_argument("--output", type=Path, default=RESULTS / "accuracy.md")
    arguments = parser.parse_args()
    parts = (table.markdown() for table in tables(read(arguments.rows)))
    text = "\n".join(["# Accuracy on labelled data sets\n", *parts])
    arguments.output.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
