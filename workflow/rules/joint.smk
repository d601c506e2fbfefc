# Joint analysis of the samples of a cohort: after their cells are joined, the cohort passes through
# the same stages as a sample.

# Stages whose memory and time are predicted as those of another.
MEASURED_AS = {"cluster": "train", "transfer": "train"}


def joint_file(name):
    """Path pattern of a file of a cohort."""
    return f"{RESULTS}/cohorts/{{cohort}}/{manifest.path(name, '{cohort}')}"


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
        if stage == "join":
            row |= {
                "members": members(wildcards.cohort),
                "batches": batches_of_samples(config, rows),
                "left_out": [r["sample"] for r in rows if r["sample"] in LEFT_OUT],
                "corrected": manifest.CORRECT in FEATURES,
                "min_cells": config["quality"]["min_cells"],
            }
        values = resolved(stage, config, row | with_design(rows))
        if stage == "train":
            values = {k: v for k, v in values.items() if k not in INDEPENDENT}
        return json.dumps(values, sort_keys=True)

    return for_cohort


def joint_program(stage):
    """Shell command of a stage of a cohort."""
    folder = f"{RESULTS}/cohorts/{{wildcards.cohort}}"
    features = " ".join(manifest.features_of(stage, JOINT_FEATURES))
    return program(stage, f"--folder {folder} --features {features}", folder)


def size_of_members(input):
    """The size of all samples of a cohort together."""
    sizes = [Size.read(Path(path)) for path in input.sizes]
    return Size(
        sum(size.cells for size in sizes),
        max(size.genes for size in sizes),
        sum(size.nonzeros for size in sizes),
    )


rule join:
    input:
        parts=of_members(
            "counts",
            "filtered",
            "quality_table",
            *(["expression"] if manifest.CORRECT in FEATURES else []),
        ),
        sizes=of_members("dimensions"),
    output:
        **joint_writes("join"),
    log:
        f"{LOGS}/cohorts/{{cohort}}/join.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        **ON_CPU,
        mem_mb=lambda wildcards, input, attempt: request(
            "join", size_of_members(input), attempt
        ).mem_mb,
        runtime=lambda wildcards, input, attempt: request(
            "join", size_of_members(input), attempt
        ).minutes,
    params:
        settings=joint_settings("join"),
    shell:
        joint_program("join")


# The other stages, as for a sample.
for stage in manifest.planned(JOINT_FEATURES)[1:]:

    rule:
        name:
            f"joint_{stage}"
        input:
            MARKER_FILES if stage == "annotate" else [],
            [f"{REFERENCE}/model", f"{REFERENCE}/cells.h5ad"] if stage == "transfer" else [],
            **joint_reads(stage),
        output:
            **joint_writes(stage),
        log:
            f"{LOGS}/cohorts/{{cohort}}/{stage}.log",
        conda:
            "../../envs/environment.yaml"
        container:
            GPU_IMAGE if stage == "train" else IMAGE
        threads: cores_by_size
        resources:
            **(ON_GPU if stage == "train" else ON_CPU),
            mem_mb=memory(
                MEASURED_AS.get(stage, stage),
                CELLTYPIST_MB if stage == "annotate" else 0,
            ),
            runtime=minutes(MEASURED_AS.get(stage, stage)),
        params:
            settings=joint_settings(stage),
            content=content_of(MARKER_FILES if stage == "annotate" else []),
        shell:
            joint_program(stage)
