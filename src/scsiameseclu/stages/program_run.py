"""One run of the program of a stage: how its failures are printed and recorded."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scsiameseclu.stages.endings import (
    CRASHES,
    MAY_PASS,
    MUST_MEND,
    Ending,
    ending_of_signal,
    no_space,
)
from scsiameseclu.stages.notes import clear_running, failure_of, note_failure
from scsiameseclu.stages.watching import Death
from scsiameseclu.store.space import is_full


@dataclass(frozen=True)
class ProgramRun:
    """The stage, where its failures are recorded, what was requested, and shared memory in MB."""

    stage: str
    sample: str
    directory: Path | None
    asked_mb: int | None
    attempt: int
    shared_mb: float = 0

    def fail(self, ending: Ending) -> int:
        """Print and record a failure; returns the exit code."""
        reason = ending.reason + (f" (tried {self.attempt} times)" if self.attempt > 1 else "")
        where = f"sample {self.sample}: " if self.sample else ""
        print(f"error: {where}{reason}", file=sys.stderr)
        if self.directory is not None:
            with suppress(OSError):  # no space, which the log says
                note_failure(
                    self.directory,
                    self.sample or self.stage,
                    self.stage,
                    reason,
                    must_mend=ending.code == MUST_MEND,
                )
        return ending.code

    def died(self, death: Death) -> int:
        """Record that a signal ended the stage; returns the exit code."""
        if self.directory is not None:
            clear_running(self.directory, self.stage)
            note = failure_of(self.directory, self.stage)
            if note and death.number not in (signal.SIGKILL, signal.SIGTERM):
                print(f"error: {note['reason']}", file=sys.stderr)  # recorded beforehand
                return MUST_MEND if note.get("must_mend") else 128 + death.number
            # HDF5 may crash while it closes a file that it could not write
            if death.number in CRASHES and is_full(self.directory):
                return self.fail(Ending(MAY_PASS, no_space(self.directory)))
        self.fail(
            ending_of_signal(
                death.number,
                self.stage,
                peak_mb=max(0, death.peak_mb - self.shared_mb),
                asked_mb=self.asked_mb,
                out_of_memory=death.out_of_memory,
            )
        )
        return 128 + death.number

    def refuse_repetition(self) -> None:
        """Exit if an earlier attempt has failed by what a user must mend."""
        note = None if self.directory is None else failure_of(self.directory, self.stage)
        if note and note.get("must_mend") and self.attempt > 1:
            print(f"error: {note['reason']} (not tried again)", file=sys.stderr)
            sys.exit(MUST_MEND)
