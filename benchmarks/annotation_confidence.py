"""Fit the confidence in a cluster's type, and measure its calibration on data sets left out.

    python benchmarks/annotation_confidence.py

Reads ``annotation-clusters.csv`` (written by ``annotation.py``). A name is correct for the cells
whose label is that type, a wider or a narrower one (right or partly right); those of clusters drawn
at random from one label are never correct. A logistic regression on the terms of
``scsiameseclu.annotation.confidence`` is fitted to all sets for ``confidence.tsv``, and to all but
one for the calibration of that one. Each set has the same weight, in which its clusters share by
the square root of their cells. Weights are kept from being negative, so that better evidence never
lowers the confidence.
"""

import argparse
import platform
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
PARAMETERS = HERE.parent / "src" / "scsiameseclu" / "annotation" / "confidence.tsv"
TERMS = ["score", "beyond_random", "lead", "share_for", "log_cells"]
SMALLER = {
    "all": TERMS,
    "without the number of cells": TERMS[:-1],
    "score only": TERMS[:1],
    "share of markers only": ["share_for"],
    "share of markers and number of cells": ["share_for", "log_cells"],
}
"""Choices of terms that are compared."""
PENALTY = 0.01
N_BINS = 10
CORRECT = "right_or_partly"
SURE = 0.8
"""Confidence that random clusters should not reach."""
RANDOM_WEIGHT = 0.1
"""Weight of a set's random clusters relative to its real ones. Of 0.5, 0.2, 0.1 and 0.05 the larger
two make real clusters look less certain than they are, and the smallest gives the score no weight;
the calibration error was read for all four, so that of the chosen one is somewhat optimistic."""


def fit(rows: pd.DataFrame, terms: list[str] = TERMS) -> np.ndarray:
    """Intercept and weights of the terms, shape (1 + n_terms,)."""
    evidence = np.column_stack([np.ones(len(rows)), rows[terms]])
    correct, weight = rows[CORRECT].to_numpy(), rows["weight"].to_numpy()

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        value = evidence @ parameters
        probability = 1 / (1 + np.exp(-value))
        penalty = np.r_[0, parameters[1:]]
        total = weight @ (np.logaddexp(0, value) - correct * value)
        return total + PENALTY * penalty @ penalty / 2, evidence.T @ (
            weight * (probability - correct)
        ) + PENALTY * penalty

    bounds = [(None, None), *[(0, None)] * len(terms)]
    return minimize(loss, np.zeros(len(terms) + 1), jac=True, bounds=bounds).x


def predict(rows: pd.DataFrame, parameters: np.ndarray, terms: list[str] = TERMS) -> np.ndarray:
    """Confidence of each cluster."""
    return 1 / (1 + np.exp(-(parameters[0] + rows[terms].to_numpy() @ parameters[1:])))


def weighted(rows: pd.DataFrame) -> pd.DataFrame:
    """Named clusters with their weight."""
    rows = rows[rows["cell_type"] != "Unassigned"].copy()
    root = np.sqrt(rows["n_cells"])
    rows["random"] = rows["clusters"] == "random"
    rows["weight"] = root / root.groupby([rows["set"], rows["random"]]).transform("sum")
    rows.loc[rows["random"], "weight"] *= RANDOM_WEIGHT
    return rows


def left_out(rows: pd.DataFrame, terms: list[str] = TERMS) -> np.ndarray:
    """Confidence of each cluster by the parameters of the other sets."""
    confidence = np.zeros(len(rows))
    for name in rows["set"].unique():
        inside = (rows["set"] == name).to_numpy()
        confidence[inside] = predict(rows[inside], fit(rows[~inside], terms), terms)
    return confidence


