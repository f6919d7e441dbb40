# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Options of the command line as frozen dataclasses, and those that several verbs share."""
