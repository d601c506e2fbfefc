"""metrics.json: with labels, without, and with a column that is not there."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scsiameseclu.errors import UserError
from scsiameseclu.stages.evaluate import evaluate
from scsiameseclu.store.files import read_h5ad, write_h5ad


def run(folder: Path, output: Path, label: str | None, counts: Path | None = None) -> Any:
    names = ("expression", "graph", "embedding", "clusters", "layout")
    files = [folder / f"{name}.h5ad" for name in names]
    evaluate(counts or folder / "counts.h5ad", *files, output, label=label, seed=0, sample="demo")
    return json.loads(output.read_text())


def test_with_labels(clustered: Path, tmp_path: Path) -> None:
    result = run(clustered, tmp_path / "metrics.json", "label")
    clusters = read_h5ad(clustered / "clusters.h5ad").obs
    labels = read_h5ad(clustered / "counts.h5ad").obs.loc[clusters.index, "label"]
    assert result["n_cells"] == len(clusters)
    assert result["n_clusters"] == clusters["siamese"].nunique()
    found = result["labels"]
    assert found["column"] == "label"
    assert found["n_unlabelled"] == labels.isna().sum() > 0
    told = found["classification"]
    assert told["n_cells"] <= found["n_labelled"]
    for space in ("siamese", "pca"):
        assert set(told[space]) == {"accuracy", "precision", "recall", "f1"}
        assert told[space]["accuracy"] > 0.5
    assert found["n_labelled"] + found["n_unlabelled"] == len(clusters)
    assert "left out" in found["note"]
    assert set(found["siamese"]) == set(found["leiden"]) == {"ari", "nmi", "acc", "macro_f1"}
    assert found["siamese"]["ari"] > 0.3
    confusion = found["confusion"]
    counts = np.array(confusion["counts"])
    assert counts.shape == (len(confusion["clusters"]), len(confusion["classes"]))
    assert counts.sum() == found["n_labelled"]
    inside = clusters["siamese"] == confusion["clusters"][0]
    expected = [(labels[inside] == name).sum() for name in confusion["classes"]]
    assert counts[0].tolist() == expected


def test_without_labels_counts_are_not_even_opened(clustered: Path, tmp_path: Path) -> None:
    for label in (None, ""):
        result = run(clustered, tmp_path / "m.json", label, counts=tmp_path / "no such file")
        assert result["labels"] is None
    unsupervised = result["unsupervised"]
    assert unsupervised["mean_confidence"] == pytest.approx(0.5)
    assert 0.5 < unsupervised["graph_purity"] <= 1
    assert -1 <= unsupervised["silhouette"] <= 1
    assert -1 <= unsupervised["silhouette_pca"] <= 1


def test_permuted_labels_change_only_the_labels_part(clustered: Path, tmp_path: Path) -> None:
    plain = run(clustered, tmp_path / "a.json", "label")
    counts = read_h5ad(clustered / "counts.h5ad")
    rng = np.random.default_rng(0)
    counts.obs["label"] = counts.obs["label"].iloc[rng.permutation(counts.n_obs)].to_numpy()
    counts.obs["label"] = counts.obs["label"].astype("category")
    write_h5ad(counts, tmp_path / "counts.h5ad")
    mixed = run(clustered, tmp_path / "b.json", "label", tmp_path / "counts.h5ad")
    assert abs(mixed["labels"]["siamese"]["ari"]) < 0.05
    del plain["labels"], mixed["labels"]
    assert mixed == plain


def test_no_cell_has_a_label(clustered: Path, tmp_path: Path) -> None:
    found = run(clustered, tmp_path / "m.json", "nothing")["labels"]
    assert (found["n_labelled"], found["n_classes"], found["siamese"]) == (0, 0, None)
    assert found["note"] == "No cell has a label, so there are no scores."


def test_missing_column_names_those_there_are(clustered: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"sample demo: .* 'celltype'.* batch, label, nothing"):
        run(clustered, tmp_path / "m.json", "celltype")
    assert not (tmp_path / "m.json").exists()
