"""The committed table, and the tables that users bring."""

import re
from pathlib import Path

import pandas as pd
import pytest

from scsiameseclu.annotation.marker_sets import (
    MIN_MARKERS,
    canonical_sets,
    canonical_table,
    given_markers,
    match_markers,
    read_marker_table,
)
from scsiameseclu.errors import UserError


def test_canonical_table_is_whole() -> None:
    table = canonical_table()
    assert list(table.columns) == ["tissue", "cell_type", "gene", "mouse_gene", "source"]
    assert not table.duplicated(["tissue", "cell_type", "gene", "mouse_gene"]).any()
    assert ((table["gene"] != "") | (table["mouse_gene"] != "")).all()
    assert table["source"].map(lambda text: bool(re.search(r"doi:10\.\d{4,}/\S+$", text))).all()
    assert (table["gene"] == table["gene"].str.strip().str.upper()).all()
    assert table["mouse_gene"].map(lambda gene: gene == "" or gene[0].isupper()).all()
    tissues = {"blood", "brain", "kidney", "liver", "lung", "pancreas", "retina"}
    assert set(table["tissue"]) == tissues
    assert table.groupby(["tissue", "cell_type"]).size().between(5, 12).all()


@pytest.mark.parametrize("organism", ["human", "mouse"])
def test_every_type_can_be_asked_in_both_organisms(organism: str) -> None:
    for sets in canonical_sets("auto", organism):
        assert (sets.table.groupby("cell_type").size() >= MIN_MARKERS).all()


def test_mouse_names_exist_in_a_mouse_genome(data_dir: Path) -> None:
    """Of the pancreas's mouse names most are in a mouse pancreas; a typing error would not be."""
    import anndata as ad

    genes = set(ad.read_h5ad(data_dir / "baron_mouse.h5ad", backed="r").var_names)
    names = canonical_table().query("tissue == 'pancreas' and mouse_gene != ''")["mouse_gene"]
    assert names.isin(genes).mean() > 0.8


def test_tissues_can_be_joined() -> None:
    (both,) = canonical_sets("brain, pancreas", "human")
    parts = [set(canonical_sets(name, "human")[0].table["gene"]) for name in ("brain", "pancreas")]
    assert set(both.table["gene"]) == parts[0] | parts[1]
    assert not both.table.duplicated(["cell_type", "gene"]).any()


def test_of_two_genes_of_one_name_the_expressed_one_is_taken() -> None:
    (sets,) = canonical_sets("blood", "human")
    found = match_markers(sets, ["MS4A1", "ms4a1", "CD79A"], ["", "", ""], [0.1, 5.0, 1.0])
    assert found.set_index("gene")["target"].to_dict() == {"MS4A1": 1, "CD79A": 2}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("type\tgene\nB\tCD19\n", "lacks the column cell_type .*it has type, gene"),
        ("cell_type\tgene\tweight\nB\tCD19\t1\nB\tCD79A\theavy\n", "line 3: the weight 'heavy'"),
        ("cell_type\tgene\tweight\nB\tCD19\tinf\n", "line 2: the weight 'inf'"),
        ("cell_type\tgene\n\t\n", "no row with"),
        ("cell_type\tgene\nUnassigned\tCD19\n", "rename this cell type"),
        ("", "cannot be read"),
    ],
)
def test_bad_own_tables_get_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "own.tsv"
    path.write_text(text)
    with pytest.raises(UserError, match=sentence):
        read_marker_table(path)


def test_missing_own_table(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        read_marker_table(tmp_path / "none.tsv")


def test_own_table_may_be_csv(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("cell_type,gene\nB, CD19\n")
    assert read_marker_table(path).table.to_dict("records") == [
        {"cell_type": "B", "gene": "CD19", "weight": 1.0}
    ]


def test_sets_may_be_given_without_a_file() -> None:
    sets = given_markers({"B": ["MS4A1", "CD79A"], "NK": ["NKG7"]})
    assert sets.table.values.tolist() == [
        ["B", "MS4A1", 1.0], ["B", "CD79A", 1.0], ["NK", "NKG7", 1.0],
    ]  # fmt: skip
    table = pd.DataFrame({"cell_type": ["B", "B"], "gene": ["MS4A1", "CD3E"], "weight": [2, -1]})
    assert given_markers(table).table["weight"].tolist() == [2.0, -1.0]
    with pytest.raises(UserError, match="reserved name 'Unknown'"):
        given_markers({"Unknown": ["MS4A1"]})
    with pytest.raises(UserError, match="no row"):
        given_markers({})


def test_sets_of_a_gmt_file(tmp_path: Path) -> None:
    path = tmp_path / "sets.gmt"
    path.write_text("B cell\tfrom a paper\tMS4A1\tCD79A\nNK\t\tNKG7\t\nempty\n\n")
    sets = read_marker_table(path)
    assert sets.table.values.tolist() == [
        ["B cell", "MS4A1", 1.0], ["B cell", "CD79A", 1.0], ["NK", "NKG7", 1.0],
    ]  # fmt: skip
    path.write_text("lonely\n")
    with pytest.raises(UserError, match="no row with both a cell type and a gene"):
        read_marker_table(path)
