# What a user opens: the annotated h5ad, one page a sample, one for the cohort, and MultiQC.

# The stages' files that the page and the h5ad of a sample are put together from.
TABLES = [
    "quality.tsv",
    "training.tsv",
    "markers.tsv",
    "annotation.tsv",
    "metrics.json",
]
SIDECARS = [
    "counts",
    "filtered",
    "expression",
    "graph",
    "embedding",
    "clusters",
    "layout",
    "markers",
    "annotation",
]
SIDECARS = [
    f"{name}.h5ad" for name in [*SIDECARS, *(["trajectory"] if ORDERED else [])]
]


rule report:
    input:
        [f"{SAMPLE}/{name}" for name in TABLES],
        [f"{SAMPLE}/{name}" for name in SIDECARS],
        sizes=f"{SAMPLE}/size.json",
    output:
        report(
            f"{SAMPLE}/report.html",
            caption="../report/sample.rst",
            category="Samples",
            labels={"sample": "{sample}", "page": "report"},
        ),
    log:
        f"{LOGS}/{{sample}}/report.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **ON_CPU,
        mem_mb=memory("report"),
        runtime=minutes("report"),
    params:
        options=given(label=None),
    shell:
        program(
            "report",
            f"--directory {FOLDER} --output {{output}} {WITH_TRAJECTORY} {{params.options}}",
        )


rule assemble:
    input:
        [f"{SAMPLE}/{name}" for name in SIDECARS],
        sizes=f"{SAMPLE}/size.json",
    output:
        f"{SAMPLE}/{{sample}}.h5ad",
    log:
        f"{LOGS}/{{sample}}/assemble.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **ON_CPU,
        mem_mb=memory("assemble"),
        runtime=minutes("assemble"),
    shell:
        program(
            "assemble", f"--directory {FOLDER} --output {{output}} {WITH_TRAJECTORY}"
        )


rule cohort:
    input:
        config["samples"],
        expand([f"{SAMPLE}/report.html", f"{SAMPLE}/{{sample}}.h5ad"], sample=SAMPLES),
    output:
        page=report(
            f"{RESULTS}/index.html",
            caption="../report/cohort.rst",
            category="Cohort",
            labels={"page": "cohort"},
        ),
        tables=[f"{RESULTS}/cohort.tsv", f"{RESULTS}/status.tsv"],
        multiqc=directory(f"{RESULTS}/multiqc"),
        complete=touch(COMPLETE),
    log:
        f"{LOGS}/cohort.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **ON_CPU,
        mem_mb=lambda wildcards, attempt: 2000 * 2 ** (attempt - 1),
        runtime=lambda wildcards, attempt: 10 * 2 ** (attempt - 1),
    shell:
        f"{COHORT} 2>&1 | tee {{log}}"


rule multiqc:
    input:
        f"{RESULTS}/multiqc",
    output:
        report(
            f"{RESULTS}/multiqc_report.html",
            caption="../report/multiqc.rst",
            category="Cohort",
            labels={"page": "MultiQC"},
        ),
    log:
        f"{LOGS}/multiqc.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **ON_CPU,
        mem_mb=lambda wildcards, attempt: 2000 * 2 ** (attempt - 1),
        runtime=lambda wildcards, attempt: 10 * 2 ** (attempt - 1),
    shell:
        f"{MULTIQC} 2>&1 | tee {{log}}"
