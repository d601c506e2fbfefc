# The Siamese networks: their training, and the clusters of their ensemble.


# Only joint training depends on the number of clusters.
INDEPENDENT = [] if config["model"]["cluster_steps"] else ["n_clusters"]


rule train:
    input:
        **reads("train"),
    output:
        **writes("train"),
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
        settings=settings_of("train", without=INDEPENDENT),
    shell:
        program("train")


# Another number of clusters needs this rule alone. When the benchmark ran, the ensemble was a part
# of the training; so what that needs is an upper bound.
rule cluster:
    input:
        **reads("cluster"),
    output:
        **writes("cluster"),
    log:
        f"{LOGS}/{{sample}}/cluster.log",
    conda:
        "../../envs/environment.yaml"
    threads: cores_by_size
    resources:
        **ON_CPU,
        mem_mb=memory("train"),
        runtime=minutes("train"),
    params:
        settings=settings_of("cluster"),
    shell:
        program("cluster")


# The map and Leiden's clusters, which do not need ours.
rule layout:
    input:
        **reads("layout"),
    output:
        **writes("layout"),
    log:
        f"{LOGS}/{{sample}}/layout.log",
    conda:
        "../../envs/environment.yaml"
    threads: cores_by_size
    resources:
        **ON_CPU,
        mem_mb=memory("layout"),
        runtime=minutes("layout"),
    params:
        settings=settings_of("layout"),
    shell:
        program("layout")
