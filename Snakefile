# scSiameseClu: label-free clustering of single-cell RNA-seq, from the files of config/samples.tsv
# to one page a sample, one for the cohort, and an annotated h5ad. `snakemake --cores 8` runs it.
from snakemake.utils import min_version

min_version("9.8")


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"


# Only with --use-singularity; conda environments (--sdm conda) are named in the rules.
container: IMAGE


report: "workflow/report/workflow.rst"


wildcard_constraints:
    sample="|".join(map(re.escape, SAMPLES)),


include: "workflow/rules/input.smk"
include: "workflow/rules/model.smk"
include: "workflow/rules/biology.smk"
include: "workflow/rules/report.smk"


localrules:
    all,


rule all:
    default_target: True
    input:
        f"{RESULTS}/index.html",
        f"{RESULTS}/multiqc_report.html",
        COMPLETE,
        # Named one by one, so that a file that a killed job took away is made again.
        [expand(file(name), sample=SAMPLES) for name in manifest.outputs(FEATURES)],


onstart:
    hold(RUN_NOTE)


onerror:
    Path(COMPLETE).unlink(missing_ok=True)
    # The image has what the host where Snakemake runs may lack.
    where = IMAGE if in_containers(workflow) else None
    after = show_failures(
        lambda command: shell(command, container_img=where),
        {"cohort": COHORT, "multiqc": MULTIQC},
        RESULTS,
    )
    print(after, file=sys.stderr)
