"""Rows of accuracy.csv, and the selections shared by tables and figures."""

from pathlib import Path

import pandas as pd
from accuracy import COLUMNS, LEVELS, PANEL, SETS, STUDIES

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
ACCURACY = RESULTS / "accuracy.csv"
MEASURES = ("acc", "nmi", "ari", "macro_f1", "rarest_recall")
OUTSIDE = tuple(name for name in SETS if name not in PANEL)
NOT_MEASURED = "not measured"
# what readers are told, method, k
GIVEN = (
    ("ours", "ours", "given"),
    ("start alone", "start", "given"),
    ("k-means", "kmeans", "given"),
    ("scVI and k-means", "scvi", "given"),
    ("Leiden, resolution chosen by the labels", "leiden oracle", "by labels"),
)
BEST_LEVEL = "best of three levels by the labels"
UNKNOWN = (
    ("ours", "ours", "unknown"),
    ("ours, best of three levels by the labels", "ours", BEST_LEVEL),
    ("Leiden 1.0", "leiden", "unknown"),
    ("scVI and Leiden", "scvi", "unknown"),
    ("scAce", "scace", "unknown"),
    ("Leiden, resolution chosen by the labels", "leiden oracle", "by labels"),
)


def read(path: Path) -> pd.DataFrame:
    """Rows of a CSV of accuracy.py, the last one of duplicates; and the best of three levels.

    Raises
    ------
    SystemExit
        The file has other columns.
    """
    rows = pd.read_csv(path, dtype={"set": str, "k": str, "method": str})
    missing = set(COLUMNS) - set(rows.columns)
    if missing:
        raise SystemExit(f"{path} lacks the columns {', '.join(sorted(missing))}")
    rows = rows.drop_duplicates(["set", "k", "method", "seed"], keep="last", ignore_index=True)
    levels = rows[rows["k"].isin(["unknown", *LEVELS.values()]) & (rows["method"] == "ours")]
    best = levels.loc[levels.groupby(["set", "seed"])["ari"].idxmax()]
    return pd.concat([rows, best.assign(k=BEST_LEVEL)], ignore_index=True)


def select(rows: pd.DataFrame, method: str, k: str) -> pd.DataFrame:
    """The rows of a method, with k given, unknown or chosen by the labels."""
    return rows[(rows["method"] == method) & (rows["k"] == k)]


def by_seed(rows: pd.DataFrame, method: str, k: str, measure: str) -> pd.Series:
    """A measure of a method, by set and seed."""
    return select(rows, method, k).set_index(["set", "seed"])[measure].astype(float)


def on_panel(values: pd.Series) -> pd.Series:
    """The values, by set and seed, of the panel's data sets."""
    return values[values.index.get_level_values("set").isin(PANEL)]


def over_seeds(values: pd.Series) -> pd.Series:
    """Means over seeds, by data set."""
    return values.groupby(level="set").mean()


def by_study(values: pd.Series) -> pd.Series:
    """Means over the data sets of a study, of values by data set."""
    studies = [STUDIES.get(str(name), str(name)) for name in values.index]
    return values.groupby(studies).mean()


def origin(rows: pd.DataFrame) -> str:
    """Machine, threads, dates and version, from the rows."""
    if rows.empty:
        return f"Machine and date: {NOT_MEASURED}."
    machines = "; ".join(sorted(set(rows["machine"].astype(str))))
    threads = ", ".join(map(str, sorted(set(rows["threads"]))))
    dates = sorted(set(rows["date"].astype(str)))
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    versions = ", ".join(sorted(set(rows["version"].astype(str))))
    return (
        f"Machine: {machines}, threads of each process: {threads}. Date: {when}. "
        f"Version {versions}."
    )
