"""The constants of the annotation, chosen on all data sets but one.

    python benchmarks/annotation_thresholds.py --data ../shared/data --seeds 3

For each data set and each combination of ``min_score``, ``margin``, ``DEVIATION_FLOOR`` and
``CELLS_PER_GROUP`` (the last two one at a time, the other at its default), writes to
``annotation-thresholds.csv`` the shares of labelled cells that are right, and right or partly
right, by cluster and by cell (means over the partitions of scSiameseClu, number of clusters
unknown, and one of Leiden), and the share of random clusters (of cells of one label) that get a
type.

The value of a combination in a set is the mean of the four shares, in which a wider type counts
half, less a tenth of the share of random clusters that get a type. For each set, the combination
with the highest mean value in the others is taken; ``annotation-thresholds.md`` compares its value
in that set with the default's. Partitions as in ``annotation.py``.
"""

import argparse
import itertools
import platform
import warnings
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import anndata as ad
import annotation_judged as judged
import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
MIN_SCORES = (2.0, 2.5, 3.0, 3.5, 4.0)
MARGINS = (0.0, 0.5, 1.0, 2.0)
FLOORS = (0.2, 0.5)
GROUPS = (30, 120)
COMBINATION = ["min_score", "margin", "floor", "cells_per_group"]
SHARES = ["cluster_right", "cluster_partly", "cell_right", "cell_partly"]
LEIDEN = "Leiden 1.0"
RANDOM_WEIGHT = 0.1
"""Weight of random clusters, as in the fit of the confidence."""


def defaults() -> tuple[float, float, float, int]:
    """The combination in use."""
    from scsiameseclu.annotation.by_markers import CELLS_PER_GROUP
    from scsiameseclu.annotation.marker_scores import DEVIATION_FLOOR
    from scsiameseclu.settings import AnnotationSettings

    settings = AnnotationSettings()
    return settings.min_score, settings.margin, DEVIATION_FLOOR, CELLS_PER_GROUP


class Scored:
    """Scores of the clusters and cells of one partition."""

    def __init__(self, cells: ad.AnnData, clusters: np.ndarray, *, by_cell: bool) -> None:
        from scsiameseclu.annotation.by_markers import best_candidate, scores_of_cells
        from scsiameseclu.annotation.marker_sets import canonical_sets, choose_organism
        from scsiameseclu.annotation.profiles import cluster_profiles, gene_deviation
        from scsiameseclu.genes.matching import GeneNames

        self.clusters = judged.categories(clusters, cells)
        genes = GeneNames.of(cells.var)
        sets = canonical_sets("auto", choose_organism("auto", genes.symbols, genes.ids))
        profiles = cluster_profiles(cells.X, self.clusters)
        best = best_candidate(sets, genes, profiles, gene_deviation(cells.X))
        self.scores = best.scores
        self.cells = scores_of_cells(best, cells, cells.obsm["X_pca"], 0) if by_cell else None

    def named(self, min_score: float, margin: float) -> tuple[np.ndarray, np.ndarray]:
        """The type of each cell's cluster, and of each cell."""
        from scsiameseclu.annotation.cell_types import UNASSIGNED
        from scsiameseclu.annotation.descent import name_types
        from scsiameseclu.annotation.majority import with_majority
        from scsiameseclu.settings import AnnotationSettings

        settings = AnnotationSettings(min_score=min_score, margin=margin)
        of_cells = self.cells.types(settings)["cell_type"]
        named = name_types(self.scores, settings)
        named = with_majority(named, self.scores, self.clusters, of_cells)["cell_type"]
        by_cluster = self.clusters.astype(str).map(named).to_numpy(dtype=object)
        cells = of_cells.to_numpy(dtype=object)
        return by_cluster, np.where(cells != UNASSIGNED, cells, by_cluster)

    def n_named(self, min_score: float, margin: float) -> int:
        """Number of clusters with a type."""
        from scsiameseclu.annotation.descent import name_types
        from scsiameseclu.settings import AnnotationSettings

        settings = AnnotationSettings(min_score=min_score, margin=margin)
        return int((name_types(self.scores, settings)["cell_type"] != "Unassigned").sum())


def grid(floor: float, group: int) -> Iterator[tuple[float, int]]:
    """Values of the two constants of scoring: the defaults, and one changed at a time."""
    yield floor, group
    yield from ((other, group) for other in FLOORS)
    yield from ((floor, other) for other in GROUPS)


