# The Siamese network: its training, and the clusters it gives.

TRAINING = config["model"] | {key: config[key] for key in ("n_clusters", "device")}


rule train:
    input:
        expression=f"{SAMPLE}/expression.h5ad",
        graph=f"{SAMPLE}/graph.h5ad",
        sizes=f"{SAMPLE}/size.json",
    output:
        model=directory(f"{SAMPLE}/model"),
        embedding=f"{SAMPLE}/embedding.h5ad",
        history=f"{SAMPLE}/training.tsv",
    log:
        f"{LOGS}/{{sample}}/train.log",
    conda:
        "../../envs/environment.yaml"
    container:
        GPU_IMAGE
    threads: cores_by_size
    resources:
        **ON_GPU,
        mem_mb=memory("train"),
        runtime=minutes("train"),
    params:
        options=given(**TRAINING),
        checkpoint=f"{SAMPLE}/training.checkpoint",
    shell:
        program(
            "train",
            "--expression {input.expression} --graph {input.graph} --model {output.model}"
            " --embedding {output.embedding} --history {output.history}"
            " --checkpoint {params.checkpoint} {params.options}",
        )


rule cluster:
    input:
        embedding=f"{SAMPLE}/embedding.h5ad",
        model=f"{SAMPLE}/model",
        sizes=f"{SAMPLE}/size.json",
    output:
        f"{SAMPLE}/clusters.h5ad",
    log:
        f"{LOGS}/{{sample}}/cluster.log",
    conda:
        "../../envs/environment.yaml"
    threads: cores_by_size
    resources:
        **ON_CPU,
        mem_mb=memory("cluster"),
        runtime=minutes("cluster"),
    shell:
        program(
            "cluster",
            "--embedding {input.embedding} --model {input.model} --output {output}",
        )


# The map and Leiden's clusters, which need no cluster of ours.
rule layout:
    input:
        graph=f"{SAMPLE}/graph.h5ad",
        embedding=f"{SAMPLE}/embedding.h5ad",
        sizes=f"{SAMPLE}/size.json",
    output:
        f"{SAMPLE}/layout.h5ad",
    log:
        f"{LOGS}/{{sample}}/layout.log",
    conda:
        "../../envs/environment.yaml"
    threads: cores_by_size
    resources:
        **ON_CPU,
        mem_mb=memory("layout"),
        runtime=minutes("layout"),
    shell:
        program(
            "layout",
            "--graph {input.graph} --embedding {input.embedding} --output {output}",
        )
