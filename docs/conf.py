"""Configuration of the documentation; `make docs` builds it, without a network."""

import os
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "scSiameseClu"
author = "The scSiameseClu developers"
copyright = "2026, The scSiameseClu developers"
release = version = installed_version("scsiameseclu")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    # in docs/_ext
    "mathml",
    "repository",
    "rooms",
    "scanpy_returns",
    "setting_index",
]
exclude_patterns = ["_build", "README.md", "requirements.txt"]

# -- pages ------------------------------------------------------------------------------------

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

# Tutorials run at every build; a cell that fails, fails the build.
nb_execution_mode = "force"
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_output_stderr = "remove"  # progress bars

# Kernels read no profile of the user's, and do not warn that they listen on a local port.
profile = Path(__file__).parent / "_build" / "ipython" / "profile_default"
profile.mkdir(parents=True, exist_ok=True)
(profile / "ipython_kernel_config.py").write_text("c.IPKernelApp.log_level = 'ERROR'\n")
os.environ["IPYTHONDIR"] = str(profile.parent)

# -- API --------------------------------------------------------------------------------------

templates_path = ["_templates"]
autosummary_generate = True
# a file of its own where names differ in case only
autosummary_filename_map = {
    "scsiameseclu.metrics.Agreement": "scsiameseclu.metrics.Agreement_class"
}
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
napoleon_google_docstring = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True

# Other projects' names are not linked, since the build uses no network.
nitpick_ignore_regex = [
    (r"py:.*", r"(ad|anndata|matplotlib|np|numpy|pathlib|pd|pandas|scipy|sklearn|sp|torch)\..*"),
    (
        r"py:class",
        r"(Any|Axes|Figure|Path|Self|Tensor|array-like|optional|collections\..*|typing\..*)",
    ),
    (r"py:class", r"scsiameseclu\.model\.fitted\.FittedModel"),  # implementation
]

# -- HTML -------------------------------------------------------------------------------------

html_theme = "sphinx_book_theme"
html_title = f"scSiameseClu {release}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_js_files = ["filter.js"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "use_download_button": False,
    "use_fullscreen_button": False,
    "show_toc_level": 2,
    "home_page_in_toc": True,
    "navigation_with_keys": False,
    "navbar_persistent": [],  # the search is in the sidebar
}
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
