# scSiameseClu: label-free clustering of single-cell RNA-seq. Writes one report and one annotated
# h5ad file per sample of config/samples.tsv, and a cohort report. Run it with `snakemake --cores 8`.
from snakemake.utils import min_version

min_version("9.8")


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"


# Used with --use-singularity only; the rules define conda environments (--sdm conda).
container: IMAGE


report: "workflow/report/workflow.rst"


wildcard_constraints:
    sample="|".join(map(re.escape, SAMPLES)),
    cohort="|".join(map(re.escape, COHORTS)) or "-",


include: "workflow/rules/input.smk"
include: "workflow/rules/model.smk"
include: "workflow/rules/biology.smk"
include: "workflow/rules/cohorts.smk"
include: "workflow/rules/joint.smk"
include: "workflow/rules/report.smk"


localrules:
    all,


rule all:
    default_target: True
    input:
        f"{RESULTS}/index.html",
        f"{RESULTS}/multiqc_report.html",
        COMPLETE,
        ALL_FILES,


onstart:
    note_cancellation()
    if not FINISHING:
        hold(RUN_NOTE)
        if problem := claim(Path(RESULTS)):
            raise WorkflowError(problem)
        say_running(Path(RESULTS, "index.html"))
    start_warm_process()


onsuccess:
    if not FINISHING:
        say_ended(Path(RESULTS, "index.html"))


# The run that finishes cohorts without failed samples leaves the report to the run that started it.
onerror:
    if not FINISHING:
        Path(COMPLETE).unlink(missing_ok=True)
        finish_cohorts()
        # The host of Snakemake may lack the dependencies, which the image has.
        container_image = IMAGE if in_containers(workflow) else None
        summary = show_failures(
            lambda command: shell(command, container_img=container_image),
            {"cohort": COHORT, "multiqc": MULTIQC},
            RESULTS,
        )
        print(summary, file=sys.stderr)
