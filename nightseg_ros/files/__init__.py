# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads and writes files of any content: atomic writes, one writer at a time, no leftovers."""
