"""Cell types of real clusters against the published labels, mapped by hand here and only here."""

from dataclasses import replace
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from real_data import counts_of, leiden, log_normalised

from scsiameseclu.annotation.by_markers import Annotation, annotate_clusters
from scsiameseclu.annotation.cell_types import vocabulary
from scsiameseclu.annotation.cluster_table import COLUMNS
from scsiameseclu.annotation.marker_sets import canonical_table, given_markers
from scsiameseclu.errors import UserError
from scsiameseclu.settings import AnnotationSettings

DEFAULT = AnnotationSettings()
# Leiden at 1.0 merges NK with CD8 T cells, and naive with memory CD4 T cells in part.
PBMC3K = {
    "Naive CD4 T": "CD4 T",
    "Memory CD4 T": "CD4 T",
    "CD14+ Mono": "CD14 monocyte",
    "FCGR3A+ Mono": "FCGR3A monocyte",
    "B": "B cell",
    "CD8 T": "CD8 T",
    "NK": "NK",
    "DC": "Dendritic",
    "Platelet": "Platelet",
}
BARON = {
    "beta": "Beta",
    "alpha": "Alpha",
    "delta": "Delta",
    "gamma": "Gamma (PP)",
    "ductal": "Ductal",
    "endothelial": "Endothelial",
    "quiescent_stellate": "Quiescent stellate",
    "activated_stellate": "Activated stellate",
    "macrophage": "Macrophage",
    "B_cell": "B cell",
    "T_cell": "T cell",
    "schwann": "Schwann",
    "immune_other": "Hematopoietic",
}


def agreement(predicted: pd.Series, labels: pd.Series, types: dict[str, str]) -> float:
    """Share of the labelled cells that are named by the type of their label or a subtype of it."""
    known = labels.notna().to_numpy()
    pairs = zip(labels[known].astype(str), predicted[known], strict=True)
    return float(
        np.mean([types[label] in vocabulary().lineage(str(name)) for label, name in pairs])
    )


def share_right(adata: ad.AnnData, found: Annotation, types: dict[str, str]) -> float:
    predicted = adata.obs["cluster"].astype(str).map(found.table.set_index("cluster")["cell_type"])
    return agreement(predicted, adata.obs["cell_type"], types)


@pytest.fixture(scope="module")
def blood(pbmc3k: ad.AnnData) -> Annotation:
    return annotate_clusters(pbmc3k, pbmc3k.obs["cluster"], DEFAULT)


@pytest.fixture(scope="module")
def pancreas(baron: ad.AnnData) -> Annotation:
    return annotate_clusters(baron, baron.obs["cluster"], DEFAULT)


def test_blood_agrees_with_the_published_labels(pbmc3k: ad.AnnData, blood: Annotation) -> None:
    assert (blood.tissue, blood.organism) == ("any", "human")  # blood adds only its progenitors
    assert blood.warnings == []
    assert share_right(pbmc3k, blood, PBMC3K) >= 0.85
    named = set(blood.table["cell_type"])
    assert {"Naive CD4 T", "Memory CD4 T", "NK", "Platelet"} <= named


def test_pancreas_agrees_with_the_published_labels(baron: ad.AnnData, pancreas: Annotation) -> None:
    assert (pancreas.tissue, pancreas.organism) == ("pancreas", "mouse")
    assert share_right(baron, pancreas, BARON) >= 0.9


def test_rare_types_are_not_drowned_by_ambient_insulin(
    baron: ad.AnnData, pancreas: Annotation
) -> None:
    lineages = [vocabulary().lineage(name) for name in pancreas.table["cell_type"]]
    named = {name for lineage in lineages for name in lineage}
    assert {"Macrophage", "Endothelial", "Delta", "Alpha", "Ductal"} <= named
    insulin = baron[:, ["Ins1", "Ins2"]].X.min(axis=1).toarray().ravel()
    other = baron.obs["cell_type"] != "beta"
    assert (insulin[other] > 0).mean() > 0.5  # or else this test shows nothing


def test_sorted_cells_agree_with_what_they_were_sorted_for(data_dir: Path) -> None:
    adata = log_normalised(counts_of(data_dir / "zheng_sorted_ref.h5ad"))
    adata.obs["cluster"] = leiden(adata)
    accepted = {
        **dict.fromkeys(["memoryt", "regulatoryt", "thelper", "naivet"], "CD4 T"),
        "cytotoxict": "CD8 T",
        "naivecytotoxic": "CD8 T",
        "nk": "NK",
        "bcells": "B cell",
        "monocytes": "Monocyte",
    }
    found = annotate_clusters(adata, adata.obs["cluster"], DEFAULT)
    assert share_right(adata, found, accepted) >= 0.85
    assert found.tissue == "blood"
    progenitors = found.table.query("cell_type == 'HSPC'")["cluster"]
    expressed = adata[adata.obs["cluster"].isin(progenitors), "GATA2"].X.mean()
    assert expressed > 5 * adata[:, "GATA2"].X.mean()  # sorted cells are not pure


