"""What becomes of a file: read, refused in one sentence, or an exception that nobody expects."""

import resource
import traceback
import warnings
from pathlib import Path

from scsiameseclu.errors import UserError
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.io.sample import read_sample

MAX_BYTES = 2 * 2**30


def outcome(path: Path) -> tuple[str, object]:
    """``("read", (cells, genes, sum))``, ``("refused", messages)`` or ``("raised", traceback)``.

    To be called in a process of its own, whose memory it limits to 2 GB, unless less is allowed.
    """
    most = resource.getrlimit(resource.RLIMIT_DATA)[1]
    most = MAX_BYTES if most == resource.RLIM_INFINITY else min(most, MAX_BYTES)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    warnings.simplefilter("ignore")
    try:
        sample = read_sample(str(path), ReadRequest(), sample="s")
    except UserError as error:
        return "refused", [str(error)]
    except BaseException:
        return "raised", traceback.format_exc()
    if sample.errors:
        return "refused", list(sample.errors)
    matrix = sample.loaded.matrix
    return "read", (*matrix.shape, float(matrix.sum()))
