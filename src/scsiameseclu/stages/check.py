"""Check: all samples of a sheet, before any work."""

from pathlib import Path

from scsiameseclu.errors import UserError


def check(sheet: Path) -> None:
    """Print what every sample's file is and what is wrong with it.

    Raises
    ------
    UserError
        At least one sample cannot be done.
    """
    from scsiameseclu.stages.sheet import check_sheet

    findings = check_sheet(sheet)
    for _, level, sentence in findings:
        print(f"{level:8}{sentence}")
    bad = sorted({sample for sample, level, _ in findings if level == "error"})
    if bad:
        raise UserError(
            f"{len(bad)} of the samples in {sheet} cannot be done ({', '.join(bad)}); "
            "see the lines marked error"
        )
