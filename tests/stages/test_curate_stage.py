"""The stage curate: a table that the run writes once, its edits, levels, and their undoing."""

import hashlib

import numpy as np
import pytest

from scsiameseclu.errors import UserError
from scsiameseclu.report.curation import curation_table, marked_types
from scsiameseclu.report.finished_sample import load_sample
from scsiameseclu.settings import AnnotationSettings
from scsiameseclu.stages import annotate, curate
from scsiameseclu.store.folder import SampleFolder

HEADER = "cluster\tcell_type\tmerge_into\tsplit\tnote\n"


def edit(folder: SampleFolder, *rows: str) -> None:
    (folder.directory / "curation.tsv").write_text(HEADER + "".join(f"{row}\n" for row in rows))


def digest(folder: SampleFolder) -> str:
    return hashlib.sha256(folder.path("clusters").read_bytes()).hexdigest()


def names_of(folder: SampleFolder) -> list[str]:
    return list(folder.obs("clusters")["siamese"].cat.categories)


def test_a_table_without_edits_changes_nothing(finished: SampleFolder) -> None:
    assert finished.path("clusters").read_bytes() == finished.path("proposed").read_bytes()
    lines = (finished.directory / "curation.tsv").read_text().splitlines()
    assert [line.split("\t")[0] for line in lines] == ["cluster", *names_of(finished)]
    assert "siamese_curated" not in finished.obs("clusters")
    assert "cell_type_curated" not in finished.obs("annotation")
    assert "curated" not in finished.table("annotation_table")


def test_merge_name_split_and_undo(copied: SampleFolder) -> None:
    before, first = folder_labels(copied), digest(copied)
    table = (copied.directory / "curation.tsv").read_text()
    edit(
        copied,
        "1\tHelper T cells\t0\t\tCD4 is high",
        "2\t\t\tyes",
        "2.1\tMonocytes",
    )
    curate.run(copied)
    assert (copied.directory / "curation.tsv").read_text() != table
    after = folder_labels(copied)
    assert set(after[np.isin(before, ["0", "1"])]) == {"0"}
    parts = set(after[before == "2"])
    assert parts >= {"2.1", "2.2"}
    others = ~np.isin(before, ["0", "1", "2"])
    assert (after[others] == before[others]).all()
    obs = copied.obs("clusters")
    assert obs["siamese_curated"].to_numpy().tolist() == np.isin(before, ["0", "1", "2"]).tolist()
    probability = copied.array("clusters", "obsm/siamese_probability")
    assert probability.shape == (len(obs), len(names_of(copied)))
    assert probability.sum(axis=1) == pytest.approx(np.ones(len(obs)), abs=1e-4)
    assert {"cluster", "curate"} <= set(copied.uns("clusters", "provenance"))

    annotate.run(copied, settings=AnnotationSettings())
    rows = copied.table("annotation_table").set_index("cluster")
    assert rows.loc["0", ["cell_type", "curated", "note"]].tolist() == [
        *("Helper T cells", "named,merged", "CD4 is high")
    ]
    assert rows.loc["2.1", ["cell_type", "curated"]].tolist() == ["Monocytes", "named,split"]
    assert rows.loc["2.2", "cell_type"] == rows.loc["2.2", "predicted_type"]
    cells = copied.obs("annotation")
    assert (cells["cell_type_predicted"] == "Helper T cells").tolist() == (after == "0").tolist()
    assert cells["cell_type_curated"].tolist() == np.isin(after, ["0", "2.1"]).tolist()

    sample = load_sample(copied)
    assert marked_types(sample)["0"] == "Helper T cells (curated)"
    shown = curation_table(sample)
    assert shown is not None
    words = {row[0].text: [cell.text for cell in row[1:]] for row in shown.rows}
    assert words["0"][:2] == ["merged with 1 and named", "Helper T cells"]
    assert words["0"][3] == "CD4 is high"
    assert words["2.1"][0] == "split from 2 and named"
    assert set(words) == {"0", *parts}

    (copied.directory / "curation.tsv").write_text(table)
    curate.run(copied)
    assert digest(copied) == first
    annotate.run(copied, settings=AnnotationSettings())
    assert "curated" not in copied.table("annotation_table")


def folder_labels(folder: SampleFolder) -> np.ndarray:
    return folder.obs("clusters")["siamese"].astype(str).to_numpy()


def test_an_edited_table_is_never_overwritten(copied: SampleFolder) -> None:
    edit(copied, "0\tT cells")
    curate.run(copied)
    assert "T cells" in (copied.directory / "curation.tsv").read_text()
    (copied.directory / "curation.tsv").unlink()
    curate.run(copied)
    assert (copied.directory / "curation.tsv").read_text().startswith(HEADER + "0\t\t\t\t\n")


def test_a_line_of_no_cluster_is_one_sentence(copied: SampleFolder) -> None:
    edit(copied, "99\tT cells")
    for stage in (curate.run, lambda f: annotate.run(f, settings=AnnotationSettings())):
        with pytest.raises(UserError, match=r"curation.tsv, line 2: cluster 99 does not exist"):
            stage(copied)


def test_levels_are_nested_and_the_default_can_be_had_back(copied: SampleFolder) -> None:
    first, before = digest(copied), folder_labels(copied)
    curate.run(copied, level="coarse")
    coarse = copied.obs("proposed")["siamese_coarse"].astype(str).to_numpy()
    assert folder_labels(copied).tolist() == coarse.tolist()
    curate.run(copied, level="3")
    assert len(names_of(copied)) == 3
    pairs = set(zip(before, folder_labels(copied), strict=True))
    assert len(pairs) == len(set(before))  # every cluster is in one union
    with pytest.raises(UserError, match=r"level is 99, but the tree of clusters has 2 to \d+"):
        curate.run(copied, level="99")
    curate.run(copied)
    assert digest(copied) == first


def test_edits_for_other_clusters_are_reported(copied: SampleFolder) -> None:
    edit(copied, "0\tT cells")
    curate.run(copied, level="3")
    assert any("edited for other clusters" in text for _, text in copied.warnings())
    assert {stage for stage, text in copied.warnings() if "edited for" in text} == {"cluster"}
