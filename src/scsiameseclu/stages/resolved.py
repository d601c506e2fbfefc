"""The settings of one stage for one sample: the configuration, and what the sheet overrides.

Standard library only: Snakemake asks on hosts where nothing else is installed.
"""

from collections.abc import Mapping
from typing import Any

from scsiameseclu.options import Settings, rules
from scsiameseclu.run_settings import SECTIONS
from scsiameseclu.stages.program import is_settings, parameters, work_of

SECTION_OF: dict[type[Settings], str] = {kind: name for name, kind in SECTIONS.items()}


def resolved(stage: str, config: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """What a stage's program reads from its settings file.

    Parameters
    ----------
    stage
        Name of the stage.
    config
        The checked configuration, with its defaults.
    row
        The sample's line of the sheet, without empty cells. Its values win; ``path`` is ``source``.

    Returns
    -------
    One entry for each parameter of the stage that has a value: a section as a dictionary, anything
    else as it is.
    """
    sheet = {"source": row["path"], **row} if "path" in row else dict(row)
    values: dict[str, Any] = {}
    for name, (hint, _) in parameters(work_of(stage)).items():
        if is_settings(hint):
            section = config.get(SECTION_OF.get(hint, ""), {})
            both = {**section, **sheet}
            values[name] = {key: both[key] for key in rules(hint) if key in both}
        elif (value := sheet.get(name, config.get(name))) is not None:
            values[name] = value
    return values
