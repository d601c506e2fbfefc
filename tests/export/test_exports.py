"""The results in the formats of other programs, read back; in R where there is one."""

import csv
import gzip
import os
import shutil
import subprocess
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse as sp

from scsiameseclu.errors import UserError
from scsiameseclu.export.cellxgene import OF_LAB, schema_columns, write_cellxgene
from scsiameseclu.export.gene_reference import ensembl_ids, reference
from scsiameseclu.export.loupe import write_loupe
from scsiameseclu.export.seurat import write_seurat


@pytest.fixture(scope="module")
def cells() -> ad.AnnData:
    """A deliverable with what trips others up: tabs, quotes, missing values, clusters like 3.10."""
    generator = np.random.default_rng(0)
    counts = sp.csr_matrix(generator.poisson(1.0, (40, 6)).astype(np.float32))
    clusters = np.array(["3.10", "3.1", "0", "10"])[np.arange(40) % 4]
    types = np.array(['T cells, "naive"', "B\tcells", "NA", "5'"])[np.arange(40) % 4]
    adata = ad.AnnData(
        sp.csr_matrix(np.log1p(counts.toarray())),
        obs=pd.DataFrame(
            {
                "sample": pd.Categorical(["a"] * 20 + ["b"] * 20),
                "siamese": pd.Categorical(clusters, ["3.10", "0", "3.1", "10"]),
                "cell_type_predicted": pd.Categorical(types),
                "score": np.where(np.arange(40) == 3, np.nan, np.linspace(0, 1, 40)),
                "flag": np.arange(40) % 2 == 0,
                "mt-#1": np.arange(40),
            },
            index=[f"{'a' if n < 20 else 'b'}:CELL{n}-1" for n in range(40)],
        ),
        var=pd.DataFrame(index=["CD3D", "MS4A1", "no gene", "LYZ", "lyz", "HLA-DRA"]),
    )
    adata.layers["counts"] = counts
    adata.obsm["X_umap"] = generator.normal(size=(40, 2)).astype(np.float32)
    adata.obsm["siamese_probability"] = generator.dirichlet(np.ones(4), 40).astype(np.float32)
    adata.uns["siamese_colors"] = ["#000000"] * 4
    return adata


