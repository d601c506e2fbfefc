"""Check the config, the sample sheet and the input files before running the pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.errors import UserError
from scsiameseclu.run_settings import LimitSettings
from scsiameseclu.settings import DropletSettings, ReferenceSettings, TrajectorySettings
from scsiameseclu.stages.cohorts import Cohorts, cohort_warnings, cohorts_of
from scsiameseclu.stages.columns import request_of
from scsiameseclu.stages.config import (
    Config,
    add_overrides,
    config_problems,
    joint_problems,
    load_config,
    sheet_of,
    with_defaults,
)
from scsiameseclu.stages.input_files import input_files, raw_files
from scsiameseclu.stages.reading import StoppedError, read_apart
from scsiameseclu.stages.resolved import resolved
from scsiameseclu.stages.sheet import Row

if TYPE_CHECKING:
    from scsiameseclu.genes.matching import GeneNames
    from scsiameseclu.io.sample import Sample

CONFIG = (Path("config/config.yaml"),)
Finding = tuple[str, str]
"""A level and a message. ``"error"``: the sample cannot be processed; ``"warning"``: to be checked
by the user; ``"note"``: what was detected."""


def run(
    *,
    configfile: Sequence[Path] = CONFIG,
    config: Sequence[str] = (),
    samples: Path | None = None,
) -> None:
    """Print all problems of the config, the sample sheet and the input files.

    Parameters
    ----------
    configfile
        YAML files of the config; later files take precedence. As in Snakemake, they are merged
        into ``config/config.yaml`` if that exists.
    config
        Entries ``KEY=VALUE`` that replace single values, as in Snakemake.
    samples
        Sample sheet that replaces the one in the config.

    Raises
    ------
    UserError
        The workflow would reject the config or the sheet, or could not process a sample.
    """
    defaults = [path for path in CONFIG if path not in configfile and path.is_file()]
    values = load_config([*defaults, *configfile])
    add_overrides(values, config)
    if samples is not None:
        values["samples"] = str(samples)
    complete = with_defaults(values)
    sheet = sheet_of(complete)
    of_config = config_problems(complete)
    cohorts = cohorts_of(complete, sheet.rows)
    rejected = of_config + sheet.all_problems + joint_problems(complete, cohorts)
    _show(("error", problem) for problem in rejected)
    unusable = [] if of_config else _unusable_files(complete)
    failed = []
    genes: dict[str, GeneNames] = {}
    for line in sheet.lines:
        if line.problems:
            continue
        if line.file_problems:
            findings, names = [("error", problem) for problem in line.file_problems], None
        else:
            findings, names = check_apart(line.row, complete)
        _show(findings)
        if any(level == "error" for level, _ in findings):
            failed.append(line.row["sample"])
        elif names is not None:
            genes[line.row["sample"]] = names
    _show(("warning", warning) for warning in cohort_warnings(complete, cohorts))
    unjoinable = _cannot_be_joined(cohorts, genes)
    problems = []
    if rejected:
        problems.append(f"{_counted(len(rejected), 'problem')} in the config and the sample sheet")
    if unusable:
        problems.append(f"{' and '.join(unusable)} cannot be used")
    if failed:
        problems.append(
            f"{_counted(len(failed), 'sample')} in {complete['samples']} cannot be processed "
            f"({', '.join(failed)})"
        )
    if unjoinable:
        problems.append(f"the samples of cohort {', '.join(unjoinable)} cannot be joined")
    if problems:
        raise UserError(f"{' and '.join(problems)}; see the lines marked error")


def _unusable_files(config: Config) -> list[str]:
    """Read the files of a valid config, print what is wrong with them, and return their keys."""
    from scsiameseclu.annotation.by_celltypist import load_model
    from scsiameseclu.annotation.marker_sets import read_marker_table
    from scsiameseclu.stages.reference import read_reference

    readers: dict[str, Callable[[], Any]] = {
        "annotation.marker_table": lambda: read_marker_table(config["annotation"]["marker_table"]),
        "annotation.celltypist_model": lambda: load_model(config["annotation"]["celltypist_model"]),
        "reference.path": lambda: read_reference(
            ReferenceSettings(**config["reference"]), LimitSettings(**config["limits"])
        ),
    }
    unusable = []
    for key, read in readers.items():
        section, _, name = key.partition(".")
        if config[section][name] is None:
            continue
        try:
            read()
        except UserError as error:
            _show([("error", f"config key {key}: {error}")])
            unusable.append(key)
    return unusable


def _cannot_be_joined(cohorts: Cohorts, genes: Mapping[str, GeneNames]) -> list[str]:
    """Print why samples of a cohort cannot be joined, and return such cohorts of the sheet."""
    from scsiameseclu.cohort.joint_genes import joint_genes

    names = []
    for name, rows in cohorts.items():
        known = {row["sample"]: genes[row["sample"]] for row in rows if row["sample"] in genes}
        try:
            joint_genes(known)
        except UserError as error:
            named = all("cohort" in row for row in rows)
            level = "error" if named else "warning"  # others are left out, see the stage join
            _show([(level, f"cohort {name}: {error}")])
            names += [name] if named else []
    return names


def check_apart(row: Row, config: Config) -> tuple[list[Finding], GeneNames | None]:
    """:func:`check_sample` in another process, which a damaged file may crash or keep busy.

    Returns
    -------
    The findings, and the genes of the sample if they could be read.
    """
    where = f"sample {row['sample']}: {row['path']}"
    try:
        return read_apart(
            findings_of, row, config, files=[*input_files(row), *raw_files(row)], where=where
        )
    except StoppedError as error:
        return [("error", str(error))], None


def findings_of(row: Row, config: Config) -> tuple[list[Finding], GeneNames | None]:
    """What :func:`check_sample` reports, as a list, and the genes of the sample."""
    genes: list[GeneNames] = []
    findings = list(check_sample(row, config, genes))
    return findings, genes[0] if genes else None


def check_sample(
    row: Row, config: Config, genes: list[GeneNames] | None = None
) -> Iterator[Finding]:
    """Read the file of one sample and report all problems and anything unusual.

    Parameters
    ----------
    row
        A valid row of the sheet.
    config
        The config with defaults, for settings that the row does not have.
    genes
        List to which the genes of the sample are added.
    """
    from scsiameseclu.genes.matching import GeneNames
    from scsiameseclu.io.sample import read_sample
    from scsiameseclu.store.files import first_line

    name = row["sample"]
    try:
        sample = read_sample(
            row["path"],
            request_of(row),
            sample=name,
            droplets=_droplets_of(row, config),
            limits=_limits_of(config),
        )
    except UserError as error:
        yield "error", f"sample {name}: {error}"
        return
    except Exception as error:  # whatever a file does, the other samples are checked
        cause = f"{type(error).__name__}: {first_line(error)}"
        yield "error", f"sample {name}: {row['path']} cannot be read ({cause}); check the file"
        return
    if genes is not None:
        genes.append(GeneNames.of(sample.loaded.var))
    n_cells, n_genes = sample.loaded.matrix.shape
    yield "note", f"sample {name}: {n_cells} cells x {n_genes} genes in {row['path']}"
    yield from (("note", f"sample {name}: {message}") for message in sample.notes)
    yield from (("warning", f"sample {name}: {message}") for message in sample.warnings)
    yield from (("error", f"sample {name}: {message}") for message in sample.errors)
    yield from _too_many_clusters(row.get("n_clusters", config["n_clusters"]), sample, name)
    yield from _no_root(row, config["trajectory"], sample)
    if not sample.errors:
        yield from _unusable_raw(row, config, sample)


def _unusable_raw(row: Row, config: Config, sample: Sample) -> Iterator[Finding]:
    """The raw matrix of the sample cannot be used."""
    from scsiameseclu.stages.raw_droplets import check_raw

    if finding := check_raw(row, config, sample.loaded.var, sample.obs.index, _limits_of(config)):
        level, message = finding
        yield level, f"sample {row['sample']}: {message}"


def _droplets_of(row: Row, config: Config) -> DropletSettings:
    """How cells are called in a sample; settings that are invalid are reported for the config."""
    try:
        return DropletSettings(**resolved("ingest", config, row).get("droplets", {}))
    except (TypeError, UserError):
        return DropletSettings(cells=row.get("cells", "given"))


def _limits_of(config: Config) -> LimitSettings:
    """The limits; the default ones in place of invalid ones, which are reported for the config."""
    try:
        return LimitSettings(**config["limits"])
    except (TypeError, UserError):
        return LimitSettings()


def _no_root(row: Row, trajectory: Any, sample: Sample) -> Iterator[Finding]:
    """The root is a gene, column or value that the sample does not have."""
    from scsiameseclu.genes.matching import GeneNames
    from scsiameseclu.trajectory import check_root

    try:
        settings = TrajectorySettings(**trajectory)
    except (TypeError, UserError):
        return  # already reported for the config
    root = row.get("root", settings.root)
    if settings.run and root is not None:
        try:
            check_root(root, sample.obs, GeneNames.of(sample.loaded.var))
        except UserError as error:
            yield "error", f"sample {row['sample']}: {error}"


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
