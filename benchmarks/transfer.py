"""Label transfer with known labels: transport, two baselines in its embedding, CellTypist.

    python benchmarks/transfer.py --data ../shared/data [--seeds 3] [--methods ...]

Each row of ``results/transfer.csv`` is one method on one pair and seed; a row that is there is not
measured again. A query's types are read to score only. ``transfer_types.tsv`` says which types of
reference and query mean the same; types that it does not name mean themselves. The right answer
for a cell whose type the reference does not have is Unknown.

By default a model is fitted for the pair, in the genes that both have, as ``transfer_labels`` does.
``--genes reference --output results/transfer-pipeline.csv`` measures the pipeline's way: one model
in the reference's genes, whatever the query has.

CellTypist (``pip install .[peers]``) is trained on the reference's log-normalised counts with its
defaults and names the most probable type of each cell, as it does by default. SingleR (``pip
install singler==0.5.0``) compares each cell with the reference's cells by its defaults and names
every cell; it has no seed, so one row per pair is enough (``--seeds 1``).
"""

import argparse
import csv
import platform
import time
import warnings
from datetime import date
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.neighbors import KNeighborsClassifier

from scsiameseclu.annotation.by_reference import LabelTransfer, embed_query, fit_reference
from scsiameseclu.genes.matching import GeneNames

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
# name: (file, batch) of the reference and of the query
PAIRS = {
    "blood": (("zheng_sorted_ref.h5ad", None), ("pbmc3k.h5ad", None)),
    "pancreas": (("baron_mouse.h5ad", "mouse1"), ("baron_mouse.h5ad", "mouse2")),
    "cell lines": (("cellbench3_2batch.h5ad", "CELseq2"), ("cellbench3_2batch.h5ad", "Dropseq")),
}
OURS = ("transport", "neighbours", "logistic")
PEERS = {"celltypist": "CellTypist", "singler": "SingleR"}
NAMES = PEERS | {
    "transport": "ours",
    "neighbours": "15 neighbours",
    "logistic": "logistic regression",
}
ABSENT, UNKNOWN = "not in the reference", "Unknown"
COLUMNS = ["pair", "method", "seed", "n_reference", "n_query", "accuracy", "accuracy_best"]
COLUMNS += ["macro_f1_best", "unknown", "accuracy_named", "unknown_of_absent", "seconds"]
COLUMNS += ["machine", "date"]


def load(data: Path, name: str, genes: str) -> list[ad.AnnData]:
    """Reference and query of raw counts, in their common genes or each in its group."""
    found = []
    for file, batch in PAIRS[name]:
        cells = ad.read_h5ad(data / file)
        cells.var_names_make_unique()
        found.append(cells if batch is None else cells[cells.obs["batch"] == batch].copy())
    if genes == "reference":
        return found
    shared = found[0].var_names.intersection(found[1].var_names)
    return [cells[:, shared].copy() for cells in found]


def meanings(name: str) -> dict[str, dict[str, str]]:
    """Correspondence of reference and query types."""
    table = pd.read_csv(HERE / "transfer_types.tsv", sep="\t")
    table = table[table["pair"] == name]
    return {
        of: dict(zip(rows["type"], rows["means"], strict=True)) for of, rows in table.groupby("of")
    }


def score(found: pd.DataFrame, truth: pd.Series, means: dict[str, dict[str, str]]) -> dict:
    """Metrics over the labelled query cells."""
    labelled = truth.notna().to_numpy()
    true = truth[labelled].astype(str).replace(means.get("query", {}))
    named, best = (
        found.loc[labelled, column].astype(str).replace(means.get("reference", {}))
        for column in ("cell_type", "best")
    )
    absent, known = (true == ABSENT).to_numpy(), (named != UNKNOWN).to_numpy()
    right = (named.to_numpy() == true.to_numpy()) | (absent & ~known)
    present = sorted(set(true[~absent]))
    return {
        "accuracy": right.mean(),
        "accuracy_best": (best.to_numpy() == true.to_numpy())[~absent].mean(),
        "macro_f1_best": f1_score(
            true[~absent], best[~absent], labels=present, average="macro", zero_division=0
        ),
        "unknown": 1 - known[~absent].mean(),
        "accuracy_named": right[known].mean(),
        "unknown_of_absent": 1 - known[absent].mean() if absent.any() else "",
    }


