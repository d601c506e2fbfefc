# Training of the Siamese networks, clustering and UMAP.


# Only joint training depends on the number of clusters.
INDEPENDENT = [] if config["model"]["cluster_steps"] else ["n_clusters"]
# On the CPU, each network trains with one thread, so that results do not depend on their number; on
# a GPU, a second one prepares mini-batches.
ON_A_GPU = config["device"] == "cuda" or (
    config["device"] == "auto" and config["slurm"]["gpu_partition"] is not None
)
TRAINING_CORES = 2 if ON_A_GPU else config["model"]["networks"]


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
    threads: TRAINING_CORES
    resources:
        **ON_GPU,
        mem_mb=memory("train"),
        runtime=minutes("train"),
    params:
        settings=settings_of("train", without=INDEPENDENT),
    shell:
        program("train")


# A change of n_clusters reruns this rule, but not the training. When the benchmark was run, the
# ensemble was part of the training, whose requests are thus an upper bound.
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


# Applies the level and curation.tsv, which the stage writes, but which is neither an input nor an
# output: an edit reruns the stage by its content.
rule curate:
    input:
        **reads("curate"),
    output:
        **writes("curate"),
    log:
        f"{LOGS}/{{sample}}/curate.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        **ON_CPU,
        mem_mb=memory("markers"),
        runtime=minutes("markers"),
    params:
        settings=settings_of("curate"),
        curation=curation_of(f"{RESULTS}/samples/{{sample}}", "curate"),
    shell:
        program("curate")


# UMAP and Leiden clusters; independent of the rule cluster.
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
