# Interpretation of the clusters: marker genes, cell types, trajectory, and metrics.

REFERENCE_FILES = (
    input_files({"path": config["reference"]["path"]})
    if config["reference"]["path"]
    else []
)
MARKER_FILES = [
    config["annotation"][key]
    for key in ("marker_table", "celltypist_model")
    if config["annotation"][key]
]


rule markers:
    input:
        **reads("markers"),
    output:
        **writes("markers"),
    log:
        f"{LOGS}/{{sample}}/markers.log",
    conda:
        "../../envs/environment.yaml"
    threads: cores_by_size
    resources:
        **ON_CPU,
        mem_mb=memory("markers"),
        runtime=minutes("markers"),
    params:
        settings=settings_of("markers"),
    shell:
        program("markers")


# Runs once for all samples, if the config has a reference.
rule reference:
    input:
        REFERENCE_FILES,
    output:
        model=directory(f"{REFERENCE}/model"),
        cells=f"{REFERENCE}/cells.h5ad",
    log:
        f"{LOGS}/reference.log",
    priority: 100  # like ingest, which checks the input files
    conda:
        "../../envs/environment.yaml"
    container:
        GPU_IMAGE
    threads: 4
    resources:
        **ON_GPU,
        **LIMITS,
        mem_mb=for_reference("mem_mb"),
        runtime=for_reference("minutes"),
    params:
        settings=settings_of("reference", directory=REFERENCE),
        content=content_of(REFERENCE_FILES),
    shell:
        program("reference", where="", folder=REFERENCE, more=" {resources.limits}")


rule transfer:
    input:
        **reads("transfer"),
        model=f"{REFERENCE}/model",
        cells=f"{REFERENCE}/cells.h5ad",
    output:
        **writes("transfer"),
    log:
        f"{LOGS}/{{sample}}/transfer.log",
    conda:
        "../../envs/environment.yaml"
    threads: cores_by_size
    resources:
        **ON_CPU,
        mem_mb=memory("expression"),
        runtime=minutes("train"),
    params:
        settings=settings_of("transfer", reference=REFERENCE),
    shell:
        program("transfer")


# Runs only if cohort.model is set.
rule map:
    input:
        [f"{config['cohort']['model']}/{manifest.PATHS[name]}" for name in MODEL],
        **reads("map"),
    output:
        **writes("map"),
    log:
        f"{LOGS}/{{sample}}/map.log",
    conda:
        "../../envs/environment.yaml"
    threads: cores_by_size
    resources:
        **ON_CPU,
        mem_mb=memory("expression"),
        runtime=minutes("train"),
    params:
        settings=settings_of("map"),
    shell:
        program("map")


rule annotate:
    input:
        MARKER_FILES,
        **reads("annotate"),
    output:
        **writes("annotate"),
    log:
        f"{LOGS}/{{sample}}/annotate.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        **ON_CPU,
        mem_mb=memory("annotate", CELLTYPIST_MB),
        runtime=minutes("annotate"),
    params:
        settings=settings_of("annotate"),
        content=content_of(MARKER_FILES),
        curation=curation_of(f"{RESULTS}/samples/{{sample}}", "annotate"),
    shell:
        program("annotate")


# Runs only if trajectory.run is set.
rule trajectory:
    input:
        **reads("trajectory"),
    output:
        **writes("trajectory"),
    log:
        f"{LOGS}/{{sample}}/trajectory.log",
    conda:
        "../../envs/environment.yaml"
    threads: cores_by_size
    resources:
        **ON_CPU,
        mem_mb=memory("layout"),
        runtime=minutes("layout"),
    params:
        settings=settings_of("trajectory"),
    shell:
        program("trajectory")


rule evaluate:
    input:
        **reads("evaluate"),
    output:
        **writes("evaluate"),
    log:
        f"{LOGS}/{{sample}}/evaluate.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        **ON_CPU,
        mem_mb=memory("evaluate"),
        runtime=minutes("evaluate"),
    params:
        settings=settings_of("evaluate"),
    shell:
        program("evaluate")
