# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Exports trained networks to ONNX model folders, int8, OpenVINO and TensorRT."""
