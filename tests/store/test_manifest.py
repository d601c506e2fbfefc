"""The manifest: every file has one owner, is read after it is written, and no two can collide."""

import re
from pathlib import PurePosixPath

import pytest
import snakemake.io

from scsiameseclu.stages.stage_parser import STAGES as PROGRAMS
from scsiameseclu.store import manifest

OF_SAMPLES = tuple(
    name for name in manifest.FEATURES if name not in (manifest.COHORT, manifest.CONDITIONS)
)
OF_COHORTS = (manifest.COHORT, manifest.REFERENCE, manifest.CONDITIONS)
FEATURES: tuple[tuple[str, ...], ...] = (
    (),
    ("reference",),
    ("trajectory",),
    ("ambient",),
    OF_SAMPLES,
    OF_COHORTS,
)


def test_every_file_is_written_by_one_stage() -> None:
    for features in (OF_SAMPLES, OF_COHORTS):
        written = manifest.outputs(features)
        assert len(set(written)) == len(written)
    both = {*manifest.outputs(OF_SAMPLES), *manifest.outputs(OF_COHORTS)}
    assert sorted(both) == sorted(manifest.PATHS)
    assert len(set(manifest.PATHS.values())) == len(manifest.PATHS)


@pytest.mark.parametrize("features", FEATURES)
def test_a_stage_reads_what_an_earlier_one_wrote(features: tuple[str, ...]) -> None:
    written: set[str] = set()
    for stage in manifest.planned(features):
        assert set(manifest.inputs(stage, features)) <= written, stage
        written |= set(manifest.STAGES[stage].writes)
    assert written == set(manifest.outputs(features))


def test_a_feature_that_is_off_is_neither_planned_nor_read() -> None:
    assert "trajectory" not in manifest.planned()
    assert "trajectory" not in manifest.inputs("assemble")
    assert "trajectory" in manifest.inputs("assemble", ["trajectory"])
    assert "transfer" not in manifest.inputs("annotate", ["trajectory"])
    assert "transfer" in manifest.inputs("annotate", ["reference"])


def test_a_stage_depends_on_the_features_upstream_of_it_only() -> None:
    """What a command does not name cannot rerun it."""
    features = ["reference", "trajectory"]
    depends = {stage: manifest.features_of(stage, features) for stage in manifest.STAGES}
    assert depends["transfer"] == depends["annotate"] == ["reference"]
    assert depends["trajectory"] == depends["evaluate"] == ["trajectory"]
    assert depends["report"] == depends["assemble"] == features
    first = (
        "ingest",
        "quality",
        "expression",
        "graph",
        "train",
        "cluster",
        "curate",
        "layout",
        "markers",
    )
    assert [depends[stage] for stage in first] == [[]] * len(first)
    assert manifest.features_of("report", ["trajectory"]) == ["trajectory"]


def test_an_estimate_of_ambient_rna_does_not_rerun_the_training_but_a_correction_does() -> None:
    estimate, correct = ["ambient"], ["ambient", "correct"]
    assert "ambient" not in manifest.inputs("expression", estimate)
    assert "ambient" in manifest.inputs("expression", correct)
    for stage in ("expression", "graph", "train", "cluster", "curate", "layout", "annotate"):
        assert manifest.features_of(stage, estimate) == []
        assert manifest.features_of(stage, correct) == correct
    for stage in ("markers", "report", "assemble"):
        assert manifest.features_of(stage, estimate) == estimate


def test_every_stage_is_a_program() -> None:
    assert set(manifest.STAGES) <= set(PROGRAMS)
    ours = [stage for stage in PROGRAMS if stage in manifest.STAGES]
    assert ours == list(manifest.STAGES)


def test_no_name_of_a_sample_makes_two_files_one() -> None:
    """Whatever a sample is called, its deliverable is no file of a stage, of it or of another."""
    stems = {PurePosixPath(path).name.split(".")[0] for path in manifest.PATHS.values()}
    for sample in sorted(stems - {"{sample}"}):
        paths = [manifest.path(name, sample) for name in manifest.PATHS]
        assert len(set(paths)) == len(paths), sample


def test_no_file_matches_the_pattern_of_another() -> None:
    """Snakemake would not know which rule to ask."""
    samples = "|".join(sorted({*manifest.PATHS, "stages", "a"}))
    patterns = {
        name: re.compile(
            snakemake.io.regex_from_filepattern(
                f"samples/{{sample,{samples}}}/" + path.replace("{sample}", "{sample}")
            )
        )
        for name, path in manifest.PATHS.items()
    }
    for sample in samples.split("|"):
        for name in manifest.PATHS:
            path = f"samples/{sample}/{manifest.path(name, sample)}"
            assert [other for other, p in patterns.items() if p.match(path)] == [name]