def embedded(reference: ad.AnnData, query: ad.AnnData, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings by a model fitted to the reference without labels."""
    bare, new = (ad.AnnData(cells.X, var=cells.var[[]]) for cells in (reference, query))
    model = fit_reference(bare, seed=seed, device="cpu")
    places = bare.var_names.get_indexer(model.scaling.genes)
    return bare.obsm["X_siamese"], embed_query(model, GeneNames.of(bare.var), places, new)[0]


class Classified(LabelTransfer):
    """A scikit-learn classifier instead of the transport, with the same rule for Unknown."""

    def __init__(self, classifier: Any, *, random_state: int) -> None:
        super().__init__(random_state=random_state)
        self.classifier = classifier

    def _fit_types(self, cells: np.ndarray, numbers: np.ndarray) -> None:
        super()._fit_types(cells, numbers)
        self.classifier.fit(cells, numbers)

    def _type_probability(self, cells: np.ndarray) -> np.ndarray:
        return self.classifier.predict_proba(cells)


def transfer_by(method: str, seed: int) -> LabelTransfer:
    """Label transfer by transport, or by a baseline in the same embedding."""
    if method == "neighbours":
        return Classified(KNeighborsClassifier(15), random_state=seed)
    if method == "logistic":
        return Classified(LogisticRegression(C=10.0, max_iter=2000), random_state=seed)
    return LabelTransfer(random_state=seed)


def log_normalised(*given: ad.AnnData) -> list[ad.AnnData]:
    """Copies with log counts per 10,000."""
    import scanpy as sc

    logged = []
    for cells in given:
        copy = cells.copy()
        sc.pp.normalize_total(copy, target_sum=1e4)
        sc.pp.log1p(copy)
        logged.append(copy)
    return logged


def celltypist(reference: ad.AnnData, query: ad.AnnData) -> pd.DataFrame:
    """CellTypist at its defaults, trained on the reference."""
    import celltypist as ct

    logged = log_normalised(reference, query)
    model = ct.train(logged[0], labels=reference.obs["cell_type"].astype(str).to_numpy())
    best = ct.annotate(logged[1], model=model).predicted_labels["predicted_labels"]
    return pd.DataFrame({"cell_type": best.astype(str), "best": best.astype(str)})


def singler(reference: ad.AnnData, query: ad.AnnData) -> pd.DataFrame:
    """SingleR at its defaults, in the cells of the reference that have a type."""
    from singler import annotate_single

    known = reference[reference.obs["cell_type"].notna().to_numpy()]
    logged = log_normalised(known, query)
    found = annotate_single(
        test_data=logged[1].X.T.tocsc(),
        test_features=list(query.var_names),
        ref_data=logged[0].X.T.tocsc(),
        ref_features=list(known.var_names),
        ref_labels=known.obs["cell_type"].astype(str).tolist(),
    )
    best = np.array(list(found.column("best")), dtype=object)
    return pd.DataFrame({"cell_type": best, "best": best})


def measure(data: Path, name: str, seed: int, methods: list[str], genes: str) -> list[dict]:
    """Rows for one pair and seed."""
    reference, query = load(data, name, genes)
    rows = []
    began = time.perf_counter()
    cells = embedded(reference, query, seed) if set(methods) & set(OURS) else None
    fitted = time.perf_counter() - began
    for method in methods:
        began = time.perf_counter()
        if method in OURS:
            transfer = transfer_by(method, seed)
            found = transfer.fit(cells[0], reference.obs["cell_type"]).predict(cells[1])
        else:
            found = (celltypist if method == "celltypist" else singler)(reference, query)
        seconds = time.perf_counter() - began + (fitted if method in OURS else 0)
        row = {"pair": name, "method": method, "seed": seed, "seconds": seconds}
        row |= {"n_reference": reference.n_obs, "n_query": query.n_obs}
        row |= {"machine": platform.machine(), "date": date.today().isoformat()}
        rows.append(
            row | score(found, query.obs["cell_type"].reset_index(drop=True), meanings(name))
        )
    return rows


MODEL = {
    "shared": "A model for each pair, in the genes that both have (`transfer_labels`).",
    "reference": "One model in the reference's genes, whatever the query has (the pipeline).",
}


def table(rows: pd.DataFrame, genes: str) -> str:
    """The committed table: means over seeds."""
    lines = [
        "# Label transfer",
        "",
        f"{MODEL[genes]} Mean over seeds. *Most probable type*: accuracy and macro-F1 over the "
        "cells whose type the reference has, each given its most probable type. *Unknown*: share "
        "of those cells that are called Unknown, accuracy of the rest, and share of the cells of "
        "other types that are called Unknown. Neighbours and logistic regression are baselines in "
        "the same embedding; CellTypist and SingleR get the same reference.",
        "",
        "| pair | cells | method | seeds | most probable type: accuracy | macro-F1 | Unknown | "
        "accuracy of the named | Unknown of absent types |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (pair, method), group in rows.groupby(["pair", "method"], sort=False):
        mean = group.mean(numeric_only=True)
        absent = mean.get("unknown_of_absent", float("nan"))
        lines.append(
            f"| {pair} | {group['n_reference'].iloc[0]} → {group['n_query'].iloc[0]} "
            f"| {NAMES[method]} | {len(group)} "
            f"| {mean['accuracy_best']:.3f} | {mean['macro_f1_best']:.3f} "
            f"| {mean['unknown']:.1%} | {mean['accuracy_named']:.3f} "
            f"| {'–' if np.isnan(absent) else f'{absent:.0%}'} |"
        )
    machine, days = rows["machine"].iloc[0], sorted(set(rows["date"]))
    lines += ["", f"Machine: {machine}. Date: {' to '.join(dict.fromkeys((days[0], days[-1])))}."]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--methods", nargs="+", default=[*OURS], choices=[*OURS, *PEERS])
    parser.add_argument("--genes", choices=["shared", "reference"], default="shared")
    parser.add_argument("--output", type=Path, default=RESULTS / "transfer.csv")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    path: Path = arguments.output
    done = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=COLUMNS)
    known = set(zip(done["pair"], done["method"], done["seed"], strict=True))
    for name in PAIRS:
        for seed in range(arguments.seeds):
            wanted = [m for m in arguments.methods if (name, m, seed) not in known]
            if not wanted:
                continue
            rows = measure(arguments.data, name, seed, wanted, arguments.genes)
            new = not path.exists()
            with path.open("a", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS)
                if new:
                    writer.writeheader()
                writer.writerows(rows)
            for row in rows:
                print(row["pair"], row["method"], seed, round(row["accuracy_best"], 4), flush=True)
    rows = pd.read_csv(path)
    rows["method"] = pd.Categorical(rows["method"], [*OURS, *PEERS], ordered=True)
    rows["pair"] = pd.Categorical(rows["pair"], list(PAIRS), ordered=True)
    ordered = rows.sort_values(["pair", "method", "seed"])
    ordered[["pair", "method"]] = ordered[["pair", "method"]].astype(str)
    path.with_suffix(".md").write_text(table(ordered, arguments.genes))


if __name__ == "__main__":
    main()
