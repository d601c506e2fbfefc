"""The ensemble: agreement, number of clusters, votes, stability and nested levels."""

import anndata as ad
import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.metrics import adjusted_rand_score

from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.clustering.consensus import agreement_matrix, cluster_stability, translation
from scsiameseclu.clustering.ensemble import Clustering, NetworkSpace, cluster_ensemble
from scsiameseclu.clustering.levels import coarser, finer
from scsiameseclu.clustering.members import Proportions, fit_member
from scsiameseclu.errors import UserError
from scsiameseclu.model.slots import write_clusters

SIZES = [500, 160, 120, 60, 20]


def space(seed: int, spread: float = 0.25) -> tuple[NetworkSpace, np.ndarray]:
    """Five groups of unequal size in two blocks of directions; seeds differ in their noise only."""
    truth = np.repeat(np.arange(5), SIZES)
    blocks = []
    for block, size in enumerate((12, 6)):
        centres = np.random.default_rng(block).normal(size=(5, size))
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
        noise = np.random.default_rng(10 + seed + block).normal(size=(truth.size, size))
        points = centres[truth] + spread * noise
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        blocks.append(torch.from_numpy(points.astype(np.float32)))
    return NetworkSpace(blocks), truth


def clusters(number: ClusterNumber, max_clusters: int = 12) -> tuple[Clustering, np.ndarray]:
    spaces = [space(seed) for seed in range(3)]
    found = cluster_ensemble(
        [item for item, _ in spaces],
        number,
        proportions=Proportions.LEARNED,
        temperature=0.05,
        max_clusters=max_clusters,
        seed=0,
    )
    return found, spaces[0][1]


@pytest.fixture(scope="module")
def estimated() -> tuple[Clustering, np.ndarray]:
    return clusters(ClusterNumber())


def test_agreement_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    partitions = [rng.integers(0, k, 300) * 3 for k in (1, 2, 5, 40)]
    ours = agreement_matrix(partitions)
    theirs = [[adjusted_rand_score(a, b) for b in partitions] for a in partitions]
    np.testing.assert_allclose(ours, theirs, atol=1e-10)


def test_the_number_is_found(estimated: tuple[Clustering, np.ndarray]) -> None:
    found, truth = estimated
    assert found.evidence.best == found.n_clusters == 5
    assert adjusted_rand_score(truth, found.labels) > 0.97


