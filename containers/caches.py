"""Cache folders of numba and matplotlib in the container images, which are read-only.

Python imports this module at startup.
"""

import os
import tempfile

_FOLDER = os.path.join(tempfile.gettempdir(), f"scsiameseclu-{os.getuid()}")
for _name, _folder in (("NUMBA_CACHE_DIR", "numba"), ("MPLCONFIGDIR", "matplotlib")):
    os.environ.setdefault(_name, os.path.join(_FOLDER, _folder))