def test_the_folder_for_r_holds_the_counts(cells: ad.AnnData, tmp_path: Path) -> None:
    write_seurat(tmp_path, cells, cells.layers["counts"])
    with gzip.open(tmp_path / "matrix.mtx.gz") as file:
        matrix = sp.csr_matrix(scipy.io.mmread(file))
    assert (cells.layers["counts"] != matrix.T).nnz == 0
    rows = list(csv.reader((tmp_path / "cells.tsv").open(), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert {len(row) for row in rows} == {1 + len(cells.obs.columns)}
    assert [row[0] for row in rows[1:]] == list(cells.obs_names)


def test_r_loads_the_folder(cells: ad.AnnData, tmp_path: Path) -> None:
    if shutil.which("Rscript") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("there is no R (Debian: apt install r-base-core r-cran-matrix)")
        pytest.skip("there is no R (Debian: apt install r-base-core r-cran-matrix)")
    write_seurat(tmp_path, cells, cells.layers["counts"])
    program = (
        'source("load.R"); cat(dim(counts), sum(counts), counts["LYZ", "b:CELL30-1"], "\\n");'
        'cat(levels(cells$siamese), as.character(cells$siamese[1:2]), "\\n");'
        'cat(levels(cells$cell_type_predicted), sep = "|"); cat("\\n");'
        'cat(sum(cells$flag), sum(is.na(cells$score)), sum(cells[["mt-#1"]]), "\\n");'
        'cat(names(embeddings), dim(embeddings$umap), sum(embeddings$umap), "\\n")'
    )
    done = subprocess.run(
        ["Rscript", "--vanilla", "-e", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    counts = cells.layers["counts"]
    assert [float(word) for word in lines[0]] == [6, 40, counts.sum(), counts[30, 3]]
    assert lines[1] == ["3.10", "0", "3.1", "10", "3.10", "3.1"]
    assert done.stdout.splitlines()[2] == '5\'|B cells|NA|T cells, "naive"'
    assert [float(word) for word in lines[3]] == [20, 1, sum(range(40))]
    assert lines[4][:4] == ["siamese_probability", "umap", "40", "2"]
    assert float(lines[4][4]) == pytest.approx(cells.obsm["X_umap"].sum(), abs=1e-3)


def r_has(package: str) -> bool:
    """Whether there is R with a package."""
    if shutil.which("Rscript") is None:
        return False
    program = f'quit(status = !requireNamespace("{package}", quietly = TRUE))'
    done = subprocess.run(["Rscript", "--vanilla", "-e", program], capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.parametrize(
    ("package", "program"),
    [
        (
            "SingleCellExperiment",
            "m <- SummarizedExperiment::assay(sce, 'counts');"
            "places <- SingleCellExperiment::reducedDim(sce, 'umap');"
            "of <- SummarizedExperiment::colData(sce)",
        ),
        (
            "SeuratObject",
            "m <- SeuratObject::GetAssayData(seurat, 'counts');"
            "places <- SeuratObject::Embeddings(seurat, 'umap');"
            "stopifnot(ncol(SeuratObject::Embeddings(seurat, 'siamese_embedding')) > 1);"
            "of <- seurat[[]]; stopifnot(levels(seurat) == levels(cells$siamese));"
            "stopifnot(SeuratObject::Idents(seurat) == cells$siamese)",
        ),
    ],
)
def test_the_objects_of_r_have_counts_columns_and_embeddings(
    cells: ad.AnnData, tmp_path: Path, package: str, program: str
) -> None:
    if not r_has(package):
        pytest.skip(
            f"there is no R package {package} (Debian: r-bioc-singlecellexperiment, r-cran-seurat)"
        )
    cells = cells.copy()
    cells.obsm["X_siamese"] = np.ones((40, 3), dtype=np.float32)  # also the name of a column
    write_seurat(tmp_path, cells, cells.layers["counts"])
    program += (
        ';cat(dim(m), sum(m), m["LYZ", "b:CELL30-1"], dim(places), places["b:CELL30-1", 2], "\\n");'
        'cat(levels(of$siamese), of["b:CELL30-1", "score"], "\\n")'
    )
    done = subprocess.run(
        ["Rscript", "--vanilla", "-e", f'source("load.R"); {program}'],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, second = (line.split() for line in done.stdout.splitlines())
    counts, umap = cells.layers["counts"], cells.obsm["X_umap"]
    expected = [6, 40, counts.sum(), counts[30, 3], 40, 2, umap[30, 1]]
    assert [float(word) for word in first] == pytest.approx(expected, abs=1e-4)
    assert second[:-1] == ["3.10", "0", "3.1", "10"]
    assert float(second[-1]) == pytest.approx(30 / 39, abs=1e-4)


@pytest.mark.parametrize("package", ["Matrix", "SeuratObject"])
def test_names_that_become_equal_stay_apart_in_r(
    cells: ad.AnnData, tmp_path: Path, package: str
) -> None:
    if not r_has(package):
        pytest.skip(f"there is no R package {package} (Debian: r-cran-{package.lower()})")
    cells = cells.copy()
    cells.var_names = ["A_B", "A-B", "A\tB", "A B", "LYZ", "lyz"]
    cells.obs = cells.obs.rename(columns={"score": "a b", "flag": "a\tb"})
    kinds = np.array(["of one", "of\tone", "other", "third"])[np.arange(40) % 4]
    cells.obs["kind"] = pd.Categorical(kinds)
    cells.obsm["X_by/hand"] = cells.obsm["X_umap"] + 1
    write_seurat(tmp_path, cells, cells.layers["counts"])
    program = 'cat(rowSums(counts), "\\n"); cat(table(cells$kind), "\\n");'
    program += 'cat(sum(is.na(cells[["a b"]])), sum(cells[["a b-1"]]), "\\n");'
    program += "cat(sum(embeddings$by_hand - embeddings$umap))"
    if package == "SeuratObject":
        program += '; cat("\\n"); cat(rowSums(SeuratObject::GetAssayData(seurat, "counts")))'
    done = subprocess.run(
        ["Rscript", "--vanilla", "-e", f'source("load.R"); {program}'],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    sums, table, columns, shift, *of_seurat = (
        [float(word) for word in line.split()] for line in done.stdout.splitlines()
    )
    genes = np.asarray(cells.layers["counts"].sum(axis=0)).ravel()
    assert sums == genes.tolist()
    assert table == [20, 10, 10]
    assert columns == [1, 20]
    assert shift == [80]
    assert of_seurat == ([genes.tolist()] if package == "SeuratObject" else [])


def test_loupe_gets_the_barcodes_of_each_sample(cells: ad.AnnData, tmp_path: Path) -> None:
    write_loupe(tmp_path / "one", cells.obs, cells.obsm["X_umap"], "")
    write_loupe(tmp_path / "all", cells.obs, cells.obsm["X_umap"], ":")
    names = {path.name for path in (tmp_path / "all").iterdir()}
    assert names == {"a_clusters.csv", "a_umap.csv", "b_clusters.csv", "b_umap.csv"}
    table = pd.read_csv(tmp_path / "all" / "b_clusters.csv", dtype=str)
    assert table["Barcode"].tolist() == [f"CELL{n}-1" for n in range(20, 40)]
    assert table["Cluster"].tolist() == cells.obs["siamese"].astype(str).tolist()[20:]
    places = pd.read_csv(tmp_path / "one" / "umap.csv")
    assert list(places.columns) == ["Barcode", "X Coordinate", "Y Coordinate"]
    assert places["Y Coordinate"].to_numpy() == pytest.approx(cells.obsm["X_umap"][:, 1], rel=1e-4)


def test_the_file_for_cellxgene_has_ensembl_ids_and_raw_counts(
    cells: ad.AnnData, tmp_path: Path
) -> None:
    path = tmp_path / "a.h5ad"
    counts = cells.layers["counts"]
    missing = write_cellxgene(path, cells, cells.X, counts, organism="human", title="My cells")
    assert missing == list(OF_LAB)
    written = ad.read_h5ad(path)
    assert written.var_names.tolist() == [
        *("ENSG00000167286", "ENSG00000156738", "ENSG00000090382", "ENSG00000204287")
    ]
    kept = [0, 1, 3, 5]
    assert (counts[:, kept] != written.raw.X).nnz == 0
    assert written.X.toarray() == pytest.approx(cells.X[:, kept].toarray())
    assert set(written.obsm) == {"X_umap"}
    assert written.uns["title"] == "My cells"
    assert written.uns["organism_ontology_term_id"] == "NCBITaxon:9606"
    assert not any(written.var["feature_is_filtered"])


def test_the_sheet_fills_the_columns_of_the_schema(cells: ad.AnnData) -> None:
    obs = cells.obs.assign(
        donor="d1",
        meta_tissue_type="tissue",
        meta_is_primary_data="True",
        meta_title="Blood",
        organism="human",
        cell_type_ontology_term_id=["CL:0000084", ""] * 20,
    )
    columns = schema_columns(obs, "mouse")
    assert set(columns["donor_id"]) == {"d1"}
    assert set(columns["tissue_type"]) == {"tissue"}
    assert columns["is_primary_data"].all()
    assert columns["is_primary_data"].dtype == bool
    assert set(columns["self_reported_ethnicity_ontology_term_id"]) == {"na"}
    assert columns["cell_type_ontology_term_id"].tolist()[:2] == ["CL:0000084", "unknown"]
    assert not {"organism", "meta_title", "meta_tissue_type"} & set(columns)


def test_ids_win_over_names_and_lose_their_version() -> None:
    var = pd.DataFrame(
        {
            "gene_id": ["ENSG00000167286.10", "ENSG99999999999", "x"],
            "gene_symbol": ["A", "LYZ", "x"],
        }
    )
    assert ensembl_ids(var, "human") == ["ENSG00000167286", "ENSG00000090382", ""]


@pytest.mark.parametrize(("organism", "gene"), [("human", "CD3D"), ("mouse", "CD3D")])
def test_the_reference_is_complete(organism: str, gene: str) -> None:
    ids, by_name = reference(organism)
    assert len(ids) > 70_000
    assert by_name[gene] in ids
    assert len({len(identifier) for identifier in ids}) == 1


def test_other_genes_cannot_be_exported(cells: ad.AnnData, tmp_path: Path) -> None:
    nameless = cells.copy()
    nameless.var_names = [f"g{n}" for n in range(6)]
    for organism, message in (("human", "0 of 6 genes have an Ensembl id"), ("fly", "no list of")):
        with pytest.raises(UserError, match=message):
            write_cellxgene(
                tmp_path / "a.h5ad", nameless, nameless.X, nameless.layers["counts"],
                organism=organism, title="x",
            )  # fmt: skip
