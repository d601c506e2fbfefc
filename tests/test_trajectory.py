"""An order that is known: along a line of made-up cells, and in the embedding of real ones."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.stats import spearmanr

from scsiameseclu import ScSiameseClu
from scsiameseclu.errors import UserError
from scsiameseclu.trajectory import find_trajectory, root_candidates, times_as_numbers

DIFFERENTIATION = ["MDP", "CDP", "PreDC"]


def line(n: int = 300, seed: int = 0) -> tuple[np.ndarray, pd.Series]:
    """Cells along a bent line in ten dimensions, and three clusters that follow each other."""
    rng = np.random.default_rng(seed)
    along = np.linspace(0, 1, n)
    cells = rng.normal(0, 0.02, (n, 10))
    cells[:, 0] += np.cos(2 * along)
    cells[:, 1] += np.sin(2 * along)
    names = [f"c{number}" for number in range(n)]
    clusters = pd.Series(pd.Categorical(np.array(list("abc"))[(3 * along).clip(0, 2).astype(int)]))
    clusters.index = names
    return cells, clusters


@pytest.mark.parametrize(("first", "sign"), [("a", 1), ("c", -1)])
def test_pseudotime_follows_the_line_from_either_end(first: str, sign: int) -> None:
    cells, clusters = line()
    found = find_trajectory(cells, clusters, (clusters == first).to_numpy())
    assert sign * spearmanr(found.pseudotime, np.arange(300)).statistic > 0.99
    assert found.pseudotime[found.root] == 0
    assert found.pseudotime.max() == pytest.approx(1)
    joined = found.connectivity
    np.testing.assert_allclose(joined, joined.T)
    assert min(joined[0, 1], joined[1, 2]) > 10 * joined[0, 2]


def test_order_of_cells_does_not_matter() -> None:
    cells, clusters = line()
    order = np.random.default_rng(1).permutation(300)
    one = find_trajectory(cells, clusters, (clusters == "a").to_numpy())
    mixed = clusters.iloc[order]
    two = find_trajectory(cells[order], mixed, (mixed == "a").to_numpy())
    np.testing.assert_allclose(two.pseudotime, one.pseudotime[order], atol=1e-3)


def test_cells_that_no_path_joins_have_none() -> None:
    cells, clusters = line()
    cells[200:] += 50
    found = find_trajectory(cells, clusters, (clusters == "a").to_numpy())
    assert np.isnan(found.pseudotime[200:]).all()
    assert np.isfinite(found.pseudotime[:200]).all()


@pytest.fixture
def expression() -> tuple[ad.AnnData, pd.Series]:
    """Cluster b expresses KIT; cluster c has the most genes."""
    values = np.zeros((30, 6), dtype=np.float32)
    values[:, 0] = 1
    values[10:20, 1] = 3
    values[20:, 2:] = 1
    symbols = ["ACTB", "KIT", "A", "B", "C", "D"]
    var = pd.DataFrame({"gene_symbol": symbols, "gene_id": [f"id{n}" for n in range(6)]})
    var.index = var.index.astype(str)
    obs = pd.DataFrame({"day": ["0", "1", "1"] * 10}, index=[f"c{number}" for number in range(30)])
    cells = ad.AnnData(sp.csr_matrix(values), obs=obs, var=var)
    return cells, pd.Series(pd.Categorical(list("a" * 10 + "b" * 10 + "c" * 10)), obs.index)


@pytest.mark.parametrize(
    ("root", "chosen", "said"),
    [
        (None, slice(20, 30), "guess"),
        ("cluster=a", slice(0, 10), "cluster a, as requested"),
        ("gene=kit", slice(10, 20), "kit is highest"),
        ("gene=id1", slice(10, 20), "id1 is highest"),
        ("day=0", slice(0, 30, 3), "day=0"),
    ],
)
def test_roots(
    expression: tuple[ad.AnnData, pd.Series], root: str | None, chosen: slice, said: str
) -> None:
    cells, clusters = expression
    found, sentence = root_candidates(root, cells, clusters)
    assert found.tolist() == np.isin(np.arange(30), np.arange(30)[chosen]).tolist()
    assert said in sentence


@pytest.mark.parametrize(
    ("root", "said"),
    [
        ("cluster=z", "names no cluster: 'z'; available: a, b, c"),
        ("gene=NONE", "names no gene of the data: 'NONE'"),
        ("week=3", "names no column: 'week'; available: day"),
        ("day=7", "matches no cell: day=7; available: 0, 1"),
        ("day", "not of the form cluster=NAME"),
    ],
)
def test_roots_that_are_not_there(
    expression: tuple[ad.AnnData, pd.Series], root: str, said: str
) -> None:
    with pytest.raises(UserError, match=f"the trajectory root .*{said}"):
        root_candidates(root, *expression)


def test_times_are_read_off_numbers_and_texts() -> None:
    assert times_as_numbers(pd.Series([0, 1.5, 3])).tolist() == [0, 1.5, 3]
    found = times_as_numbers(pd.Series(["E14.5", "day 3", None]))
    assert found is not None
    np.testing.assert_array_equal(found, [14.5, 3, np.nan])
    assert times_as_numbers(pd.Series(["MDP", "CDP"])) is None
    assert times_as_numbers(pd.Series(["day 1", "day 1"])) is None


def test_dendritic_cells_in_the_order_of_their_development(data_dir: Path) -> None:
    """Log-normalised values without counts: fitted with a Gaussian decoder."""
    cells = ad.read_h5ad(data_dir / "ginhoux_dc_traj.h5ad")
    types = cells.obs["cell_type"].astype(str)
    bare = ad.AnnData(cells.X, obs=cells.obs[[]], var=cells.var[[]])
    model = ScSiameseClu(logged=True, device="cpu").fit(bare)
    assert model.model_.trained.settings.likelihood == "none"
    learned = bare.obsm["X_siamese"]
    beginning = (types == "MDP").to_numpy()
    parts = model.model_.parts(learned)
    assert sum(part.shape[1] for part in parts) == learned.shape[1]
    found = find_trajectory(learned, bare.obs["siamese"], beginning, parts=parts)
    known = types.map(DIFFERENTIATION.index)
    assert spearmanr(found.pseudotime, known).statistic > 0.8
    assert (found.spread >= 0).all()
    # as new cells, whose neighbours are found anew, they stay where they were
    assert (model.embed(bare) * learned).sum(axis=1).mean() > 0.95
