# What the clusters mean: marker genes, cell types, and how good the clustering is.


rule markers:
    input:
        expression=f"{SAMPLE}/expression.h5ad",
        clusters=f"{SAMPLE}/clusters.h5ad",
        sizes=f"{SAMPLE}/size.json",
    output:
        table=f"{SAMPLE}/markers.tsv",
        full=f"{SAMPLE}/markers_all.tsv",
    log:
        f"{LOGS}/{{sample}}/markers.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        **ON_CPU,
        mem_mb=memory("markers"),
        runtime=minutes("markers"),
    params:
        options=given(**config["markers"]),
    shell:
        program(
            "markers",
            "--expression {input.expression} --clusters {input.clusters}"
            " --table {output.table} --full-table {output.full} {params.options}",
        )


rule annotate:
    input:
        expression=f"{SAMPLE}/expression.h5ad",
        clusters=f"{SAMPLE}/clusters.h5ad",
        sizes=f"{SAMPLE}/size.json",
        table=config["annotation"]["marker_table"] or [],
    output:
        table=f"{SAMPLE}/annotation.tsv",
        cells=f"{SAMPLE}/annotation.h5ad",
    log:
        f"{LOGS}/{{sample}}/annotate.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **ON_CPU,
        mem_mb=memory("annotate"),
        runtime=minutes("annotate"),
    params:
        options=given(**config["annotation"], organism=None),
    shell:
        program(
            "annotate",
            "--expression {input.expression} --clusters {input.clusters}"
            " --table {output.table} --output {output.cells} {params.options}",
        )


rule evaluate:
    input:
        counts=f"{SAMPLE}/counts.h5ad",
        expression=f"{SAMPLE}/expression.h5ad",
        graph=f"{SAMPLE}/graph.h5ad",
        embedding=f"{SAMPLE}/embedding.h5ad",
        clusters=f"{SAMPLE}/clusters.h5ad",
        layout=f"{SAMPLE}/layout.h5ad",
        sizes=f"{SAMPLE}/size.json",
    output:
        f"{SAMPLE}/metrics.json",
    log:
        f"{LOGS}/{{sample}}/evaluate.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **ON_CPU,
        mem_mb=memory("evaluate"),
        runtime=minutes("evaluate"),
    params:
        options=given(label=None),
    shell:
        program(
            "evaluate",
            "--counts {input.counts} --expression {input.expression} --graph {input.graph}"
            " --embedding {input.embedding} --clusters {input.clusters} --layout {input.layout}"
            " --output {output} {params.options}",
        )