def reliability(confidence: np.ndarray, correct: np.ndarray, weight: np.ndarray) -> pd.DataFrame:
    """Mean confidence and share of correct cells in bins of confidence."""
    place = np.clip((confidence * N_BINS).astype(int), 0, N_BINS - 1)
    rows = []
    for number in np.unique(place):
        inside = place == number
        mean = [
            np.average(values[inside], weights=weight[inside]) for values in (confidence, correct)
        ]
        rows.append((number / N_BINS, weight[inside].sum(), int(inside.sum()), *mean))
    return pd.DataFrame(rows, columns=["low", "weight", "n_clusters", "confidence", "correct"])


def calibration_error(table: pd.DataFrame) -> float:
    """Expected calibration error of a table of bins."""
    off = (table["correct"] - table["confidence"]).abs()
    return float(np.average(off, weights=table["weight"]))


def compared(name: str, rows: pd.DataFrame, terms: list[str]) -> str:
    """A line of the table of choices of terms."""
    rows = rows.assign(confidence=left_out(rows, terms))
    real = rows[~rows["random"]]
    errors = [
        calibration_error(
            reliability(*(part[key].to_numpy() for key in ("confidence", CORRECT, "weight")))
        )
        for part in (real, *(part for _, part in real.groupby("set")))
    ]
    off = (real["confidence"] - real[CORRECT]) ** 2
    sure = (rows["random"] & (rows["confidence"] >= SURE)).sum()
    return (
        f"| {name} | {errors[0]:.3f} | {max(errors[1:]):.3f} "
        f"| {np.average(off, weights=real['weight']):.4f} | {sure} |"
    )


def curve(table: pd.DataFrame, path: Path) -> None:
    """The reliability curve as a figure."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(4, 4))
    axis.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axis.scatter(
        table["confidence"], table["correct"], s=400 * table["weight"] / table["weight"].max()
    )
    axis.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="share correct")
    axis.set_title("Confidence in cell types, set left out", fontsize=10)
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clusters", type=Path, default=RESULTS / "annotation-clusters.csv")
    parser.add_argument("--output", type=Path, default=RESULTS / "annotation-confidence.md")
    parser.add_argument("--parameters", type=Path, default=PARAMETERS)
    arguments = parser.parse_args()
    every = pd.read_csv(arguments.clusters)
    rows = weighted(every)
    parameters = fit(rows)
    names = ["intercept", *TERMS]
    arguments.parameters.write_text(
        "term\tvalue\n"
        + "".join(f"{n}\t{value:.4f}\n" for n, value in zip(names, parameters, strict=True))
    )
    rows["confidence"] = left_out(rows)
    real = rows[~rows["random"]]
    lines = ["# Confidence in cell types", "", "Each set by the parameters of the others.", ""]
    lines += [
        "| set | clusters | correct | mean confidence | calibration error |",
        "|---|---|---|---|---|",
    ]
    for name, part in [*real.groupby("set"), ("all", real)]:
        weight = part["weight"].to_numpy()
        correct = part[CORRECT].to_numpy()
        table = reliability(part["confidence"].to_numpy(), correct, weight)
        means = [np.average(values, weights=weight) for values in (correct, part["confidence"])]
        lines.append(
            f"| {name} | {len(part)} | {means[0]:.3f} | {means[1]:.3f} "
            f"| {calibration_error(table):.3f} |"
        )
    lines += [
        "",
        "Other choices of terms, each set by the parameters of the others:",
        "",
        "| terms | calibration error | largest of a set | Brier score | random, sure |",
        "|---|---|---|---|---|",
        *(compared(name, rows, terms) for name, terms in SMALLER.items()),
    ]
    curve(table, arguments.output.with_suffix(".svg"))
    total = (every["clusters"] == "random").sum()
    random = rows[rows["random"]]
    sure = (random["confidence"] >= SURE).sum()
    lines += [
        "",
        f"Clusters drawn at random from one label: {total}; named: {len(random)}; named with "
        f"confidence {SURE} or more: {sure} ({sure / total:.1%}).",
        "",
        f"![Reliability]({arguments.output.with_suffix('.svg').name})",
    ]
    lines += ["", f"Machine: {platform.machine()}. Date: {date.today()}."]
    arguments.output.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
