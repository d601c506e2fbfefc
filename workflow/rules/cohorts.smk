# Files, settings and commands of cohorts, for the rules in joint.smk.

# Stages whose memory and time are predicted as those of another.
MEASURED_AS = {
    "cluster": "train",
    "transfer": "train",
    "pages": "report",
    "conditions": "markers",
    "curate": "markers",
    "export": "expression",
}

CONDITIONS_MINUTES = (
    60  # DESeq2 takes some milliseconds per gene and type, whatever the cells
)


def joint_file(name):
    """Path pattern of a file of a cohort."""
    return f"{RESULTS}/cohorts/{{cohort}}/{manifest.path(name, '{cohort}')}"


# Files of samples that are joined into a cohort.
OF_JOIN = ["counts", "filtered", "quality_table"]
if manifest.CORRECT in FEATURES:
    OF_JOIN += ["expression"]

# All are asked for, so that files removed with a killed job are recreated, and a sample or cohort
# with an unfinished stage is not reported as failed.
ALL_FILES = [
    *expand([file(name) for name in manifest.outputs(FEATURES)], sample=SAMPLES),
    *expand(
        [joint_file(name) for name in manifest.outputs(JOINT_FEATURES)], cohort=COHORTS
    ),
]


def joint_reads(stage):
    """Input files of a stage of a cohort by name, including its size."""
    names = dict.fromkeys([*manifest.inputs(stage, JOINT_FEATURES), "dimensions"])
    return {name: joint_file(name) for name in names}


def joint_writes(stage):
    """Output files of a stage of a cohort by name."""
    return {
        name: (
            directory(joint_file(name))
            if name in manifest.FOLDERS
            else joint_file(name)
        )
        for name in manifest.STAGES[stage].writes
    }


def members(cohort):
    """The samples of a cohort that have not failed in this run."""
    return [row["sample"] for row in COHORTS[cohort] if row["sample"] not in LEFT_OUT]


def finished(cohort):
    """The samples of a cohort that get a page: all, or those that finished before others failed."""
    return [
        sample
        for sample in members(cohort)
        if not (FINISHING and lacks(manifest.outputs(FEATURES), sample))
    ]


def of_finished(name):
    """Input function: a file of the samples of a cohort that get a page."""
    return lambda wildcards: expand(file(name), sample=finished(wildcards.cohort))


def of_members(*names):
    """Input function: files of the samples of a cohort."""

    def for_cohort(wildcards):
        samples = members(wildcards.cohort)
        return expand([file(name) for name in names], sample=samples)

    return for_cohort


def joint_settings(stage):
    """All settings of a stage of a cohort as JSON."""

    def for_cohort(wildcards):
        rows = COHORTS[wildcards.cohort]
        row = common_settings(rows) | {"reference": REFERENCE}
        row |= {"members": members(wildcards.cohort)}
        if stage == "evaluate":
            row["left_out"] = [n for n in LEFT_OUT if n in {r["sample"] for r in rows}]
        if stage == "pages":
            row |= {
                "members": finished(wildcards.cohort),
                "labels": {r["sample"]: r["label"] for r in rows if "label" in r},
                "member_features": FEATURES,
            }
        if stage == "join":
            row |= {
                "batches": batches_of_samples(
                    config, [r for r in rows if r["sample"] not in LEFT_OUT]
                ),
                "named": all("cohort" in r for r in rows),
                "corrected": manifest.CORRECT in FEATURES,
                "min_cells": config["quality"]["min_cells"],
            }
        values = resolved(stage, config, row | with_design(rows))
        if stage == "join":  # other settings of the section do not change its output
            of_join = ("batch", "doublets", "genes")
            values["settings"] = {name: values["settings"][name] for name in of_join}
        if stage == "train":
            values = {k: v for k, v in values.items() if k not in INDEPENDENT}
        return json.dumps(values, sort_keys=True)

    return for_cohort


JOINT_FOLDER = f"{RESULTS}/cohorts/{{wildcards.cohort}}"
# Shell command of all stages: in a loop, Snakemake runs the command of the last rule for all.
JOINT_PROGRAM = program(
    "{params.stage}",
    f"--folder {JOINT_FOLDER} --features {{params.features}}",
    JOINT_FOLDER,
    "{params.script:q}",
)


def size_of_members(input):
    """The size of all samples of a cohort together."""
    sizes = [Size.read(Path(path)) for path in input.sizes]
    return Size(
        sum(size.cells for size in sizes),
        max(size.genes for size in sizes),
        sum(size.nonzeros for size in sizes),
    )


def lacks(names, sample):
    """Whether any of these files of a sample does not exist.

    Snakemake removes those of a job that fails; those of later jobs may be of an earlier run.
    """
    paths = (Path(file(name).format(sample=sample)) for name in names)
    return not all(path.exists() for path in paths)


def finish_cohorts():
    """Analyse cohorts without the samples that failed, after a run of all samples.

    A sample that failed after quality control takes part, but has no page.
    """
    failed = [name for name in SAMPLES if lacks(OF_JOIN, name)]
    unfinished = [name for name in SAMPLES if lacks(manifest.outputs(FEATURES), name)]
    names = {name: [row["sample"] for row in rows] for name, rows in COHORTS.items()}
    cohorts = without_failed_samples(names, failed, unfinished)
    started = Path(sys.argv[0]).name in ("snakemake", "__main__.py")
    asked = workflow.dag_settings.targets
    # Without keep-going, a run is to stop at the first failure.
    if (
        is_cancelled()
        or not cohorts
        or not started
        or asked
        or not workflow.execution_settings.keep_going
    ):
        return
    without = f" without {', '.join(failed)}" if failed else ""
    print(f"Finishing cohort {', '.join(cohorts)}{without}.", file=sys.stderr)
    targets = [
        joint_file(name).format(cohort=cohort)
        for cohort in cohorts
        for name in manifest.outputs(JOINT_FEATURES)
    ]
    run_again(sys.argv[1:], targets, failed)
