"""Checks of the comparison of conditions against the sample sheet, before any work.

Only the standard library is required, since Snakemake may run on hosts without NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scsiameseclu.errors import UserError
from scsiameseclu.settings import ConditionSettings
from scsiameseclu.stages.sheet import Row

CONDITION, META = "condition", "meta_"


def condition_problems(
    section: Mapping[str, Any], cohorts: Mapping[str, Sequence[Row]]
) -> Iterator[str]:
    """What section conditions asks for and the sheet does not have, one sentence each.

    Parameters
    ----------
    section
        The section ``conditions`` of the config.
    cohorts
        Rows of the sheet by cohort.
    """
    try:
        settings = ConditionSettings(**section)
    except (TypeError, UserError):
        return  # a problem of the config itself
    rows = [row for members in cohorts.values() for row in members if CONDITION in row]
    if not rows:
        return
    names = sorted({str(row[CONDITION]) for row in rows})
    wanted = settings.reference_condition
    if wanted is not None and wanted not in names:
        yield (
            f"config key conditions.reference_condition is {wanted!r}, but no sample has this "
            f"condition; available: {', '.join(names)}"
        )
    for name in settings.covariate_names:
        if name == CONDITION:
            yield "config key conditions.covariates: condition is what is compared; remove it"
        elif not any(name in row or META + name in row for row in rows):
            columns = name if name.startswith(META) else f"{name} or {META}{name}"
            yield (
                f"config key conditions.covariates: the sample sheet has no column {columns}; add "
                f"it, or remove {name}"
            )
