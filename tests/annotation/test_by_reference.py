"""Label transfer: on synthetic directions, on halves of the demo, and on two real donors."""

from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from real_data import counts_of, demo_counts
from sklearn.model_selection import KFold

from scsiameseclu import ScSiameseClu
from scsiameseclu.annotation import by_reference as module
from scsiameseclu.annotation.anchors import Anchors, directions
from scsiameseclu.annotation.by_reference import (
    UNKNOWN,
    LabelTransfer,
    embed_query,
    transfer_labels,
)
from scsiameseclu.errors import UserError
from scsiameseclu.genes.matching import GeneNames
from scsiameseclu.model.fitted import FittedModel

TYPES = ("beta", "alpha", "ductal")


def cells_of(shares: dict[str, int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Cells around one direction a type; ``strange`` is none of the reference's."""
    directions = np.eye(20)
    rng = np.random.default_rng(seed)
    names = (*TYPES, "strange")
    labels = np.repeat(list(shares), list(shares.values()))
    where = directions[[names.index(name) for name in labels]]
    return where + rng.normal(0, 0.12, where.shape), labels


REFERENCE = cells_of({"beta": 300, "alpha": 60, "ductal": 12}, 0)


def test_types_are_found_whatever_their_shares() -> None:
    cells, truth = cells_of({"beta": 20, "alpha": 400, "ductal": 200}, 1)
    found = LabelTransfer().fit(*REFERENCE).predict(cells)
    assert (found["best"] == truth).mean() > 0.99
    assert (found["cell_type"] == UNKNOWN).mean() < 0.1
    assert found["probability"].between(0, 1).all()


def test_probabilities_are_those_of_the_types() -> None:
    transfer = LabelTransfer().fit(*REFERENCE)
    probability = transfer.probability(cells_of({"beta": 50, "alpha": 50}, 2)[0])
    assert transfer.types == sorted(TYPES)
    np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-5)
    assert probability.dtype == np.float32


def test_order_and_length_of_cells_do_not_matter() -> None:
    transfer = LabelTransfer().fit(*REFERENCE)
    cells, _ = cells_of({"beta": 40, "alpha": 30, "ductal": 20}, 3)
    order = np.random.default_rng(0).permutation(len(cells))
    straight = transfer.probability(cells)
    np.testing.assert_allclose(transfer.probability(7 * cells[order]), straight[order], atol=1e-6)


def test_cells_unlike_the_reference_are_unknown() -> None:
    cells, truth = cells_of({"beta": 100, "strange": 100}, 4)
    found = LabelTransfer().fit(*REFERENCE).predict(cells)
    unknown = (found["cell_type"] == UNKNOWN).to_numpy()
    assert unknown[truth == "strange"].mean() > 0.95
    assert unknown[truth == "beta"].mean() < 0.1
    assert set(found["best"]) <= set(TYPES)


def test_cells_without_a_type_are_no_reference() -> None:
    cells, labels = REFERENCE
    some = labels.astype(object)
    some[:5], some[5:10] = None, " "
    assert LabelTransfer().fit(cells, some).types == sorted(TYPES)
    with pytest.raises(UserError, match="1 types"):
        LabelTransfer().fit(cells, np.where(labels == "beta", "beta", None))


def test_a_cell_is_unknown_below_what_98_percent_of_held_out_cells_reach() -> None:
    cells, labels = REFERENCE
    transfer = LabelTransfer(random_state=4).fit(cells, labels)
    numbers, rows = np.searchsorted(sorted(TYPES), labels), directions(cells)
    similarity = np.empty(len(cells))
    for rest, out in KFold(5, shuffle=True, random_state=4).split(rows):
        anchors = Anchors.fit(rows[rest], numbers[rest], 3, 4)
        similarity[out] = (rows[out] @ anchors.centres.T).max(axis=1)
    assert transfer.min_similarity == pytest.approx(np.quantile(similarity, 0.02))
    found = transfer.predict(cells)
    near = found["similarity"] >= transfer.min_similarity
    sure = near & (found["probability"] >= 0.5)
    assert ((found["cell_type"] == UNKNOWN) == ~sure).all()
    assert near.mean() == pytest.approx(0.98, abs=0.02)


def test_the_limit_itself_is_known() -> None:
    transfer = LabelTransfer().fit(*REFERENCE)
    cells, _ = cells_of({"beta": 9}, 8)
    transfer.min_similarity = float(np.sort(transfer._anchors.similarity(directions(cells)))[4])
    assert (transfer.predict(cells)["cell_type"] != UNKNOWN).sum() == 5


def test_a_cell_between_three_types_is_unknown_with_a_best_type_all_the_same() -> None:
    transfer = LabelTransfer().fit(*REFERENCE)
    transfer.min_similarity = -1.0
    middle = np.eye(20)[[0, 1, 2]].sum(axis=0)[None]
    cells = np.vstack([middle, *np.repeat(np.eye(20)[:3], 30, axis=0)[:, None]])
    found = transfer.predict(cells)
    assert found["probability"][0] < 0.5
    assert found["cell_type"][0] == UNKNOWN
    assert found["best"][0] in TYPES
    assert (found["cell_type"][1:] == np.repeat(TYPES, 30)).all()


def test_similarity_is_the_cosine_with_the_nearest_anchor() -> None:
    transfer = LabelTransfer().fit(*REFERENCE)
    cells, _ = cells_of({"beta": 20, "strange": 20}, 5)
    found = transfer.predict(3 * cells)
    anchors = Anchors.fit(
        directions(REFERENCE[0]), np.searchsorted(sorted(TYPES), REFERENCE[1]), 3, 0
    )
    np.testing.assert_allclose(
        found["similarity"], anchors.similarity(directions(cells)), rtol=1e-5
    )
    probability = transfer.probability(cells)
    np.testing.assert_allclose(found["probability"], probability.max(axis=1))
    best = np.array(transfer.types)[probability.argmax(axis=1)]
    assert (found["best"] == best).all()


def test_few_cells_of_two_types_are_a_reference() -> None:
    cells = np.eye(4)[[0, 0, 1]]
    transfer = LabelTransfer().fit(cells, pd.Series(["a", "a", "b"]))
    assert transfer.predict(cells)["best"].tolist() == ["a", "a", "b"]


def test_what_cannot_be_matched_is_told() -> None:
    counts = np.random.default_rng(0).poisson(1.0, (30, 50)).astype("float32")
    reference, query = ad.AnnData(counts), ad.AnnData(counts)
    reference.obs["type"] = "a"
    with pytest.raises(UserError, match="no column 'celltype'; available: type"):
        transfer_labels(reference, query, "celltype")
    query.var_names = [f"ENSG{number}" for number in range(50)]
    with pytest.raises(UserError, match=r"has 0% of the genes.* ENSG0, .*as 0, 1, 2"):
        transfer_labels(reference, query, "type")


@pytest.fixture(scope="module")
def halves() -> tuple[ad.AnnData, ad.AnnData]:
    """The demo's cells with their published labels, in two halves."""
    cells = demo_counts()
    order = np.random.default_rng(0).permutation(cells.n_obs)
    return cells[order[:400]].copy(), cells[order[400:]].copy()


def short_fit(
    cells: ad.AnnData, *, seed: int, batch_key: str | None = None, device: str = "cpu"
) -> FittedModel:
    options = {"networks": 1, "pretrain_steps": 30, "n_top_genes": 300, "max_clusters": 6}
    return (
        ScSiameseClu(random_state=seed, batch_key=batch_key, device=device, **options)
        .fit(cells)
        .model_
    )


@pytest.fixture(scope="module")
def fitted(halves: tuple[ad.AnnData, ad.AnnData]) -> FittedModel:
    return short_fit(halves[0].copy(), seed=0, device="cpu")


def renamed(query: ad.AnnData) -> ad.AnnData:
    """The same cells with genes in another order, in lower case, and one more that shouts."""
    mixed = query[:, np.random.default_rng(1).permutation(query.n_vars)]
    loud = sp.csr_matrix(np.full((query.n_obs, 1), 5000, dtype=np.float32))
    other = ad.AnnData(sp.hstack([mixed.X, loud]).tocsr())
    other.obs_names = query.obs_names
    other.var_names = [*mixed.var_names.str.lower(), "another"]
    return other


def test_a_query_is_embedded_whatever_its_genes_are_called_and_how_many_there_are(
    fitted: FittedModel, halves: tuple[ad.AnnData, ad.AnnData]
) -> None:
    reference, query = halves
    places = reference.var_names.get_indexer(fitted.scaling.genes)
    genes = GeneNames.of(reference.var)
    found, match = embed_query(fitted, genes, places, renamed(query))
    np.testing.assert_allclose(found, fitted.embed(query), atol=1e-4)
    assert match.overlap == 1
    assert match.positions.size == len(fitted.scaling.genes)
    few = query[:, :250].copy()
    found, match = embed_query(fitted, genes, places, few)
    assert found.shape == (query.n_obs, fitted.embed(query).shape[1])
    assert match.overlap == pytest.approx((places < 250).mean())
    with pytest.raises(UserError, match=r"cord has \d+% of the genes of atlas"):
        embed_query(
            fitted, genes, places, query[:, :20].copy(), reference="atlas", query_name="cord"
        )


def test_types_of_one_half_are_found_in_the_other(
    halves: tuple[ad.AnnData, ad.AnnData], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "fit_reference", short_fit)
    reference, query = halves
    found = transfer_labels(reference, query, "bulk_labels", random_state=1, device="cpu").cells
    assert found.index.equals(query.obs_names)
    truth = query.obs["bulk_labels"].astype(str)
    known = found["cell_type"] != UNKNOWN
    assert known.mean() > 0.7
    assert (found["cell_type"] == truth)[known].mean() > 0.6
    assert "X_siamese" not in reference.obsm  # only a copy is fitted


def test_the_reference_is_fitted_on_the_genes_that_both_have(
    halves: tuple[ad.AnnData, ad.AnnData], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def watched(cells: ad.AnnData, **options: Any) -> FittedModel:
        sizes.append(cells.n_vars)
        return short_fit(cells, **options)

    monkeypatch.setattr(module, "fit_reference", watched)
    reference, query = halves
    few = query[:60, ::2].copy()
    found = transfer_labels(reference, few, "bulk_labels", device="cpu")
    assert found.cells.index.equals(few.obs_names)
    assert sizes == [few.n_vars]
    assert (found.overlap, found.matched_by, found.n_cells) == (1, "gene symbols", 400)
    assert found.types == sorted(reference.obs["bulk_labels"].unique())
    assert -1 < found.min_similarity < 1


def test_names_of_genes_do_not_matter(
    halves: tuple[ad.AnnData, ad.AnnData], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "fit_reference", short_fit)
    reference, query = halves
    found = transfer_labels(reference, query, "bulk_labels", random_state=1, device="cpu").cells
    again = transfer_labels(
        reference, renamed(query), "bulk_labels", random_state=1, device="cpu"
    ).cells
    assert (again["best"] == found["best"]).mean() > 0.99


@pytest.mark.slow
def test_one_mouse_annotates_the_other(data_dir: Path) -> None:
    """Donors of Baron et al. 2016; one has twenty times as many alpha cells as the other."""
    both = counts_of(data_dir / "baron_mouse.h5ad")
    donors = [both[both.obs["batch"] == name].copy() for name in ("mouse1", "mouse2")]
    truth = donors[1].obs["cell_type"].astype(str)
    del donors[1].obs["cell_type"]
    found = transfer_labels(*donors, "cell_type", device="cpu").cells
    assert found.index.equals(donors[1].obs_names)
    named = found["cell_type"] != UNKNOWN
    assert named.mean() > 0.9
    assert (found["cell_type"] == truth)[named].mean() > 0.93
