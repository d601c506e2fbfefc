"""The committed table, and the tables that users bring."""

from pathlib import Path

import pandas as pd
import pytest

from scsiameseclu.annotation.marker_sets import (
    MIN_MARKERS,
    MarkerSets,
    canonical_sets,
    canonical_table,
    choose_organism,
    gene_positions,
    given_markers,
    match_positions,
    read_marker_table,
)
from scsiameseclu.annotation.tissues import ANY, known_tissues, tissue_names
from scsiameseclu.errors import UserError


def matched(
    sets: MarkerSets, symbols: list[str], ids: list[str], priority: list[float]
) -> pd.DataFrame:
    """The rows of a table that match some genes."""
    return match_positions(sets, gene_positions(symbols, ids, priority))


def test_canonical_table_is_whole() -> None:
    table = canonical_table()
    assert list(table.columns) == ["tissue", "cell_type", "gene", "mouse_gene", "source"]
    assert not table.duplicated(["tissue", "cell_type", "gene", "mouse_gene"]).any()
    assert ((table["gene"] != "") | (table["mouse_gene"] != "")).all()
    source = (
        r"(\w+ et al\. \d{4}, doi:10\.\d{4,}/\S+|PanglaoDB \(.*\)|CellConsensus .* \(CL:\d{7}\))"
    )
    verified = table["source"] != "not verified"
    assert table["source"][verified].str.fullmatch(rf"{source}(; {source})*").all()
    assert verified.mean() > 0.85
    assert (table["gene"] == table["gene"].str.strip().str.upper()).all()
    assert table["mouse_gene"].map(lambda gene: gene == "" or gene[0].isupper()).all()
    assert {ANY, *known_tissues()} == {
        name for text in table["tissue"] for name in tissue_names(text)
    }
    assert {"blood", "bone marrow", "gut", "heart", "retina", "skin"} <= set(known_tissues())
    assert table.groupby(["tissue", "cell_type"]).size().between(4, 18).all()


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
    found = matched(sets, ["MS4A1", "ms4a1", "CD79A"], ["", "", ""], [0.1, 5.0, 1.0])
    assert found.set_index("gene")["target"].to_dict() == {"MS4A1": 1, "CD79A": 2}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("type\tgene\nB\tCD19\n", "lacks the column cell_type .*it has type, gene"),
        ("cell_type\tgene\tweight\nB\tCD19\t1\nB\tCD79A\theavy\n", "line 3: the weight 'heavy'"),
        ("cell_type\tgene\tweight\nB\tCD19\tinf\n", "line 2: the weight 'inf'"),
        ("cell_type\tgene\tweight\nB\tA\t1\nB\tC\tx\nB\tD\ty\n", "line 3: the weight 'x'"),
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


def test_sets_are_those_of_the_table() -> None:
    table = canonical_table()
    human, mouse = (canonical_sets("kidney", organism)[0] for organism in ("human", "mouse"))
    own = table[[not {"any", "kidney"}.isdisjoint(tissue_names(t)) for t in table["tissue"]]]
    for found, column in ((human, "gene"), (mouse, "mouse_gene")):
        expected = own.loc[own[column] != "", ["cell_type", column]].drop_duplicates()
        assert found.table[["cell_type", "gene"]].values.tolist() == expected.values.tolist()
        assert set(found.table["weight"]) == {1.0}
        assert (found.name, found.min_markers) == ("kidney", MIN_MARKERS)


def test_auto_tries_each_tissue_for_itself() -> None:
    tried = canonical_sets("auto", "human")
    assert [sets.name for sets in tried] == [ANY, *known_tissues()]
    everywhere = set(tried[0].table["cell_type"])
    assert {"T cell", "Endothelial", "Fibroblast"} <= everywhere
    assert all(everywhere < set(sets.table["cell_type"]) for sets in tried[1:])


