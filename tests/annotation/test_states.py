"""States of clusters: flags beside their types."""

from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from scsiameseclu.annotation.states import (
    expressed_states,
    state_genes,
    with_quality_states,
)

TABLE = pd.read_csv(str(files("scsiameseclu.annotation") / "cell_states.tsv"), sep="\t", dtype=str)
OTHERS = [f"x{number}" for number in range(300)]


def signal_of(raised: list[str], symbols: list[str]) -> pd.DataFrame:
    values = np.random.default_rng(0).normal(size=(2, len(symbols)))
    values[0, [symbols.index(gene) for gene in raised]] += 3.0
    return pd.DataFrame(values, columns=[str(place) for place in range(len(symbols))])


@pytest.mark.parametrize("state", ["dividing", "interferon", "stress", "hypoxia"])
@pytest.mark.parametrize(("organism", "column"), [("human", "gene"), ("mouse", "mouse_gene")])
def test_a_state_is_flagged_where_its_genes_are_raised(
    state: str, organism: str, column: str
) -> None:
    symbols = [*TABLE[column].dropna().unique(), *OTHERS]
    raised = list(TABLE.loc[TABLE["state"] == state, column].dropna())
    genes = state_genes(symbols, organism)
    found = expressed_states(signal_of(raised, symbols), np.ones(len(symbols)), genes, seed=0)
    assert found == [[state], []]


def test_genes_that_are_raised_at_random_are_no_state() -> None:
    symbols = [*TABLE["gene"].unique(), *OTHERS]
    genes = state_genes(symbols, "human")
    found = expressed_states(signal_of(OTHERS[:12], symbols), np.ones(len(symbols)), genes, seed=0)
    assert found == [[], []]


def test_states_need_three_genes_and_a_known_organism() -> None:
    assert set(state_genes(["ISG15", "MX1", "IFIT1", "FOS", "JUN"], "human")) == {"interferon"}
    assert state_genes(["ISG15", "MX1", "IFIT1"], "fruit fly") == {}


def test_every_gene_of_a_state_has_a_source() -> None:
    assert TABLE["source"].str.contains(r", doi:10\.\d{4,}/").all()
    assert not TABLE.duplicated(["state", "gene"]).any()


def test_low_quality_and_doublets_are_added_to_the_states() -> None:
    clusters = pd.Series(pd.Categorical(["0"] * 20 + ["1"] * 10 + ["2"] * 4 + ["3"] * 4))
    quality = pd.DataFrame(
        {
            "n_genes": [1000] * 20 + [400] * 10 + [1000] * 8,
            "pct_mito": [4.0] * 20 + [9.0] * 10 + [4.0] * 8,
            "predicted_doublet": ["no"] * 30 + ["yes"] * 3 + ["no"] + ["NA"] * 4,
        }
    )
    table = pd.DataFrame({"cluster": list("0123"), "states": ["", "stress", "", ""]})
    states = with_quality_states(table, clusters, quality, doublets=["3"])["states"]
    assert states.tolist() == ["", "stress, low quality", "doublet-like", "doublet-like"]
    # few genes alone are a property of small cells
    small = with_quality_states(table, clusters, quality.drop(columns="pct_mito"), doublets=[])
    assert small["states"].tolist() == ["", "stress", "doublet-like", ""]
