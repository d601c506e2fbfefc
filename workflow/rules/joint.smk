# Joint analysis of the samples of a cohort: after their cells are joined, the cohort passes through
# the same stages as a sample.


rule join:
    input:
        parts=of_members(*OF_JOIN),
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
        stage="join",
        script=str(SCRIPTS / "join.py"),
        features=manifest.features_of("join", JOINT_FEATURES),
        settings=joint_settings("join"),
    shell:
        JOINT_PROGRAM


# The other stages, as for a sample.
for stage in manifest.planned(JOINT_FEATURES)[1:]:

    rule:
        name:
            f"joint_{stage}"
        input:
            MARKER_FILES if stage == "annotate" else [],
            [f"{REFERENCE}/model", f"{REFERENCE}/cells.h5ad"]
            if stage == "transfer"
            else [],
            of_finished("report") if stage == "pages" else [],
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
            runtime=minutes(
                MEASURED_AS.get(stage, stage),
                CONDITIONS_MINUTES if stage == "conditions" else 0,
            ),
        params:
            stage=stage,
            script=str(SCRIPTS / f"{stage}.py"),
            features=manifest.features_of(stage, JOINT_FEATURES),
            settings=joint_settings(stage),
            content=content_of(MARKER_FILES if stage == "annotate" else []),
            curation=curation_of(f"{RESULTS}/cohorts/{{cohort}}", stage),
        shell:
            JOINT_PROGRAM
