"""Label transfer: what it does on made-up directions, and on two donors of a real study."""

from pathlib import Path

import anndata as ad
import numpy as np
import pytest
from real_data import counts_of

from scsiameseclu.annotation.by_reference import UNKNOWN, LabelTransfer, transfer_labels
from scsiameseclu.errors import UserError

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


def test_what_cannot_be_matched_is_told() -> None:
    counts = np.random.default_rng(0).poisson(1.0, (30, 50)).astype("float32")
    reference, query = ad.AnnData(counts), ad.AnnData(counts)
    reference.obs["type"] = "a"
    with pytest.raises(UserError, match="no column 'celltype'; available: type"):
        transfer_labels(reference, query, "celltype")
    query.var_names = [f"ENSG{number}" for number in range(50)]
    with pytest.raises(UserError, match=r"has 0% of the genes.* ENSG0, .*as 0, 1, 2"):
        transfer_labels(reference, query, "type")


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
