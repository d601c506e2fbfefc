# Final results: annotated h5ad files, sample reports, cohort report and MultiQC report.


rule report:
    input:
        **reads("report"),
    output:
        report(
            file("report"),
            caption="../report/sample.rst",
            category="Samples",
            labels={"sample": "{sample}", "page": "report"},
        ),
    log:
        f"{LOGS}/{{sample}}/report.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        **ON_CPU,
        mem_mb=memory("report"),
        runtime=minutes("report"),
    params:
        settings=settings_of("report"),
    shell:
        program("report")


rule assemble:
    input:
        **reads("assemble"),
    output:
        **writes("assemble"),
    log:
        f"{LOGS}/{{sample}}/assemble.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        **ON_CPU,
        mem_mb=memory("assemble"),
        runtime=minutes("assemble"),
    params:
        settings=settings_of("assemble"),
    shell:
        program("assemble")


# Runs only if any format of the section export is enabled.
rule export:
    input:
        **reads("export"),
    output:
        **writes("export"),
    log:
        f"{LOGS}/{{sample}}/export.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        **ON_CPU,
        mem_mb=memory("expression"),
        runtime=minutes("expression"),
    params:
        settings=settings_of("export"),
    shell:
        program("export")


rule cohort:
    input:
        config["samples"],
        ALL_FILES,
    output:
        page=report(
            f"{RESULTS}/index.html",
            caption="../report/cohort.rst",
            category="Cohort",
            labels={"page": "cohort"},
        ),
        tables=expand(f"{RESULTS}/{{name}}.tsv", name=["cohort", "status", "cohorts"]),
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
