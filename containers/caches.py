"""Of the images only: caches in a folder of the user's own, since the image cannot be written to.

Python runs this before anything else. numba and matplotlib keep what they compile and measure.
"""

import os
import tempfile

_FOLDER = os.path.join(tempfile.gettempdir(), f"scsiameseclu-{os.getuid()}")
for _name, _folder in (("NUMBA_CACHE_DIR", "numba"), ("MPLCONFIGDIR", "matplotlib")):
    os.environ.setdefault(_name, os.path.join(_FOLDER, _folder))
