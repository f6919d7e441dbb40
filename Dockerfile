# The nodes and the nightseg command on ROS 2. By default for the CPU:
#   docker build -t nightseg .
#   docker run --rm --net=host --ipc=host nightseg
# CUDA (run it with --gpus all):
#   docker build -t nightseg --build-arg ENGINE="onnxruntime-gpu[cuda,cudnn]" .
# Jetson, whose base image brings TensorRT (run it with --runtime nvidia):
#   docker build -t nightseg --build-arg BASE=dustynv/ros:humble-ros-base-l4t-r36.2.0 \
#     --build-arg ENGINE="" .
ARG BASE=ros:kilted-ros-base
# hadolint ignore=DL3006 - the tag is in BASE
FROM ${BASE}

# What pip installs to run the models; empty where the base image brings it.
ARG ENGINE=onnxruntime
# RViz and the bag player belong on the desk, not in the image of a vehicle.
ARG SKIP="rviz2 ros2bag"
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ENV PIP_BREAK_SYSTEM_PACKAGES=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1

WORKDIR /ws
COPY package.xml src/nightseg_ros/
# ROS distributions keep one version of a package at a time: there is none to pin.
# hadolint ignore=DL3008,DL3013,SC1091
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-colcon-common-extensions python3-pip \
    && . /opt/ros/*/setup.sh \
    && rosdep update --rosdistro "${ROS_DISTRO}" \
    && rosdep install --from-paths src --ignore-src -y --dependency-types exec \
        --skip-keys "${SKIP}" \
    && if [ -n "${ENGINE}" ]; then python3 -m pip install "${ENGINE}"; fi \
    && rm -rf /var/lib/apt/lists/*

COPY . src/nightseg_ros/
# hadolint ignore=SC1091
RUN . /opt/ros/*/setup.sh \
    && colcon build --packages-select nightseg_ros \
    && rm -rf build log \
    && printf '#!/bin/bash\nset -e\nsource /ws/install/setup.bash\nexec "$@"\n' > /entrypoint.sh \
    && chmod +x /entrypoint.sh

ENTRYPOINT ["/entrypoint.sh"]
CMD ["ros2", "run", "nightseg_ros", "nightseg", "run", "--camera-topic", "/camera/image_raw"]