def measure(
    data: Path, name: str, cache: Path, seeds: int, default: tuple[float, float, float, int]
) -> list[dict]:
    """The rows of one data set; sets the constants of the modules."""
    from scsiameseclu.annotation import by_markers, marker_scores

    cells = judged.read(data, name)
    column = judged.label_table().query("set == @name")["column"].iloc[0]
    labels = judged.mapped(cells, name, column)
    parts = [
        clusters
        for source, _, clusters in judged.partitions(cells, name, cache, seeds)
        if source in (judged.OURS, LEIDEN)
    ]
    random = [(part, clusters) for _, _, part, clusters in judged.random_parts(cells, labels)]
    rows = []
    for floor, group in grid(*default[2:]):
        marker_scores.DEVIATION_FLOOR, by_markers.CELLS_PER_GROUP = floor, group
        scored = [Scored(cells, clusters, by_cell=True) for clusters in parts]
        drawn = [Scored(*pair, by_cell=False) for pair in random]
        n_drawn = sum(len(one.scores) for one in drawn)
        for min_score, margin in itertools.product(MIN_SCORES, MARGINS):
            values = [
                [
                    judged.shares(answer, labels)[key]
                    for answer in one.named(min_score, margin)
                    for key in ("right", "right_or_partly")
                ]
                for one in scored
            ]
            n_named = sum(one.n_named(min_score, margin) for one in drawn)
            rows.append(
                {
                    "set": name,
                    **dict(zip(COMBINATION, (min_score, margin, floor, group), strict=True)),
                    **dict(zip(SHARES, np.mean(values, axis=0), strict=True)),
                    "random_named": n_named / n_drawn,
                }
            )
    return rows


def table(rows: pd.DataFrame, default: tuple) -> list[str]:
    """Lines of the committed table."""
    value = rows[SHARES].mean(axis=1) - RANDOM_WEIGHT * rows["random_named"]
    values = rows.assign(value=value).pivot(index=COMBINATION, columns="set", values="value")
    values = values[list(rows["set"].unique())]
    lines = [
        "# Constants of the annotation",
        "",
        "Value in a set: mean of the shares of cells that are right, and right or partly right, by "
        "cluster and by cell, less a tenth of the share of random clusters that get a type. For "
        f"each set, the best of {len(values)} combinations in the other sets (its constants in "
        "parentheses: minimum score, margin, floor of the deviation, cells per group), beside the "
        "default's.",
        "",
        "| set | chosen on the others | chosen | default | best in the set |",
        "|---|---|---|---|---|",
    ]
    chosen = []
    for name in values:
        best = values.drop(columns=name).mean(axis=1).idxmax()
        chosen.append(values.loc[best, name])
        lines.append(
            f"| {name} | {_shown(best)} | {chosen[-1]:.4f} | {values.loc[default, name]:.4f} "
            f"| {values[name].max():.4f} |"
        )
    means = values.mean(axis=1)
    lines += [
        f"| mean | | {np.mean(chosen):.4f} | {means.loc[default]:.4f} "
        f"| {values.max().mean():.4f} |",
        "",
        f"On all sets the best is {_shown(means.idxmax())}: {means.max():.4f}; the default is "
        f"{_shown(default)}. One constant changed at a time:",
        "",
        "| constants | value | right | right or partly | random clusters with a type |",
        "|---|---|---|---|---|",
    ]
    of_all = rows.groupby(COMBINATION)[[*SHARES, "random_named"]].mean()
    for combination, row in of_all.iterrows():
        if sum(a != b for a, b in zip(combination, default, strict=True)) > 1:
            continue
        right, partly = (
            (row[f"cluster_{kind}"] + row[f"cell_{kind}"]) / 2 for kind in ("right", "partly")
        )
        lines.append(
            f"| {_shown(combination)} | {means.loc[combination]:.4f} | {right:.4f} | {partly:.4f} "
            f"| {row['random_named']:.1%} |"
        )
    return [*lines, "", f"Machine: {platform.machine()}. Date: {date.today()}."]


def _shown(combination: tuple) -> str:
    return "(" + ", ".join(f"{value:g}" for value in combination) + ")"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the h5ad files")
    parser.add_argument(
        "--cache", type=Path, default=HERE / "cache", help="partitions of accuracy.py"
    )
    parser.add_argument("--seeds", type=int, default=3, help="number of partitions per set")
    parser.add_argument("--sets", nargs="*", default=None)
    parser.add_argument("--output", type=Path, default=RESULTS / "annotation-thresholds.csv")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    default, rows = defaults(), []
    for name in arguments.sets or list(judged.label_table()["set"].unique()):
        rows += measure(arguments.data, name, arguments.cache, arguments.seeds, default)
        print(name, flush=True)
    measured = pd.DataFrame(rows)
    measured.round(4).to_csv(arguments.output, index=False)
    lines = table(measured, default)
    arguments.output.with_suffix(".md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
