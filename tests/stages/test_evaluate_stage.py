"""metrics.json: with labels, without, and with a column that is not there."""

from typing import Any

import numpy as np
import pytest
from finished import LABEL

from scsiameseclu.errors import UserError
from scsiameseclu.stages import evaluate
from scsiameseclu.store.files import read_h5ad, write_h5ad
from scsiameseclu.store.folder import SampleFolder


def run(folder: SampleFolder, label: str | None) -> Any:
    evaluate.run(folder, label=label)
    return folder.json("metrics")


def test_with_labels(finished: SampleFolder) -> None:
    result = finished.json("metrics")
    clusters = finished.obs("clusters")
    labels = finished.obs("counts")[LABEL]
    assert result["n_cells"] == len(clusters)
    assert result["n_clusters"] == clusters["siamese"].nunique()
    scores = result["labels"]
    assert scores["column"] == LABEL
    assert scores["n_unlabelled"] == labels.isna().sum() > 0
    learned = scores["classification"]
    assert learned["n_cells"] <= scores["n_labelled"]
    for space in ("siamese", "pca"):
        assert set(learned[space]) == {"accuracy", "precision", "recall", "f1"}
        assert learned[space]["accuracy"] > 0.5
    assert scores["n_labelled"] + scores["n_unlabelled"] == len(clusters)
    assert "excluded" in scores["note"]
    assert set(scores["siamese"]) == set(scores["leiden"]) == {"ari", "nmi", "acc", "macro_f1"}
    assert scores["siamese"]["ari"] > 0.3
    confusion = scores["confusion"]
    counts = np.array(confusion["counts"])
    assert counts.shape == (len(confusion["clusters"]), len(confusion["classes"]))
    assert counts.sum() == scores["n_labelled"]
    inside = (clusters["siamese"] == confusion["clusters"][0]).to_numpy()
    expected = [(labels[inside] == name).sum() for name in confusion["classes"]]
    assert counts[0].tolist() == expected


def test_without_labels_counts_are_not_even_opened(copied: SampleFolder) -> None:
    copied.path("counts").unlink()
    for label in (None, ""):
        result = run(copied, label)
        assert result["labels"] is None
    confidence = copied.obs("clusters")["siamese_confidence"]
    unsupervised = result["unsupervised"]
    assert unsupervised["mean_confidence"] == pytest.approx(confidence.mean(), rel=1e-5)
    assert 0.5 < unsupervised["graph_purity"] <= 1
    assert -1 <= unsupervised["silhouette"] <= 1
    assert -1 <= unsupervised["silhouette_pca"] <= 1


def test_permuted_labels_change_only_the_labels_part(copied: SampleFolder) -> None:
    plain = copied.json("metrics")
    counts = read_h5ad(copied.path("counts"))
    order = np.random.default_rng(0).permutation(counts.n_obs)
    counts.obs[LABEL] = counts.obs[LABEL].iloc[order].to_numpy()
    counts.obs[LABEL] = counts.obs[LABEL].astype("category")
    write_h5ad(counts, copied.path("counts"))
    mixed = run(copied, LABEL)
    assert abs(mixed["labels"]["siamese"]["ari"]) < 0.05
    del plain["labels"], mixed["labels"]
    assert mixed == plain


def test_no_cell_has_a_label(copied: SampleFolder) -> None:
    counts = read_h5ad(copied.path("counts"))
    counts.obs["nothing"] = np.nan
    write_h5ad(counts, copied.path("counts"))
    scores = run(copied, "nothing")["labels"]
    assert (scores["n_labelled"], scores["n_classes"], scores["siamese"]) == (0, 0, None)
    assert scores["note"] == "No cell has a label, so no scores were computed."


def test_missing_column_names_those_there_are(copied: SampleFolder) -> None:
    copied.path("metrics").unlink()
    with pytest.raises(
        UserError, match=r"'celltype' does not exist; available: sample, batch, run, phase"
    ):
        run(copied, "celltype")
    assert not copied.path("metrics").exists()


def test_labels_in_a_column_that_the_pipeline_writes_are_refused(copied: SampleFolder) -> None:
    with pytest.raises(UserError, match="'sample', a name that the pipeline reserves"):
        run(copied, "sample")


@pytest.mark.parametrize("name", ["graph", "embedding", "layout", "clusters"])
def test_a_file_that_lacks_cells_is_refused(copied: SampleFolder, name: str) -> None:
    """It must not lend its last cell's row to the cells it lacks."""
    part = read_h5ad(copied.path(name))
    write_h5ad(part[50:].copy(), copied.path(name))
    with pytest.raises(UserError, match=rf"{name}\.h5ad lacks 50 of the"):
        run(copied, LABEL)
