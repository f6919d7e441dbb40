# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How Sphinx builds these pages: `make docs`, or rosdoc2 on docs.ros.org."""

from importlib.util import find_spec

project = "nightseg_ros"
author = "the nightseg_ros authors"
copyright = f"2026, {author}"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 4
# docs.ros.org has the other theme only.
html_theme = "furo" if find_spec("furo") else "sphinx_rtd_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["tables.css"]
smartquotes = False  # `--set` in the help of an option must stay what it is
autodoc_member_order = "bysource"