def test_table_is_consistent(blood: Annotation, pbmc3k: ad.AnnData) -> None:
    table = blood.table
    assert list(table.columns) == COLUMNS
    assert table["n_cells"].sum() == pbmc3k.n_obs
    best = [blood.scores.iloc[row][name] for row, name in enumerate(table["best_match"])]
    assert (table["score"] >= np.array(best) - 1e-9).all()
    assert (table["score"] >= DEFAULT.min_score).all()
    assert (table["margin"] >= DEFAULT.margin).all()  # no type is tied here
    assert (table["cell_type"] == table["best_match"]).all()
    assert (table["score"] > 2 * table["random_score"]).all()
    assert table["cell_type_confidence"].between(0.5, 1).all()
    ids = [vocabulary().ontology_id(name) for name in table["cell_type"]]
    assert table["cell_type_ontology_term_id"].tolist() == ids
    assert (table["markers_found"].str.split(",").map(len) == table["n_markers"]).all()
    for row in table.itertuples():
        for_type, against = (set(filter(None, genes.split(","))) for genes in row[14:16])
        assert for_type
        assert not for_type & against
        assert for_type | against <= set(row.markers_found.split(","))


def test_names_of_clusters_and_order_of_cells_change_nothing(
    pbmc3k: ad.AnnData, blood: Annotation
) -> None:
    order = np.random.default_rng(0).permutation(pbmc3k.n_obs)
    mixed = pbmc3k[order]
    renamed = mixed.obs["cluster"].cat.rename_categories(lambda name: f"c{9 - int(name)}")
    again = annotate_clusters(mixed, renamed, DEFAULT).table
    again["cluster"] = [str(9 - int(name[1:])) for name in again["cluster"]]
    again = again.sort_values("cluster", ignore_index=True)
    exact = ["cluster", "n_cells", "cell_type", "best_match", "markers_found"]
    pd.testing.assert_frame_equal(again[exact], blood.table[exact])
    np.testing.assert_allclose(again["score"], blood.table["score"], rtol=1e-3)


def test_stricter_settings_only_widen_or_unassign(pbmc3k: ad.AnnData, blood: Annotation) -> None:
    for settings in (replace(DEFAULT, min_score=16.0), replace(DEFAULT, margin=4.0)):
        strict = annotate_clusters(pbmc3k, pbmc3k.obs["cluster"], settings).table["cell_type"]
        changed = strict != blood.table["cell_type"]
        assert changed.any()
        for wide, narrow in zip(strict[changed], blood.table["cell_type"][changed], strict=True):
            assert wide in ["Unassigned", *vocabulary().lineage(narrow)[1:]]
    assert "Unassigned" not in set(strict)  # a small lead over a sibling is an answer one level up
    assert "CD4 T" in set(strict)


def test_mouse_names_in_upper_case_are_still_found(baron: ad.AnnData) -> None:
    loud = baron.copy()
    loud.var["gene_symbol"] = loud.var["gene_symbol"].str.upper()
    found = annotate_clusters(loud, loud.obs["cluster"], DEFAULT, organism="mouse")
    assert found.tissue == "pancreas"
    assert share_right(loud, found, BARON) >= 0.85


def test_no_gene_names_leave_all_unassigned_with_a_sentence(pbmc3k: ad.AnnData) -> None:
    nameless = pbmc3k[::3].copy()
    nameless.var["gene_symbol"] = nameless.var["gene_id"] = [f"g{i}" for i in range(pbmc3k.n_vars)]
    found = annotate_clusters(nameless, nameless.obs["cluster"], DEFAULT)
    assert set(found.table["cell_type"]) == {"Unassigned"}
    assert found.scores.shape == (len(found.table), 0)
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("0% of the marker genes")


def test_another_tissue_is_told(pbmc3k: ad.AnnData) -> None:
    table = canonical_table().query("tissue == 'brain'")
    brain = given_markers(table[["cell_type", "gene"]])
    found = annotate_clusters(pbmc3k, pbmc3k.obs["cluster"], DEFAULT, marker_sets=brain)
    assert (found.table["cell_type"] == "Unassigned").mean() > 0.5
    assert "cells are Unassigned by the markers of" in found.warnings[0]


