# Two commands for a fresh machine: `make demo` and `make test`. `make help` lists the rest.

PYTHON ?= python3
# The ROS 2 that comes as wheels: kilted or jazzy. `ROS=system` takes the sourced one instead.
ROS ?= kilted
# Pinned so that pip takes the small CPU build where one is configured under this version. Options
# of pip may follow, for example TORCH="torch==2.13.0 --find-links FOLDER_OF_CPU_BUILDS".
TORCH ?= torch==2.13.0
# More options for `nightseg demo` and for pytest.
ARGS ?=
# A recording of yours for `make demo`, instead of the rendered drive.
BAG ?=
VIDEO ?=

ifeq ($(ROS),kilted)
VENV ?= .venv
else
VENV ?= .venv-$(ROS)
endif

ifeq ($(ROS),system)
VENV_OPTIONS = --system-site-packages
RUN_EXTRAS = replay
else
VENV_OPTIONS =
RUN_EXTRAS = ros-$(ROS),replay
# A sourced ROS and the wheels do not mix.
ifdef AMENT_PREFIX_PATH
unexport LD_LIBRARY_PATH
endif
unexport AMENT_PREFIX_PATH COLCON_PREFIX_PATH PYTHONPATH RMW_IMPLEMENTATION ROS_DISTRO ROS_VERSION
endif

BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
SHELL = /bin/bash

.DEFAULT_GOAL = help
.PHONY: help demo test check lint audit faults soak test-jazzy clean

help: ## Say what can be made
	@echo 'Usage: make TARGET [ROS=kilted|jazzy|system] [PYTHON=python3.12]'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.run ## Drive through the night on a real ROS graph, report; or BAG=... or VIDEO=...
	$(BIN)/nightseg demo $(if $(BAG),--bag "$(BAG)") $(if $(VIDEO),--video "$(VIDEO)") $(ARGS)

test: lint ## Run linters, type checks and all tests
	$(BIN)/python -m pytest $(ARGS)

check: lint ## Run the part of `test` that takes under two minutes
	$(BIN)/python -m pytest -m 'not slow and not ros' $(ARGS)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet -ll --recursive nightseg_ros launch setup.py

audit: $(VENV)/.test ## Look for known holes in all that is installed (asks pypi.org)
	$(PIP) pip-audit
	$(BIN)/pip-audit --local --skip-editable

faults: $(VENV)/.run ## Do everything to a running node that a bad hour may bring; nine minutes
	$(BIN)/nightseg faults $(ARGS)

soak: $(VENV)/.run ## Drive with four cameras for three minutes; does anything grow?
	$(BIN)/nightseg soak $(ARGS)

test-jazzy: ## Run the ROS tests on ROS 2 Jazzy, in an environment of its own
	@$(MAKE) --no-print-directory ROS=jazzy .venv-jazzy/.ros-test VENV=.venv-jazzy
	.venv-jazzy/bin/python -m pytest test/ros test/launch $(ARGS)

clean: ## Remove environments, build folders and caches
	rm -rf .venv .venv-* build dist install log *.egg-info
	rm -rf .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "make: $(PYTHON) not found: sudo apt install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' || { \
	  echo "make: $$($(PYTHON) --version) does not fit: the ROS wheels are made for Python 3.10" \
	    "to 3.13; name one with PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  echo "make: $(PYTHON) cannot make virtual environments: sudo apt install python3-venv" >&2; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV_OPTIONS) $(VENV)

# Stamps: a second call installs nothing until setup.py changes.
$(VENV)/.run: setup.py | $(VENV)/bin/python
	@echo 'Installing nightseg_ros and ROS 2 ($(ROS)) into $(VENV); this takes a minute or two.'
	$(PIP) -e '.[$(RUN_EXTRAS)]'
	@touch $@

$(VENV)/.test: setup.py $(VENV)/.run
	@echo 'Installing what training and tests need into $(VENV); this takes some minutes.'
	$(PIP) -e '.[$(RUN_EXTRAS),train,test]' $(TORCH)
	@touch $@

$(VENV)/.ros-test: setup.py $(VENV)/.run
	$(PIP) pytest pytest-timeout hypothesis onnx
	@touch $@
