# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The state of a lifecycle node in another process, as a manager asks for it."""

from __future__ import annotations

import time


def state_of(node, name, wanted, seconds=60.0):
    """Wait for a state of a lifecycle node; return the last one seen.

    A service that has just been found may lose its first answer: the server may not know the
    way back to the client yet. Asking again is the remedy.
    """
    import rclpy
    from lifecycle_msgs.srv import GetState

    client = node.create_client(GetState, f"{name}/get_state")
    end, label = time.monotonic() + seconds, ""
    while label != wanted and time.monotonic() < end:
        if not client.wait_for_service(1.0):
            continue
        future = client.call_async(GetState.Request())
        rclpy.spin_until_future_complete(node, future, timeout_sec=2)
        label = future.result().current_state.label if future.done() else label
        time.sleep(0.1)
    return label
