"""Canonical marker sets: which tissue is taken, and what is said if few of its genes are there."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from synthetic_expression import expressed

from scsiameseclu.annotation import marker_scores
from scsiameseclu.annotation.by_markers import annotate_clusters
from scsiameseclu.annotation.marker_sets import canonical_table
from scsiameseclu.settings import AnnotationSettings

OTHERS = [f"x{number}" for number in range(60)]


def tissue_cells(tissue: str, types: list[str], column: str = "gene") -> ad.AnnData:
    """A cluster for each of some types, and the genes of all tissues."""
    known = canonical_table()
    genes = list(dict.fromkeys(gene for gene in known[column] if gene))
    own = known[known["tissue"] == tissue]
    raised = {kind: list(own.loc[own["cell_type"] == kind, column]) for kind in types}
    sizes = dict(zip(types, (50, 40, 30, 20), strict=False))
    return expressed(sizes, raised, genes)


@pytest.mark.parametrize(
    ("tissue", "types", "organism", "column"),
    [
        ("pancreas", ["Alpha", "Acinar", "Ductal", "Schwann"], "human", "gene"),
        ("brain", ["Astrocyte", "Microglia", "Oligodendrocyte"], "mouse", "mouse_gene"),
    ],
)
def test_the_tissue_of_the_highest_scores_is_taken(
    tissue: str, types: list[str], organism: str, column: str
) -> None:
    cells = tissue_cells(tissue, types, column)
    found = annotate_clusters(cells, cells.obs["cluster"], AnnotationSettings())
    assert (found.tissue, found.organism) == (tissue, organism)
    assert found.table["cell_type"].tolist() == types
    assert found.overlap == 1
    asked = annotate_clusters(cells, cells.obs["cluster"], AnnotationSettings(tissue=tissue))
    pd.testing.assert_frame_equal(asked.table, found.table)


def test_strength_is_the_mean_best_score_weighted_by_the_root_of_sizes() -> None:
    scores = pd.DataFrame({"A": [1.0, 9.0], "B": [4.0, 2.0]})
    sizes = np.array([100, 25])
    assert marker_scores.strength(scores, sizes) == pytest.approx((10 * 4 + 5 * 9) / 15)
    assert marker_scores.strength(scores[[]], sizes) == -np.inf


def test_sets_with_fewer_than_three_genes_in_the_data_are_not_asked() -> None:
    cells = tissue_cells("pancreas", ["Alpha", "Acinar", "Ductal", "Schwann"])
    known = canonical_table().query("tissue == 'pancreas'")
    for kept in (2, 3):
        alpha = known.loc[known["cell_type"] == "Alpha", "gene"]
        fewer = cells[:, ~np.isin(cells.var_names, alpha[kept:])].copy()
        tissue = AnnotationSettings(tissue="pancreas")
        found = annotate_clusters(fewer, fewer.obs["cluster"], tissue)
        assert ("Alpha" in found.scores.columns) == (kept == 3)


def test_few_canonical_markers_in_the_data_are_a_warning() -> None:
    known = tissue_cells("pancreas", ["Alpha", "Acinar", "Ductal"])
    table = canonical_table().query("tissue == 'pancreas'")
    kept = set(table["gene"].unique()[:17]) | set(OTHERS) | {"GCG", "TTR"}
    names = [gene if gene in kept else f"other{n}" for n, gene in enumerate(known.var_names)]
    known.var["gene_symbol"] = names
    tissue = AnnotationSettings(tissue="pancreas")
    found = annotate_clusters(known, known.obs["cluster"], tissue, organism="human")
    assert found.overlap < 0.2
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("only ")


def test_no_marker_in_the_data_leaves_all_unassigned() -> None:
    cells = expressed({"0": 30, "1": 20, "2": 10}, {"0": OTHERS[:5], "1": OTHERS[5:9]}, OTHERS)
    found = annotate_clusters(cells, cells.obs["cluster"], AnnotationSettings())
    assert set(found.table["cell_type"]) == {"Unassigned"}
    assert found.scores.shape == (3, 0)
    assert found.tissue == ""
    assert found.table["n_markers"].tolist() == [0, 0, 0]
    assert found.warnings[0].startswith("0% of the marker genes (any tissue)")
    asked = AnnotationSettings(tissue="blood")
    assert annotate_clusters(cells, cells.obs["cluster"], asked).tissue == "blood"


def test_an_organism_without_marker_sets_is_unassigned() -> None:
    genes = [f"mt:{name}" if name == OTHERS[0] else name for name in OTHERS]
    cells = expressed({"0": 30, "1": 20}, {"0": genes[:5], "1": genes[5:9]}, genes)
    cells.var["gene_id"] = [f"FBgn{place:07d}" for place in range(cells.n_vars)]
    cells.var["gene_symbol"] = cells.var_names
    found = annotate_clusters(cells, cells.obs["cluster"], AnnotationSettings())
    assert set(found.table["cell_type"]) == {"Unassigned"}
    assert found.organism == "fruit fly"
    assert found.warnings == [
        "there are no marker sets for this organism (fruit fly), so all clusters are Unassigned; "
        "give your own marker table, or set column `organism` to human or mouse"
    ]