@pytest.mark.parametrize(
    ("tissue", "sentence"),
    [
        ("bone", "tissue: bone is not in the table .* auto, .*blood, .*brain"),
        ("blood, tail,bone", "tissue: bone, tail is not"),
        ("auto,blood", "tissue: auto is not"),
        (" , ", "tissue: ' , ' is not"),
    ],
)
def test_other_tissues_are_refused(tissue: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        canonical_sets(tissue, "human")


def test_own_tables_are_cleaned_and_keep_the_first_of_two_lines(tmp_path: Path) -> None:
    path = tmp_path / "own.tsv"
    path.write_text(
        "gene\tnote\tweight\tcell_type\n CD19\tx\t2\tB \n\ty\t1\tB\nCD19\tz\t-3\tB\nLYZ\t\t.5\tM\n"
    )
    found = read_marker_table(path)
    assert found.table.to_dict("list") == {
        "cell_type": ["B", "M"], "gene": ["CD19", "LYZ"], "weight": [2.0, 0.5],
    }  # fmt: skip
    assert list(found.table.index) == [0, 1]
    assert (found.name, found.min_markers) == (str(path), 1)


def sets_of(*genes: str) -> MarkerSets:
    table = pd.DataFrame({"cell_type": "T", "gene": genes, "weight": 1.0})
    return MarkerSets("own", table)


def test_genes_are_matched_by_symbol_or_id_whatever_case_and_version() -> None:
    symbols, ids = ["Cd3e", "MS4A1", "LYZ"], ["ENSG001.7", "ENSG002", ""]
    for name, place in (("CD3E", 0), ("ensg001", 0), ("ENSG001.7", 0), ("ms4a1", 1), ("lyz", 2)):
        found = matched(sets_of(name, "absent"), symbols, ids, [1.0, 1.0, 1.0])
        assert found["target"].tolist() == [place], name
    assert matched(sets_of("", "absent"), symbols, ids, [1.0, 1.0, 1.0]).empty


def test_a_symbol_comes_before_an_id_and_a_gene_counts_once_for_a_type() -> None:
    found = matched(sets_of("X", "y", "Y"), ["A", "X"], ["X", "Y"], [9.0, 1.0])
    assert found["target"].tolist() == [1]
    assert found["gene"].tolist() == ["X"]


def test_the_gene_of_highest_priority_is_taken_for_ids_too() -> None:
    for priority, place in (([1.0, 2.0, 3.0], 2), ([3.0, 2.0, 1.0], 0), ([1.0, 3.0, 2.0], 1)):
        found = matched(sets_of("ENSG1"), ["a", "b", "c"], ["ENSG1"] * 3, priority)
        assert found["target"].tolist() == [place]
        found = matched(sets_of("Same"), ["same"] * 3, ["1", "2", "3"], priority)
        assert found["target"].tolist() == [place]


@pytest.mark.parametrize(
    ("symbols", "expected"),
    [
        (["GNLY", "odd_1", "odd-2", "odd-3", "odd-4"], "human"),  # only in the human column
        (["odd-1", "odd-2", "odd-3"], "unknown"),
        (["cd8b1", "odd-2", "odd-3", "odd-4"], "mouse"),  # Cd8b1 has another name in man
        (["Actb", "Gapdh", "Cd8b1"], "mouse"),
        (["ACTB", "GAPDH", "CD8B"], "human"),
    ],
)
def test_organism_by_overlap_where_names_do_not_tell(symbols: list[str], expected: str) -> None:
    assert choose_organism("auto", symbols, symbols) == expected
    assert choose_organism("mouse", symbols, symbols) == "mouse"


def test_a_gene_may_be_called_na(tmp_path: Path) -> None:
    path = tmp_path / "own.tsv"
    path.write_text("cell_type\tgene\nT\tNA\nT\tNaN\n")
    assert read_marker_table(path).table["gene"].tolist() == ["NA", "NaN"]


def test_other_organisms_have_no_canonical_sets() -> None:
    """Genes of a cow have the symbols of man, those of a fish similar ones."""
    cow = [f"ENSBTAG{place:011d}" for place in range(3)]
    assert choose_organism("auto", ["ACTB", "GAPDH", "CD8B"], cow) == "another species"
    fish = [f"ENSDARG{place:011d}" for place in range(3)]
    assert choose_organism("auto", ["actb2", "gapdh", "cd8b"], fish) == "zebrafish"
    for organism in ("another species", "zebrafish", "fruit fly"):
        (sets,) = canonical_sets("auto", organism)
        assert sets.table.empty
    assert choose_organism("human", ["ACTB"], cow[:1]) == "human"
