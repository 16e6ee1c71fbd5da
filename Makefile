# make lab       set up and open JupyterLab on the first chapter
# make test      set up and run every test, the notebooks included
# make course    run every chapter on made-up data, leave web pages in build/course/
# make results   CHAPTER=02_mri_fcn SEEDS="0 1 2" PROFILE=full: measure on the real data
# make lint      format and lint checks
# make lock      write requirements.lock anew (needs `pip install uv`)
#
# Another Python: make lab PYTHON=python3.13

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready

SEEDS ?= 0
PROFILE ?= full
LAB_ARGS ?=
# Seconds a cell may take under nbval. A kernel that dies is noticed only after them.
CELL_TIMEOUT ?= 300

.PHONY: lab test test-package test-notebooks course results lint lock clean

lab: $(READY)
	$(PY) -m jupyterlab --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(LAB_ARGS)

# One after the other, also under make -j: both want all cores.
test: $(READY)
	@$(MAKE) test-package
	@$(MAKE) test-notebooks

test-package: $(READY)
	$(PY) -m pytest tests

test-notebooks: $(READY)
	COURSE_PROFILE=sample COURSE_SEED=0 COURSE_RESULTS= $(PY) -m pytest -p no:python \
	    --nbval-lax --nbval-current-env --nbval-cell-timeout=$(CELL_TIMEOUT) --durations=10 notebooks/

course: $(READY)
	$(PY) data_scripts/build_course.py

results: $(READY)
	@test -n "$(CHAPTER)" || { echo 'Which chapter? make results CHAPTER=02_mri_fcn SEEDS="0 1 2"'; exit 1; }
	$(PY) data_scripts/run_results.py $(CHAPTER) --seeds $(SEEDS) --profile $(PROFILE)

lint: $(READY)
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .

lock:
	$(PYTHON) data_scripts/lock.py

clean:
	rm -rf build $(VENV)

# The environment holds exactly what the lock names, so it is made anew when the lock changes.
$(READY): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON). Install Python 3.11, 3.12 or 3.13, or name yours: make lab PYTHON=python3.13"; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else "Python 3.11, 3.12 or 3.13 is needed, and $(PYTHON) is %d.%d. Name another: make lab PYTHON=python3.13" % v)'
	$(PYTHON) -m venv --clear $(VENV)
	$(PY) -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements.lock
	$(PY) -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $(READY)
