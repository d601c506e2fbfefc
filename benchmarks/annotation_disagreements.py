"""Which of two types the genes of a cell support where its predicted type is not its label.

Sorting and earlier annotations err too. For each group of cells with one label and one other
predicted type, the markers that only one of the two types has are compared: the share of them that
the cells express, relative to cells whose label and predicted type agree on that type.
"""

import anndata as ad
import annotation_judged as judged
import numpy as np
import pandas as pd

MIN_SHARE = 0.01
"""Smallest share of a set's labelled cells in a group."""


def disagreements(
    cells: ad.AnnData, name: str, labels: pd.Series, predicted: np.ndarray, organism: str
) -> list[dict]:
    """One row per group.

    ``label_support`` and ``predicted_support`` are shares of expressed markers relative to cells on
    whose type label and prediction agree: 1 if the group is like these.
    """
    known = labels.notna().to_numpy()
    pairs = pd.DataFrame({"label": labels.to_numpy(dtype=object), "predicted": predicted})
    counts = pairs[known].value_counts()
    rows = []
    for (label, other), count in counts.items():
        if (
            count < MIN_SHARE * known.sum()
            or judged.judge(other, label)[1]
            or other == "Unassigned"
        ):
            continue
        inside = ((pairs["label"] == label) & (pairs["predicted"] == other)).to_numpy()
        only = _only(label, other, organism)
        rows.append(
            {
                "set": name,
                "label": label,
                "predicted": other,
                "n_cells": int(count),
                "share": count / known.sum(),
                "label_support": _relative(cells, inside, _agreeing(pairs, label), only[0]),
                "predicted_support": _relative(cells, inside, _agreeing(pairs, other), only[1]),
            }
        )
    return rows


def _agreeing(pairs: pd.DataFrame, kind: str) -> np.ndarray:
    """Cells whose label and predicted type are both this type or a subtype."""
    within = {
        column: pairs[column].map(
            {name: judged.judge(str(name), kind)[0] for name in pairs[column].dropna().unique()}
        )
        for column in ("label", "predicted")
    }
    if not (within["label"].eq(True) & within["predicted"].eq(True)).any():
        # the label is wider than the type, such as CD8 T for Effector CD8 T
        within["label"] = pairs["label"].map(
            {name: judged.judge(kind, str(name))[0] for name in pairs["label"].dropna().unique()}
        )
    agree: np.ndarray = (within["label"].eq(True) & within["predicted"].eq(True)).to_numpy()
    return agree


def _only(one: str, other: str, organism: str) -> tuple[set[str], set[str]]:
    """Markers of each of two types and its subtypes that the other lacks, in capitals."""
    from scsiameseclu.annotation.marker_sets import canonical_table

    table = canonical_table()
    column = "mouse_gene" if organism == "mouse" else "gene"
    genes = [
        set(table.loc[[judged.judge(name, kind)[0] for name in table["cell_type"]], column])
        for kind in (one, other)
    ]
    first, second = ({gene.upper() for gene in names if gene} for names in genes)
    return first - second, second - first


def _relative(cells: ad.AnnData, inside: np.ndarray, agree: np.ndarray, genes: set[str]) -> float:
    """Share of expressed markers in some cells, relative to cells that agree; NaN without these."""
    columns = np.flatnonzero(cells.var_names.str.upper().isin(genes))
    if not len(columns) or not agree.any():
        return float("nan")
    x = cells.X[:, columns]
    of_cells, of_others = (float((x[rows] > 0).mean()) for rows in (inside, agree))
    return of_cells / of_others if of_others else float("nan")


def disagreements_table(rows: pd.DataFrame) -> list[str]:
    """Lines of the committed table."""
    lines = [
        "",
        "## Where labels and types by cell differ",
        "",
        "Groups of at least 1 % of a set's labelled cells (scSiameseClu, first seed) whose type is "
        "neither right nor partly right. Support: the share of the markers of one type, but not of "
        "the other, that these cells express, relative to the cells on which label and prediction "
        "agree; 1 means that the group is like these.",
        "",
        "| set | label | predicted | cells | support of the label | support of the prediction |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows.to_dict("records"):
        support = [
            "" if np.isnan(row[key]) else f"{row[key]:.2f}"
            for key in ("label_support", "predicted_support")
        ]
        lines.append(
            f"| {row['set']} | {row['label']} | {row['predicted']} | {row['n_cells']} "
            f"({row['share']:.1%}) | {support[0]} | {support[1]} |"
        )
    return lines
