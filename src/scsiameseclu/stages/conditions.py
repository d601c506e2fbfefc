"""Compare the conditions of a cohort: composition, and expression by pseudobulk."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from scsiameseclu.errors import UserError
from scsiameseclu.settings import ConditionSettings

if TYPE_CHECKING:
    import pandas as pd

    from scsiameseclu.cohort.pseudobulk import Pseudobulk
    from scsiameseclu.cohort.replicates import Replicates
    from scsiameseclu.store.folder import SampleFolder

log = logging.getLogger(__name__)
SAMPLE, CONDITION, DONOR, META = "sample", "condition", "donor", "meta_"
LEVELS = {"clusters": ("clusters", "siamese"), "types": ("annotation", "cell_type_predicted")}
"""File and column of the groups of cells, by level."""
BLOCK_CELLS = 20_000


def run(
    folder: SampleFolder,
    *,
    settings: ConditionSettings,
    design: dict[str, dict[str, str]] | None = None,
) -> None:
    """Write the tables ``shares_table``, ``composition_table`` and ``differential_table``.

    Covariates are named as in the sheet or without the prefix ``meta_``.
    ``shares_table`` has one row per replicate and group, ``composition_table`` the columns of
    :func:`scsiameseclu.cohort.composition.compare_composition`, both for clusters and for types
    (column ``level``), and ``differential_table`` those of
    :func:`scsiameseclu.cohort.pseudobulk.compare_expression`. ``pseudobulk`` has the sums of counts
    of each group and replicate, as sparse rows. ``conditions`` contains ``obs["replicate"]``, and
    in ``uns["conditions"]`` the ``reference``, the ``design`` of the composition, the ``level`` of
    the expression, the table of ``replicates``, and the ``summary`` of the expression: numbers of
    genes, or why a group is not tested. With fewer than two conditions, the tables consist of the
    header only.

    Parameters
    ----------
    folder
        Folder of the cohort.
    settings
        Reference, covariates and thresholds.
    design
        Condition, donor and free columns (``meta_*``) of each sample in the sheet; they take
        precedence over columns of the samples' files.

    Raises
    ------
    UserError
        There is no such covariate.
    """
    import pandas as pd

    from scsiameseclu.cohort import composition, pseudobulk

    obs = _described(folder, design or {})
    if problem := _incomparable(obs[CONDITION], settings.reference_condition):
        _write_nothing(folder, settings, problem)
        return
    replicates = _replicates(obs, settings)
    shares, tests, notes = [], [], list(replicates.notes)
    for level in LEVELS:
        counts = composition.count_cells(replicates, _groups(folder, level))
        table, tested = composition.compare_composition(
            replicates, counts, min_cells=settings.min_cells
        )
        shares.append(_long(replicates, counts).assign(level=level))
        tests.append(table.assign(level=level))
    notes += tested.notes
    sums = _sums(folder, replicates, settings.level)
    genes, summary, gene_notes = pseudobulk.compare_expression(
        replicates, sums, min_cells=settings.min_cells, fdr=settings.fdr
    )
    summary = _with_unassigned(folder, replicates, summary, settings.level)
    log.info("%s", _outcome(pd.concat(tests), summary, settings.fdr))
    folder.write_table("shares_table", _level_first(pd.concat(shares)))
    folder.write_table("composition_table", _level_first(pd.concat(tests)))
    folder.write_table("differential_table", genes)
    _write_sums(folder, replicates, sums)
    names = pd.Series(["", *replicates.table.index])
    folder.write(
        "conditions",
        pd.DataFrame(
            {"replicate": pd.Categorical(names.iloc[replicates.codes + 1], names.to_list())},
            index=folder.cells,
        ),
        uns={
            "conditions": {
                "reference": replicates.reference,
                "design": tested.formula,
                "level": settings.level,
                "replicates": replicates.table.astype(str),
                "summary": _text_index(summary),
                "pydeseq2": _version(),
            }
        },
        stage="conditions",
        seed=None,
        settings=settings.to_dict(),
        warnings=[*notes, *(note for note in gene_notes if not note.endswith(tested.notes))],
    )


def _described(folder: SampleFolder, design: dict[str, dict[str, str]]) -> pd.DataFrame:
    """Columns of the cells, with those of their samples in the sheet; always with a condition."""
    from scsiameseclu.report.finished_sample import by_sample

    obs = folder.obs("counts").copy()
    for name in {CONDITION: None} | dict.fromkeys(n for row in design.values() for n in row):
        if name not in obs or any(name in row for row in design.values()):
            obs[name] = by_sample(obs[SAMPLE], design, name)
    return obs


def _incomparable(conditions: pd.Series, reference: str | None) -> str:
    """Why there is nothing to compare, as after the failure of all samples of a condition."""
    names = sorted({str(name) for name in conditions.dropna()} - {""})
    if not names:
        return "the sample sheet has no conditions for this cohort: no comparison"
    if len(names) < 2:
        return f"all samples are of one condition ({', '.join(names) or 'none'}): no comparison"
    if reference is not None and reference not in names:
        return f"no sample is of the reference condition {reference}: no comparison"
    return ""


def _replicates(obs: pd.DataFrame, settings: ConditionSettings) -> Replicates:
    """The replicates; covariates keep the names of the settings."""
    from scsiameseclu.cohort.replicates import replicates_of

    columns = {name: name if name in obs else META + name for name in settings.covariate_names}
    if missing := [name for name, column in columns.items() if column not in obs]:
        raise UserError(
            f"the cells have no column {missing[0]} (conditions.covariates); add it to the sample "
            f"sheet as {META}{missing[0].removeprefix(META)}"
        )
    used = [SAMPLE, CONDITION, *([DONOR] if DONOR in obs else []), *columns.values()]
    return replicates_of(
        obs[used].rename(columns={column: name for name, column in columns.items()}),
        sample_key=SAMPLE,
        condition_key=CONDITION,
        donor_key=DONOR if DONOR in obs else None,
        covariates=list(columns),
        reference=settings.reference_condition,
    )


def _groups(folder: SampleFolder, level: str) -> pd.Series:
    """Cluster or type of each cell."""
    file, column = LEVELS[level]
    groups: pd.Series = folder.obs(file, [column])[column].astype("category")
    return groups.cat.remove_unused_categories().cat.rename_categories(str)


def _long(replicates: Replicates, counts: pd.DataFrame) -> pd.DataFrame:
    """One row per replicate and group."""
    from scsiameseclu.cohort.composition import shares_of
    from scsiameseclu.cohort.replicates import CONDITION, DONOR, SAMPLES

    table = replicates.table[[CONDITION, DONOR, SAMPLES]].rename_axis("replicate").reset_index()
    cells = counts.reset_index(drop=True).melt(
        var_name="group", value_name="n_cells", ignore_index=False
    )
    shares = shares_of(counts).reset_index(drop=True).melt(value_name="share")
    return cells.assign(share=shares["share"].to_numpy()).join(table)[
        ["replicate", CONDITION, DONOR, SAMPLES, "group", "n_cells", "share"]
    ]


def _sums(folder: SampleFolder, replicates: Replicates, level: str) -> Pseudobulk:
    """Sums of the counts of each group and replicate; cells without a type are left out."""
    from scsiameseclu.annotation.cell_types import UNASSIGNED
    from scsiameseclu.cohort.pseudobulk import add_counts
    from scsiameseclu.store.files import read_blocks, read_parts

    groups = _groups(folder, level)
    if UNASSIGNED in groups.cat.categories:
        groups = groups.cat.remove_categories(UNASSIGNED)
    path = folder.path("expression")
    genes = read_parts(path, ["var"])["var"].index
    return add_counts(read_blocks(path, "layers/counts", BLOCK_CELLS), replicates, groups, genes)


def _with_unassigned(
    folder: SampleFolder, replicates: Replicates, summary: pd.DataFrame, level: str
) -> pd.DataFrame:
    """Add rows for the cells without a type, which are not compared."""
    import pandas as pd

    from scsiameseclu.annotation.cell_types import UNASSIGNED

    if UNASSIGNED not in _groups(folder, level).cat.categories:
        return summary
    rows = [
        dict.fromkeys(summary.columns, 0)
        | {"group": UNASSIGNED, "condition": name, "reference": replicates.reference}
        | {"design": "", "reason": "cells without a type are a mixture"}
        for name in replicates.conditions[1:]
    ]
    return pd.concat([summary, pd.DataFrame(rows)], ignore_index=True)


def _write_sums(folder: SampleFolder, replicates: Replicates, sums: Pseudobulk) -> None:
    """Write the sums of all pairs of group and replicate that have cells."""
    import anndata as ad
    import numpy as np
    import scipy.sparse as sp

    from scsiameseclu.store.files import read_parts, write_h5ad

    group, replicate = np.nonzero(sums.cells)
    table = replicates.table.astype(str).iloc[replicate]
    obs = table.assign(
        group=np.array(sums.groups, dtype=object)[group],
        replicate=table.index,
        n_cells=sums.cells[group, replicate],
    )
    obs.index = (obs["group"] + "|" + obs["replicate"]).to_numpy()
    var = read_parts(folder.path("expression"), ["var"])["var"]
    names = [name for name in ("gene_id", "gene_symbol") if name in var]
    counts = sp.csr_matrix(sums.counts[group, replicate], dtype=np.float32)
    write_h5ad(ad.AnnData(counts, obs=obs, var=var[names]), folder.path("pseudobulk"))


def _write_nothing(folder: SampleFolder, settings: ConditionSettings, problem: str) -> None:
    """Write tables without rows, and why."""
    import anndata as ad
    import pandas as pd

    from scsiameseclu.cohort import composition, pseudobulk
    from scsiameseclu.store.files import write_h5ad

    log.info("%s", problem)
    shares = ["level", "replicate", "condition", "donor", "samples", "group", "n_cells", "share"]
    folder.write_table("shares_table", pd.DataFrame(columns=shares))
    folder.write_table("composition_table", pd.DataFrame(columns=["level", *composition.COLUMNS]))
    folder.write_table("differential_table", pd.DataFrame(columns=list(pseudobulk.COLUMNS)))
    write_h5ad(ad.AnnData(), folder.path("pseudobulk"))
    folder.write(
        "conditions",
        folder.cells,
        uns={"conditions": {"problem": problem}},
        stage="conditions",
        seed=None,
        settings=settings.to_dict(),
        warnings=[problem],
    )


def _level_first(table: pd.DataFrame) -> pd.DataFrame:
    return table[["level", *(name for name in table if name != "level")]]


def _text_index(table: pd.DataFrame) -> pd.DataFrame:
    """The table with an index of text, as h5ad files need it."""
    return table.set_axis(table.index.astype(str))


def _outcome(tests: pd.DataFrame, summary: pd.DataFrame, fdr: float) -> str:
    """A sentence about the numbers of changes."""
    changed = int((tests["adjusted_p"] <= fdr).sum())
    tested = int((summary["reason"] == "").sum())
    genes = int(summary[["n_up", "n_down"]].to_numpy().sum())
    return (
        f"{changed} of {int(tests['adjusted_p'].notna().sum())} shares and {genes} genes in "
        f"{tested} comparisons changed at a false discovery rate of {fdr:g}"
    )


def _version() -> str:
    from importlib.metadata import version

    return version("pydeseq2")