def test_few_markers_in_the_data_are_told(pbmc3k: ad.AnnData) -> None:
    few = ["CD79A", "MS4A1", "CD79B", "S100A8", "S100A9", "LYZ"]
    table = set(canonical_table()["gene"])
    chosen = pbmc3k[:, few + [gene for gene in pbmc3k.var_names[:3000] if gene not in table]]
    found = annotate_clusters(chosen, chosen.obs["cluster"], replace(DEFAULT, tissue="blood"))
    assert "of the marker genes" in found.warnings[0]
    named = found.table.set_index("cluster")["cell_type"]
    assert {"B cell", "CD14 monocyte", "Unassigned"} == set(named)
    unassigned = pbmc3k.obs["cluster"].astype(str).map(named) == "Unassigned"
    t_cells = pbmc3k.obs["cell_type"].isin(["Naive CD4 T", "Memory CD4 T", "NK", "Platelet"])
    assert unassigned[t_cells].mean() > 0.95  # nothing that remains fits them


def test_cells_are_told_apart_where_clusters_are_mixed(
    pbmc3k: ad.AnnData, blood: Annotation
) -> None:
    work = pbmc3k.copy()
    sc.pp.highly_variable_genes(work, n_top_genes=2000)
    sc.pp.pca(work, n_comps=20, random_state=0)
    embedding = work.obsm["X_pca"]
    found = annotate_clusters(pbmc3k, pbmc3k.obs["cluster"], DEFAULT, embedding=embedding)
    mixed = found.table["cell_type"] != blood.table["cell_type"]
    assert found.table["cell_type"][mixed].tolist() == ["Lymphocyte"]  # neither NK nor CD8 T cells
    assert blood.table["cell_type"][mixed].tolist() == ["NK"]
    same = ["best_match", "runner_up", "margin", "states"]
    pd.testing.assert_frame_equal(found.table[same], blood.table[same])
    of_clusters = blood.cells["cell_type"]
    assert found.cells.index.equals(pbmc3k.obs_names)
    assert (of_clusters.groupby(pbmc3k.obs["cluster"], observed=True).nunique() == 1).all()
    strict = PBMC3K | {name: name for name in ("Naive CD4 T", "Memory CD4 T")}
    labels = pbmc3k.obs["cell_type"]
    by_cell = agreement(found.cells["cell_type"], labels, strict)
    assert by_cell > max(0.8, agreement(of_clusters, labels, strict) + 0.03)


def test_one_cluster_is_unassigned(pbmc3k: ad.AnnData) -> None:
    one = pd.Series(pd.Categorical(["0"] * pbmc3k.n_obs), index=pbmc3k.obs_names)
    found = annotate_clusters(pbmc3k, one, DEFAULT)
    assert found.table["cell_type"].tolist() == ["Unassigned"]
    assert "one cluster" in found.warnings[0]


def test_own_table_with_symbols_ids_and_weights(pbmc3k: ad.AnnData, tmp_path: Path) -> None:
    data = pbmc3k.copy()
    data.var["gene_id"] = [f"ENSG{i:011d}.4" for i in range(data.n_vars)]
    ms4a1 = data.var.loc["MS4A1", "gene_id"].split(".")[0]
    path = tmp_path / "mine.tsv"
    path.write_text(
        f"cell_type\tgene\tweight\nMy B\t{ms4a1}\t2\nMy B\tcd79a\t1\nMy mono\tLYZ\t1\n"
        "My mono\tCD3D\t-1\nNever\tNOSUCHGENE\t1\n"
    )
    found = annotate_clusters(
        data, data.obs["cluster"], replace(DEFAULT, marker_table=str(path), min_score=1.0)
    )
    assert found.tissue == str(path)
    predicted = data.obs["cluster"].astype(str).map(found.table.set_index("cluster")["cell_type"])
    labels = data.obs["cell_type"].astype(str)
    assert (predicted[labels == "B"] == "My B").mean() > 0.9
    assert (predicted[labels == "CD14+ Mono"] == "My mono").mean() > 0.9
    assert (predicted[labels == "B"] != "My mono").all()


def test_unknown_tissue_names_those_there_are(pbmc3k: ad.AnnData) -> None:
    with pytest.raises(UserError, match=r"tail is not .* auto, .*blood, .*brain, .*pancreas"):
        annotate_clusters(pbmc3k, pbmc3k.obs["cluster"], replace(DEFAULT, tissue="blood,tail"))


def test_own_table_of_other_genes_is_refused_with_examples(
    pbmc3k: ad.AnnData, tmp_path: Path
) -> None:
    path = tmp_path / "own.tsv"
    path.write_text("cell_type\tgene\nX\tENSDARG1\nX\tENSDARG2\nY\tENSDARG3\nY\tENSDARG4\n")
    with pytest.raises(
        UserError, match=r"0% of the genes of .*own.tsv.*such as ENSDARG1, ENSDARG2"
    ):
        annotate_clusters(pbmc3k, pbmc3k.obs["cluster"], replace(DEFAULT, marker_table=str(path)))
