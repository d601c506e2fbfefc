"""Replicates of a cohort: donors in a condition, or samples where donors are unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scsiameseclu.errors import UserError

CONTROLS = (
    *("control", "controls", "ctrl", "ctl", "healthy", "normal", "untreated", "unstimulated"),
    *("mock", "vehicle", "baseline", "reference", "wt", "wild-type", "wildtype", "wild_type"),
)
"""Names of conditions that are the reference by default."""
CONDITION, DONOR, SAMPLES = "condition", "donor", "samples"


@dataclass(frozen=True)
class Replicates:
    """The replicates of a cohort.

    Attributes
    ----------
    table
        One row per replicate, indexed by its name, with ``condition``, ``donor``, ``samples``
        (comma-separated) and the covariates. Rows of the reference condition come first.
    codes
        Row of each cell's replicate, -1 for cells without a condition, (n_cells,).
    reference
        The condition that the others are compared with.
    covariates
        Columns of ``table`` that are covariates of the design.
    notes
        Sentences about what was left out or chosen.
    """

    table: pd.DataFrame
    codes: np.ndarray
    reference: str
    covariates: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def conditions(self) -> list[str]:
        """The conditions, the reference first."""
        return list(dict.fromkeys(self.table[CONDITION]))


def replicates_of(
    obs: pd.DataFrame,
    *,
    sample_key: str,
    condition_key: str,
    donor_key: str | None = None,
    covariates: Sequence[str] = (),
    reference: str | None = None,
) -> Replicates:
    """Group cells into replicates.

    Parameters
    ----------
    obs
        Cell metadata.
    sample_key, condition_key, donor_key
        Columns with the sample, its condition and its donor. Samples of one donor in the same
        condition are one replicate.
    covariates
        Columns that are the same for all cells of a sample.
    reference
        The condition that others are compared with; by default one whose name says so
        (:data:`CONTROLS`), otherwise the first in alphabetical order.

    Raises
    ------
    UserError
        A column does not exist, varies within a sample, or there are no two conditions.
    """
    samples = _samples(obs, sample_key, condition_key, donor_key, covariates)
    notes = []
    without = list(samples.index[samples[CONDITION].isna()])
    if without:
        notes.append(f"samples without a condition are not compared: {', '.join(without)}")
    samples = samples.drop(index=without)
    names = sorted(samples[CONDITION].unique())
    chosen = _reference(names, reference)
    if reference is None:
        notes.append(
            f"no reference condition is named; the other conditions are compared with {chosen}"
        )
    rank = {name: place for place, name in enumerate([chosen, *(n for n in names if n != chosen)])}
    samples = samples.iloc[np.argsort(samples[CONDITION].map(rank).to_numpy(), kind="stable")]
    table, replicate = _merged(samples, covariates)
    kept = []
    for name in covariates:
        if varying := [r for r in table.index if samples[name][replicate == r].nunique() > 1]:
            notes.append(
                f"covariate {name} is left out, since it differs between the samples of one donor "
                f"in one condition ({varying[0]})"
            )
        else:
            kept.append(name)
    row_of = dict(zip(table.index, range(len(table)), strict=True))
    codes = obs[sample_key].astype(str).map(replicate.map(row_of)).fillna(-1).to_numpy(int)
    return Replicates(table, codes, chosen, tuple(kept), tuple(notes))


def _samples(
    obs: pd.DataFrame,
    sample_key: str,
    condition_key: str,
    donor_key: str | None,
    covariates: Sequence[str],
) -> pd.DataFrame:
    """One row per sample: condition, donor and covariates; missing conditions are None."""
    roles = {condition_key: CONDITION} | ({donor_key: DONOR} if donor_key else {})
    if overlap := {sample_key, *roles} & set(covariates):
        raise UserError(f"{', '.join(sorted(overlap))} cannot be a covariate; remove it from them")
    for name in (sample_key, *roles, *covariates):
        if name not in obs:
            raise UserError(
                f"there is no column {name!r} in the cell metadata; available: "
                f"{', '.join(map(str, obs.columns))}"
            )
    column = obs[sample_key]
    names = column.astype(str)
    if column.isna().any():
        raise UserError(f"some cells have no sample in column {sample_key!r}; leave them out")
    columns = {}
    for name in (*roles, *covariates):
        values = obs[name].astype(object).where(obs[name].notna() & (obs[name] != ""), None)
        pairs = pd.DataFrame({"sample": names.to_numpy(), "value": values.to_numpy()})
        pairs = pairs.drop_duplicates()
        if (twice := pairs["sample"][pairs["sample"].duplicated()]).size:
            raise UserError(
                f"sample {twice.iloc[0]} has several values in column {name!r}; give each sample "
                "one value"
            )
        columns[roles.get(name, name)] = pairs.set_index("sample")["value"]
    ordered = column.cat.categories if hasattr(column, "cat") else sorted(column.unique())
    table = pd.DataFrame(columns)
    table = table.loc[[str(name) for name in ordered if str(name) in table.index]]
    for name in {CONDITION, DONOR} & set(table):
        table[name] = [None if value is None else str(value) for value in table[name]]
    if DONOR not in table:
        table[DONOR] = None
    return table


def _reference(names: Sequence[str], wanted: str | None) -> str:
    """The reference among the conditions."""
    if len(names) < 2:
        raise UserError(
            f"there is {len(names)} condition ({', '.join(names) or 'none'}); name at least two"
        )
    if wanted is None:
        return next((name for name in names if name.lower() in CONTROLS), names[0])
    if wanted not in names:
        raise UserError(
            f"the reference condition {wanted!r} does not exist; available: {', '.join(names)}"
        )
    return wanted


def _merged(samples: pd.DataFrame, covariates: Sequence[str]) -> tuple[pd.DataFrame, pd.Series]:
    """The table of replicates, and the replicate of each sample."""
    donors = samples[DONOR].where(samples[DONOR].notna(), other=None)
    keys: list[tuple[str, ...]] = [
        (name,) if donor is None else (donor, condition)
        for name, donor, condition in zip(samples.index, donors, samples[CONDITION], strict=True)
    ]
    groups: dict[tuple[str, ...], list[str]] = {}
    for key, name in zip(keys, samples.index, strict=True):
        groups.setdefault(key, []).append(name)
    rows = {}
    for key, members in groups.items():
        name = members[0] if len(members) == 1 else f"{key[0]} ({key[1]})"
        first = samples.loc[members[0]]
        rows[name] = {
            CONDITION: first[CONDITION],
            DONOR: first[DONOR] if first[DONOR] is not None else members[0],
            SAMPLES: ", ".join(members),
            **{covariate: first[covariate] for covariate in covariates},
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    replicate = pd.Series(
        {
            name: replicate
            for replicate, key in zip(rows, groups, strict=True)
            for name in groups[key]
        }
    )
    return table, replicate.reindex(samples.index)
