"""The settings of a stage for one sample: the config with the overrides of the sample sheet.

Only the standard library is required, since Snakemake may run on hosts without other dependencies.
"""

from collections.abc import Mapping
from typing import Any

from scsiameseclu.options import Settings, rules
from scsiameseclu.run_settings import SECTIONS, LimitSettings
from scsiameseclu.settings import DropletSettings
from scsiameseclu.stages.input_files import reads_labels
from scsiameseclu.stages.stage_parser import is_settings, parameters, work_of

SECTION_OF: dict[type[Settings], str] = {kind: name for name, kind in SECTIONS.items()}


def resolved(stage: str, config: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Content of the settings file of a stage.

    Parameters
    ----------
    stage
        Name of the stage.
    config
        The validated config with defaults.
    row
        Row of the sample sheet without empty cells, whose values take precedence. The column
        ``path`` is passed as ``source``. The stage ingest gets the column ``label`` only if reading
        the file depends on it, so that a change of labels reruns only the metrics and the report.

    Returns
    -------
    The parameters of the stage that have a value; sections are dictionaries.
    """
    sheet = {"source": row["path"], **row} if "path" in row else dict(row)
    if stage == "ingest" and not reads_labels(row):
        sheet.pop("label", None)
    values: dict[str, Any] = {}
    for name, (hint, _) in parameters(work_of(stage)).items():
        if hint is LimitSettings:
            continue  # on which no result depends; they are options of the program
        if is_settings(hint):
            section = config.get(SECTION_OF.get(hint, ""), {})
            merged = {**section, **sheet}
            values[name] = {key: merged[key] for key in rules(hint) if key in merged}
            if hint is DropletSettings and values[name].get("cells") != "call":
                del values[name]  # as by default; the other settings have no effect
        elif (value := sheet.get(name, config.get(name))) is not None:
            values[name] = value
    if stage == "cluster" and values["prior"] == "none":
        for name in ("settings", "organism"):  # have no effect
            values.pop(name, None)
    return values