def test_clusters_are_numbered_by_size(estimated: tuple[Clustering, np.ndarray]) -> None:
    found, _ = estimated
    assert (np.diff(np.bincount(found.labels)) <= 0).all()
    np.testing.assert_allclose(found.probability.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("wanted", [2, 3, 7])
def test_a_number_given_is_kept(wanted: int) -> None:
    found, _ = clusters(ClusterNumber(wanted, wanted))
    assert found.n_clusters == wanted
    assert np.unique(found.labels).size == wanted


def test_no_cluster_is_empty_where_more_are_asked_for_than_there_are() -> None:
    found, truth = clusters(ClusterNumber(25, 25))
    assert 5 <= found.n_clusters <= 25
    assert np.unique(found.labels).size == found.n_clusters
    assert adjusted_rand_score(truth, found.labels) > 0.2


@pytest.mark.parametrize(("smallest", "largest"), [(7, 9), (2, 3)])
def test_a_range_is_kept(smallest: int, largest: int) -> None:
    found, _ = clusters(ClusterNumber(smallest, largest))
    assert smallest <= found.n_clusters <= largest


def test_levels_are_nested(estimated: tuple[Clustering, np.ndarray]) -> None:
    found, _ = estimated
    pairs = zip(found.labels, found.coarse, found.fine, strict=True)
    of: dict[int, set[int]] = {}
    for label, union, part in pairs:
        of.setdefault(label, set()).add(union)
        assert part.split(".")[0] == str(label)
    assert all(len(unions) == 1 for unions in of.values())
    assert 1 < np.unique(found.coarse).size < found.n_clusters


def test_confidence_is_lower_between_clusters(estimated: tuple[Clustering, np.ndarray]) -> None:
    found, truth = estimated
    wrong = np.zeros(truth.size, dtype=bool)
    for cluster in range(found.n_clusters):
        own = found.labels == cluster
        wrong |= own & (truth != np.bincount(truth[own]).argmax())
    confidence = found.probability.max(axis=1)
    assert confidence[~wrong].mean() > 0.95
    if wrong.any():
        assert confidence[wrong].mean() < confidence[~wrong].mean()


def test_stable_clusters_are_told_from_made_up_ones() -> None:
    truth = np.repeat([0, 1, 2], [100, 100, 100])
    rng = np.random.default_rng(1)
    others = [np.where(truth == 2, 2 + rng.integers(0, 2, 300), truth) for _ in range(10)]
    stability = cluster_stability(truth, others, 4)
    assert (stability[:2] == 1).all()
    assert 0.4 < stability[2] < 0.7
    assert np.isnan(stability[3])


def test_translation_spreads_what_was_joined() -> None:
    joined, reference = np.array([0, 0, 0, 1]), np.array([0, 1, 1, 2])
    np.testing.assert_allclose(
        translation(joined, reference, 3, 3), [[1 / 3, 2 / 3, 0], [0, 0, 1], [1 / 3] * 3]
    )


def test_learned_proportions_mend_wrong_sizes() -> None:
    cells, truth = space(0)
    wrong = truth.copy()
    wrong[:200] = 1  # of the largest group's 500 cells
    given, right = (np.bincount(labels) / truth.size for labels in (wrong, truth))
    sizes = {}
    for kind in Proportions:
        member = fit_member(
            cells.features, torch.from_numpy(wrong), network=0, temperature=0.07, proportions=kind
        )
        labels = member.labels(cells.features).numpy()
        sizes[kind] = np.bincount(labels, minlength=5) / truth.size
        torch.testing.assert_close(member.centres.norm(dim=1), torch.ones(5))
    np.testing.assert_allclose(sizes[Proportions.LEARNED], right, atol=0.03)
    np.testing.assert_allclose(sizes[Proportions.FIXED], given, atol=0.06)


def test_permuted_cells_give_the_same_member() -> None:
    (cells, truth) = space(0)
    order = torch.randperm(truth.size, generator=torch.Generator().manual_seed(0))
    start = torch.from_numpy(truth)
    options = {"network": 0, "temperature": 0.07, "proportions": Proportions.LEARNED}
    straight = fit_member(cells.features, start, **options)
    permuted = fit_member(cells.features[order], start[order], **options)
    torch.testing.assert_close(straight.centres, permuted.centres, atol=1e-4, rtol=1e-3)


def test_small_pieces_do_not_split_a_cluster() -> None:
    labels = np.repeat([0, 1], [200, 50])
    pieces = np.concatenate([np.repeat([0, 1, 2], [120, 76, 4]), np.repeat([3, 4], [45, 5])])
    names = finer(labels, pieces)
    assert dict(zip(*np.unique(names, return_counts=True), strict=True)) == {
        "0.0": 124,
        "0.1": 76,
        "1": 50,
    }


def test_coarser_clusters_are_unions() -> None:
    labels = np.repeat([0, 1, 2], [30, 30, 30])
    groups = np.repeat([5, 5, 9], [30, 20, 40])
    np.testing.assert_array_equal(coarser(labels, groups), np.repeat([0, 0, 1], [30, 30, 30]))


@pytest.mark.parametrize(
    ("value", "written"),
    [(None, "estimated"), (8, "8"), ("8", "8"), ("8 - 15", "8-15"), ((8, 15), "8-15")],
)
def test_numbers_are_read(value: object, written: str) -> None:
    assert str(ClusterNumber.parse(value)) == written  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [1, "15-8", "many", -3, 2.5, "0-4", True])
def test_other_numbers_are_refused(value: object) -> None:
    with pytest.raises(UserError, match="n_clusters is"):
        ClusterNumber.parse(value)  # type: ignore[arg-type]


def test_what_is_written() -> None:
    rng = np.random.default_rng(0)
    probability = rng.dirichlet([4, 3, 2], size=200).astype(np.float32)
    labels = probability.argmax(axis=1)
    adata = ad.AnnData(sp.csr_matrix((200, 1), dtype=np.float32))
    summary = {
        "n_clusters_given": True,
        "n_clusters_asked": "3",
        "stability": [0.9, 0.8, 0.7],
        "agreement": 0.85,
        "n_members": 12,
        "evidence": {"k": [2, 3], "score": [0.1, 0.2], "criterion": "made up"},
        "params": {"seed": 1, "layer": None},
    }
    fine = np.array([f"{label}.{place % 12}" for place, label in enumerate(labels)])
    write_clusters(adata, probability, labels // 2, fine, summary, key="mine")
    assert (adata.obs["mine_ambiguous"] == (probability.max(axis=1) < 0.5)).all()
    names = list(adata.obs["mine_fine"].cat.categories)
    assert names.index("0.2") < names.index("0.10") < names.index("1.0")
    assert adata.uns["mine"]["sizes"].sum() == 200
    assert adata.uns["mine"]["params"] == {"seed": 1}


def test_more_clusters_than_there_are_leave_the_agreed_ones_whole() -> None:
    found, truth = clusters(ClusterNumber(8, 8))
    sizes = np.bincount(found.labels, minlength=found.n_clusters)
    assert found.n_clusters == 8
    assert sizes.min() >= 1
    assert adjusted_rand_score(truth, found.labels) > 0.95
