# From the input file to filtered counts, normalised expression and the kNN graph.


# High priority, so that the input files of all samples are checked before other stages run.
rule ingest:
    output:
        **writes("ingest"),
    log:
        f"{LOGS}/{{sample}}/ingest.log",
    priority: 100
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        **ON_CPU,
        **LIMITS,
        mem_mb=memory_of_ingest,
        runtime=minutes_of_ingest,
    params:
        settings=settings_of("ingest"),
        content=content_of_sample,
    shell:
        program("ingest", more=" {resources.limits}")


rule quality:
    input:
        **reads("quality"),
    output:
        **writes("quality"),
    log:
        f"{LOGS}/{{sample}}/quality.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        **ON_CPU,
        mem_mb=memory("quality"),
        runtime=minutes("quality"),
    params:
        settings=settings_of("quality"),
    shell:
        program("quality")


# Runs unless ambient.mode is off.
rule ambient:
    input:
        **reads("ambient"),
    output:
        **writes("ambient"),
    log:
        f"{LOGS}/{{sample}}/ambient.log",
    conda:
        "../../envs/environment.yaml"
    threads: cores_by_size
    resources:
        **ON_CPU,
        **LIMITS,
        mem_mb=for_ambient("mem_mb"),
        runtime=for_ambient("minutes"),
    params:
        settings=settings_of("ambient"),
        content=content_of_raw,
    shell:
        program("ambient", more=" {resources.limits}")


rule expression:
    input:
        **reads("expression"),
    output:
        **writes("expression"),
    log:
        f"{LOGS}/{{sample}}/expression.log",
    conda:
        "../../envs/environment.yaml"
    threads: cores_by_size
    resources:
        **ON_CPU,
        mem_mb=memory("expression"),
        runtime=minutes("expression"),
    params:
        settings=settings_of("expression"),
    shell:
        program("expression")


rule graph:
    input:
        **reads("graph"),
    output:
        **writes("graph"),
    log:
        f"{LOGS}/{{sample}}/graph.log",
    conda:
        "../../envs/environment.yaml"
    threads: cores_by_size
    resources:
        **ON_CPU,
        mem_mb=memory("graph"),
        runtime=minutes("graph"),
    params:
        settings=settings_of("graph"),
    shell:
        program("graph")
