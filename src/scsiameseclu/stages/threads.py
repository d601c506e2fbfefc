"""The number of threads of a stage."""

from __future__ import annotations

import os
import sys

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


def set_variables(number: int | None = None) -> None:
    """Set the environment variables that libraries read when they are loaded.

    Parameters
    ----------
    number
        Number of threads; if None, the variables for it stay as they are.
    """
    if number:
        os.environ |= dict.fromkeys(THREAD_VARIABLES, str(number))
    # let idle threads sleep: busy waiting makes all jobs of a shared node several times slower
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ["MPLBACKEND"] = "agg"  # a notebook hands its own down, which may not be installed


def limit_loaded() -> None:
    """Let libraries that are loaded already use as many threads as the variables say."""
    from threadpoolctl import threadpool_limits

    number = int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))
    threadpool_limits(number)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(number)
    if "numba" in sys.modules:
        from numba.core import config
        from numba.np.ufunc import parallel

        config.reload_config()
        parallel.NUM_THREADS = parallel.get_thread_count()  # read when numba starts its threads
