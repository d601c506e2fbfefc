"""Check the config, the sample sheet and the input files before running the pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.errors import UserError
from scsiameseclu.stages.columns import request_of
from scsiameseclu.stages.config import config_problems, load_config, sheet_of, with_defaults
from scsiameseclu.stages.sheet import Row

if TYPE_CHECKING:
    from scsiameseclu.io.sample import Sample

CONFIG = (Path("config/config.yaml"),)
Finding = tuple[str, str]
"""A level and a message. ``"error"``: the sample cannot be processed; ``"warning"``: to be checked
by the user; ``"note"``: what was detected."""


def run(*, configfile: Sequence[Path] = CONFIG, samples: Path | None = None) -> None:
    """Print all problems of the config, the sample sheet and the input files.

    Parameters
    ----------
    configfile
        YAML files of the config; later files take precedence. As in Snakemake, they are merged
        into ``config/config.yaml`` if that exists.
    samples
        Sample sheet that replaces the one in the config.

    Raises
    ------
    UserError
        The workflow would reject the config or the sheet, or could not process a sample.
    """
    defaults = [path for path in CONFIG if path not in configfile and path.is_file()]
    config = load_config([*defaults, *configfile])
    if samples is not None:
        config["samples"] = str(samples)
    complete = with_defaults(config)
    sheet = sheet_of(complete)
    rejected = config_problems(complete) + sheet.all_problems
    _show(("error", problem) for problem in rejected)
    failed = []
    for line in sheet.lines:
        if line.problems:
            continue
        findings = list(check_sample(line.row, complete["n_clusters"]))
        _show(findings)
        if any(level == "error" for level, _ in findings):
            failed.append(line.row["sample"])
    problems = []
    if rejected:
        problems.append(f"{_counted(len(rejected), 'problem')} in the config and the sample sheet")
    if failed:
        problems.append(
            f"{_counted(len(failed), 'sample')} in {complete['samples']} cannot be processed "
            f"({', '.join(failed)})"
        )
    if problems:
        raise UserError(f"{' and '.join(problems)}; see the lines marked error")


def check_sample(row: Row, n_clusters: int | str | None = None) -> Iterator[Finding]:
    """Read the file of one sample and report all problems and anything unusual.

    Parameters
    ----------
    row
        A valid row of the sheet.
    n_clusters
        Number of clusters in the config, for rows without one.
    """
    from scsiameseclu.io.sample import read_sample
    from scsiameseclu.store.files import first_line

    name = row["sample"]
    try:
        sample = read_sample(row["path"], request_of(row), sample=name)
    except UserError as error:
        yield "error", f"sample {name}: {error}"
        return
    except Exception as error:  # whatever a file does, the other samples are checked
        cause = f"{type(error).__name__}: {first_line(error)}"
        yield "error", f"sample {name}: {row['path']} cannot be read ({cause}); check the file"
        return
    n_cells, n_genes = sample.loaded.matrix.shape
    yield "note", f"sample {name}: {n_cells} cells x {n_genes} genes in {row['path']}"
    yield from (("note", f"sample {name}: {message}") for message in sample.notes)
    yield from (("warning", f"sample {name}: {message}") for message in sample.warnings)
    yield from (("error", f"sample {name}: {message}") for message in sample.errors)
    yield from _too_many_clusters(row.get("n_clusters", n_clusters), sample, name)


def _too_many_clusters(requested: Any, sample: Sample, name: str) -> Iterator[Finding]:
    try:
        largest = ClusterNumber.parse(requested).largest
    except UserError:
        return  # already reported for the config
    n_cells = sample.loaded.matrix.shape[0]
    if largest and largest >= n_cells:
        yield (
            "error",
            f"sample {name}: n_clusters is {requested}; it must be 2 to {n_cells - 1} for "
            f"{n_cells} cells",
        )


def _show(findings: Sequence[Finding] | Iterator[Finding]) -> None:
    for level, message in findings:
        print(f"{level:8}{message}", flush=True)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
