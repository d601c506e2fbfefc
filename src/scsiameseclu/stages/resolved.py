"""The settings of one stage for one sample: the configuration, and what the sheet overrides.

Standard library only: Snakemake asks on hosts where nothing else is installed.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from scsiameseclu.settings import (
    AnnotationSettings,
    ExpressionSettings,
    GraphSettings,
    MarkerSettings,
    ModelSettings,
    QualitySettings,
    ReferenceSettings,
    TrajectorySettings,
)
from scsiameseclu.stages.program import parameters, work_of

SECTIONS: dict[Any, str] = {
    QualitySettings: "quality",
    ExpressionSettings: "expression",
    GraphSettings: "graph",
    ModelSettings: "model",
    MarkerSettings: "markers",
    AnnotationSettings: "annotation",
    ReferenceSettings: "reference",
    TrajectorySettings: "trajectory",
}
"""The section of the configuration that each class describes."""


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
        if is_dataclass(hint):
            section = config.get(SECTIONS.get(hint, ""), {})
            both = {**section, **sheet}
            values[name] = {f.name: both[f.name] for f in fields(hint) if f.name in both}
        elif (value := sheet.get(name, config.get(name))) is not None:
            values[name] = value
    return values
