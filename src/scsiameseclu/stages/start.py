"""Start of the program of a stage: in the warm process of the run if it has one, else here."""

import sys


def start(stage: str) -> None:
    """Run a stage with the arguments of this process, and exit as the stage does.

    Little is imported before the stage is handed over, since each of a sample's programs starts
    with it.

    Parameters
    ----------
    stage
        Name of the stage.
    """
    from scsiameseclu.stages.warm import hand_over

    hand_over(stage, sys.argv)
    from scsiameseclu.stages.program import main

    main(stage, watched=True)
