# From the user's file to counts of good cells, normalised expression and the graph of cells.

# Columns of the sheet that say how a file is read.
READING = [
    "format",
    "layer",
    "genome",
    "orientation",
    "metadata",
    "label",
    "batch",
    "subset",
]


# The check of what a file holds is part of ingest; its priority has all samples checked first.
rule ingest:
    input:
        lambda wildcards: input_files(SAMPLES[wildcards.sample]),
    output:
        counts=f"{SAMPLE}/counts.h5ad",
        sizes=f"{SAMPLE}/size.json",
    log:
        f"{LOGS}/{{sample}}/ingest.log",
    priority: 100
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        **ON_CPU,
        mem_mb=memory("ingest"),
        runtime=minutes("ingest"),
    params:
        source=lambda wildcards: SAMPLES[wildcards.sample]["path"],
        options=given(**dict.fromkeys(READING)),
    shell:
        program(
            "ingest",
            "--input {params.source:q} --output {output.counts} --size {output.sizes}"
            " {params.options}",
        )


rule quality:
    input:
        counts=f"{SAMPLE}/counts.h5ad",
        sizes=f"{SAMPLE}/size.json",
    output:
        cells=f"{SAMPLE}/filtered.h5ad",
        table=f"{SAMPLE}/quality.tsv",
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
        options=given(**config["quality"]),
    shell:
        program(
            "quality",
            "--counts {input.counts} --output {output.cells} --table {output.table} {params.options}",
        )


rule expression:
    input:
        counts=f"{SAMPLE}/counts.h5ad",
        cells=f"{SAMPLE}/filtered.h5ad",
        sizes=f"{SAMPLE}/size.json",
    output:
        f"{SAMPLE}/expression.h5ad",
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
        options=given(**config["expression"]),
    shell:
        program(
            "expression",
            "--counts {input.counts} --filtered {input.cells} --output {output}"
            " {params.options}",
        )


rule graph:
    input:
        expression=f"{SAMPLE}/expression.h5ad",
        sizes=f"{SAMPLE}/size.json",
    output:
        f"{SAMPLE}/graph.h5ad",
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
        options=given(**config["graph"]),
    shell:
        program(
            "graph",
            "--expression {input.expression} --output {output} {params.options}",
        )
