# What the clusters mean: marker genes, cell types, and how good the clustering is.

HAS_REFERENCE = config["reference"]["path"] is not None


rule markers:
    input:
        expression=f"{SAMPLE}/expression.h5ad",
        clusters=f"{SAMPLE}/clusters.h5ad",
        sizes=f"{SAMPLE}/size.json",
    output:
        table=f"{SAMPLE}/markers.tsv",
        full=f"{SAMPLE}/markers_all.tsv",
        notes=f"{SAMPLE}/markers.h5ad",
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
            " --table {output.table} --full-table {output.full} --output {output.notes}"
            " {params.options}",
        )


# Once for all samples, and only where the config names a reference.
rule reference:
    input:
        input_files({"path": config["reference"]["path"]}) if HAS_REFERENCE else [],
    output:
        model=directory(f"{REFERENCE}/model"),
        cells=f"{REFERENCE}/cells.h5ad",
    log:
        f"{LOGS}/reference.log",
    conda:
        "../../envs/environment.yaml"
    container:
        GPU_IMAGE
    threads: 4
    resources:
        **ON_GPU,
        mem_mb=for_reference("mem_mb"),
        runtime=for_reference("minutes"),
    params:
        options=options({**config["reference"], "device": config["device"]}),
        checkpoint=f"{REFERENCE}/training.checkpoint",
    shell:
        program(
            "reference",
            "--model {output.model} --output {output.cells}"
            " --checkpoint {params.checkpoint} {params.options}",
            sample="reference",
            folder=REFERENCE,
        )


rule transfer:
    input:
        expression=f"{SAMPLE}/expression.h5ad",
        model=f"{REFERENCE}/model",
        reference=f"{REFERENCE}/cells.h5ad",
        sizes=f"{SAMPLE}/size.json",
    output:
        f"{SAMPLE}/transfer.h5ad",
    log:
        f"{LOGS}/{{sample}}/transfer.log",
    conda:
        "../../envs/environment.yaml"
    threads: cores_by_size
    resources:
        **ON_CPU,
        mem_mb=memory("expression"),
        runtime=minutes("train"),
    shell:
        program(
            "transfer",
            "--expression {input.expression} --model {input.model}"
            " --reference {input.reference} --output {output}",
        )


rule annotate:
    input:
        [
            config["annotation"][key] or []
            for key in ("marker_table", "celltypist_model")
        ],
        expression=f"{SAMPLE}/expression.h5ad",
        clusters=f"{SAMPLE}/clusters.h5ad",
        embedding=f"{SAMPLE}/embedding.h5ad",
        sizes=f"{SAMPLE}/size.json",
        transferred=f"{SAMPLE}/transfer.h5ad" if HAS_REFERENCE else [],
    output:
        table=f"{SAMPLE}/annotation.tsv",
        cells=f"{SAMPLE}/annotation.h5ad",
    log:
        f"{LOGS}/{{sample}}/annotate.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **ON_CPU,
        mem_mb=memory("annotate", CELLTYPIST_MB),
        runtime=minutes("annotate"),
    params:
        options=given(**config["annotation"], organism=None),
        transferred="--transferred" if HAS_REFERENCE else "",
    shell:
        program(
            "annotate",
            "--expression {input.expression} --clusters {input.clusters}"
            " --embedding {input.embedding} --table {output.table} --output {output.cells}"
            " {params.transferred} {input.transferred} {params.options}",
        )


# Only where the config asks for it.
rule trajectory:
    input:
        counts=f"{SAMPLE}/counts.h5ad",
        expression=f"{SAMPLE}/expression.h5ad",
        embedding=f"{SAMPLE}/embedding.h5ad",
        clusters=f"{SAMPLE}/clusters.h5ad",
        model=f"{SAMPLE}/model",
        sizes=f"{SAMPLE}/size.json",
    output:
        f"{SAMPLE}/trajectory.h5ad",
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
        options=given(root=config["trajectory"]["root"], label=None),
    shell:
        program(
            "trajectory",
            "--counts {input.counts} --expression {input.expression}"
            " --embedding {input.embedding} --clusters {input.clusters}"
            " --model {input.model} --output {output} {params.options}",
        )


rule evaluate:
    input:
        counts=f"{SAMPLE}/counts.h5ad",
        expression=f"{SAMPLE}/expression.h5ad",
        graph=f"{SAMPLE}/graph.h5ad",
        embedding=f"{SAMPLE}/embedding.h5ad",
        clusters=f"{SAMPLE}/clusters.h5ad",
        layout=f"{SAMPLE}/layout.h5ad",
        trajectory=f"{SAMPLE}/trajectory.h5ad" if ORDERED else [],
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
        trajectory="--trajectory" if ORDERED else "",
    shell:
        program(
            "evaluate",
            "--counts {input.counts} --expression {input.expression} --graph {input.graph}"
            " --embedding {input.embedding} --clusters {input.clusters} --layout {input.layout}"
            " --output {output} {params.trajectory} {input.trajectory} {params.options}",
        )
