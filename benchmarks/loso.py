"""Leave-one-study-out: choose a variant without a study, score it on that study's sets.

    python benchmarks/loso.py [accuracy.csv] [--except VARIANT ...]

For each study of the panel the variant is taken that is best on the others (mean of ARI with k
given and with k unknown), and its scores on the study left out go to
``benchmarks/results/loso.csv``. Only variants measured on the whole panel take part, on the seeds
that they all have; ``--min-seeds`` leaves out those that have few.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from accuracy import PANEL, STUDIES
from methods import VARIANTS
from rows import ACCURACY, NOT_MEASURED, RESULTS, read

SCORES = [("ari", "given"), ("nmi", "given"), ("ari", "unknown"), ("nmi", "unknown")]
COLUMNS = ["left_out", "chosen", *(f"{measure}_{k}" for measure, k in SCORES)]


@dataclass(frozen=True)
class Field:
    """Comparable variants.

    Attributes
    ----------
    scores
        Means over the common seeds; rows are (variant, study), columns those of ``COLUMNS``.
    seeds
        The common seeds.
    absent
        Variants that are not measured on the whole panel.
    """

    scores: pd.DataFrame
    seeds: list[int]
    absent: list[str]

    @property
    def variants(self) -> list[str]:
        """Names of the compared variants."""
        return list(self.scores.index.get_level_values("method").unique())


def compare(rows: pd.DataFrame, without: tuple[str, ...] = (), min_seeds: int = 1) -> Field:
    """Collect the variants with rows for the entire panel and enough common seeds."""
    rows = rows[rows["set"].isin(PANEL)]
    wide = rows.pivot(index=["method", "set", "seed"], columns="k", values=["ari", "nmi"])
    wide = wide.reindex(columns=pd.MultiIndex.from_tuples(SCORES)).dropna()
    wide.columns = pd.Index(COLUMNS[2:])
    seeds: dict[str, set[int]] = {}
    for variant in VARIANTS:
        if variant not in without:
            of_sets = [_seeds(wide, variant, name) for name in PANEL]
            seeds[variant] = set.intersection(*of_sets)
    present = [variant for variant, own in seeds.items() if len(own) >= min_seeds]
    common = sorted(set.intersection(*(seeds[v] for v in present))) if present else []
    wide = wide[wide.index.get_level_values("seed").isin(common)]
    scores = wide.groupby(level=["method", "set"]).mean()
    index = pd.MultiIndex.from_product([present if common else [], PANEL], names=["method", "set"])
    return Field(by_study(scores.reindex(index)), common, [v for v in seeds if v not in present])


def by_study(scores: pd.DataFrame) -> pd.DataFrame:
    """Scores by variant and study, from those by variant and set."""
    studies = [STUDIES.get(name, name) for name in scores.index.get_level_values("set")]
    methods = scores.index.get_level_values("method")
    index = pd.MultiIndex.from_arrays([methods, studies], names=["method", "study"])
    return scores.set_axis(index).groupby(level=["method", "study"], sort=False).mean()


def best(scores: pd.DataFrame, without: str | None = None) -> str:
    """The variant with the largest mean ARI over all studies except one; first on ties."""
    kept = scores[scores.index.get_level_values("study") != without]
    both = (kept["ari_given"] + kept["ari_unknown"]) / 2
    return str(both.groupby(level="method", sort=False).mean().idxmax())


def leave_one_out(scores: pd.DataFrame) -> pd.DataFrame:
    """For each study of the panel, the variant chosen on the others and its scores."""
    lines = []
    for name in scores.index.get_level_values("study").unique():
        chosen = best(scores, name)
        lines.append({"left_out": name, "chosen": chosen, **scores.loc[(chosen, name)]})
    return pd.DataFrame(lines, columns=COLUMNS)


def told(field: Field, table: pd.DataFrame) -> list[str]:
    """Results as sentences."""
    if table.empty:
        return [f"Choice without a study: {NOT_MEASURED}; no variant has the whole panel."]
    sentences = [
        f"Variants compared: {len(field.variants)}; seeds: {_listed(field.seeds)}.",
        f"Chosen without the study: {_means(table[COLUMNS[2:]])}.",
    ]
    if "ours" in field.variants:
        sentences.append(f"Ours on the same rows: {_means(field.scores.loc['ours'])}.")
    sentences.append(f"Chosen on all studies: {best(field.scores)}.")
    if field.absent:
        sentences.append(f"Not measured on the whole panel: {_listed(field.absent)}.")
    return sentences


def _seeds(wide: pd.DataFrame, variant: str, name: str) -> set[int]:
    """Seeds of a variant on a data set."""
    index = wide.index
    own = (index.get_level_values("method") == variant) & (index.get_level_values("set") == name)
    return set(index[own].get_level_values("seed"))


def _means(scores: pd.DataFrame) -> str:
    means = scores.mean()
    return ", ".join(
        f"{measure.upper()} {means[f'{measure}_{k}']:.3f} with k {k}" for measure, k in SCORES
    )


def _listed(things: list) -> str:
    return ", ".join(map(str, things))


def main() -> None:
    """Choose without each study, and score."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="?", type=Path, default=ACCURACY)
    parser.add_argument("--except", nargs="*", default=[], dest="without", metavar="VARIANT")
    parser.add_argument(
        "--min-seeds", type=int, default=1, help="exclude variants with fewer seeds"
    )
    parser.add_argument("--output", type=Path, default=RESULTS / "loso.csv")
    arguments = parser.parse_args()
    unknown = set(arguments.without) - set(VARIANTS)
    if unknown:
        raise SystemExit(f"no variant {_listed(sorted(unknown))}; there are {_listed([*VARIANTS])}")
    field = compare(read(arguments.rows), tuple(arguments.without), arguments.min_seeds)
    table = leave_one_out(field.scores)
    table.round(4).to_csv(arguments.output, index=False)
    print("\n".join(told(field, table)))
    for line in table.itertuples():
        print(f"without {line.left_out}: {line.chosen}")


if __name__ == "__main__":
    main()
