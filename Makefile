# make lab       set up and open JupyterLab on the first chapter
# make test      set up and run every test, the notebooks included
# make site      the course as web pages, from the saved notebooks: build/site/index.html
# make outputs   run chapters on made-up data (showcase profile) and save them with their outputs
# make student   notebooks without solutions and outputs, in build/student/
# make results   CHAPTER=02_mri_fcn SEEDS="0 1 2" PROFILE=full: measure on the real data
# make badges    REPO=owner/name: give this copy its address on GitHub
# make lint      format and lint checks
# make readme    write the README's table of chapters anew
# make lock      write requirements.lock anew (needs `pip install uv`); UPGRADE=1: newer versions
#
# Parts of make test:  make test-package
#                      make test-notebooks CHAPTER=02_mri_fcn PROFILE=sample CELL_TIMEOUT=600
# An older processor:  make test-numbers
# In a browser:        make test-browser CHAPTER=01_mri_mlp CHROMIUM=/usr/bin/chromium
# As in Colab:         make test-colab CHAPTER=01_mri_mlp RUNTIME=tests/colab/runtime-2026.01.txt
# Other versions:      make test-oldest, make test-newest (any target: VERSIONS=oldest)
# What others keep up: make data DATA=sunnybrook (download)
# An NVIDIA GPU:       make gpu
#
# Another Python: make lab PYTHON=python3.13
# SEEDS and PROFILE of make results: COURSE_SEED and COURSE_PROFILE where these are set, else 0 and
# full. The tests are in the sample profile unless PROFILE says otherwise.

PYTHON ?= python3
# locked (requirements.lock), oldest or newest (what pyproject.toml allows)
VERSIONS ?= locked
ifeq ($(VERSIONS),locked)
VENV := .venv
else
VENV := build/$(VERSIONS)-$(notdir $(PYTHON))
endif
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --disable-pip-version-check --quiet

# What is wrong is said before anything is made.
ifeq ($(filter locked oldest newest,$(VERSIONS)),)
$(error No VERSIONS=$(VERSIONS). There are: locked, oldest, newest)
endif
CHAPTERS := $(sort $(patsubst notebooks/%.ipynb,%,$(wildcard notebooks/*.ipynb)))
ifneq ($(filter test-notebooks test-browser test-colab results,$(MAKECMDGOALS)),)
ifneq ($(filter-out $(CHAPTERS),$(CHAPTER)),)
$(error No chapter $(filter-out $(CHAPTERS),$(CHAPTER)). There are: $(CHAPTERS))
endif
endif

# The environment holds exactly what the lock names, or pyproject.toml allows. It is made anew when
# the lock changes, or of pyproject.toml the lines that decide what is installed and how: not its
# address, version or settings of tools. The mark that it is ready is named after their checksum.
DECIDES := LC_ALL=C awk '/^\[/ {on = /build-system|optional-dependencies|tool.hatch/} \
    /^dependencies/ {on = 1} /^requires-python/ || on && /^ *["a-z]/' pyproject.toml
ifeq ($(VERSIONS),locked)
DECIDES += | cat - requirements.lock
endif
READY := $(VENV)/.ready-$(firstword $(shell $(DECIDES) | cksum))

SEEDS ?= $(or $(COURSE_SEED),0)
LAB_ARGS ?=
# Seconds a cell may take, and how many parts of the tests run side by side.
CELL_TIMEOUT ?= 600
JOBS ?= 2
RUN_TESTS = $(PY) tools/run_tests.py --profile $(or $(PROFILE),sample) --jobs $(JOBS) \
    --cell-timeout $(CELL_TIMEOUT)

.PHONY: setup lab test test-package test-notebooks test-numbers test-browser test-colab test-oldest
.PHONY: test-newest site outputs student results badges readme data gpu lint lock clean

setup: $(READY)

lab: $(READY)
	$(PY) -m jupyterlab --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(LAB_ARGS)

test: $(READY)
	$(RUN_TESTS)

test-package: $(READY)
	$(PY) -m pytest tests

test-notebooks: $(READY)
	$(RUN_TESTS) $(or $(CHAPTER),$(CHAPTERS))

# The numbers once more, as TensorFlow computes them on a processor without AVX-512.
test-numbers: $(READY)
	TF_ENABLE_ONEDNN_OPTS=0 $(PY) -m pytest tests/test_losses.py tests/test_metrics.py \
	    tests/test_keras_metrics.py tests/test_models.py tests/test_pipeline.py tests/test_training.py

# Each chapter in JupyterLab and a headless Chromium, as a reader uses it. Takes minutes.
test-browser: $(READY)
	$(PIP) --no-build-isolation -e ".[browser,export,serve]"
	CHROMIUM="$(or $(CHROMIUM),chromium)" $(PY) -m pytest tests/browser $(if $(CHAPTER),-k "$(CHAPTER)")

# Each chapter alone in an environment like Colab's. Takes minutes, and the network.
test-colab: $(READY)
	COLAB_RUNTIME="$(or $(RUNTIME),requirements.lock)" COLAB_PYTHON="$(PYTHON)" \
	    $(PY) -m pytest tests/colab $(if $(CHAPTER),-k "$(CHAPTER)")

test-oldest:
	@$(MAKE) test VERSIONS=oldest

test-newest:
	@$(MAKE) test VERSIONS=newest

# Warnings are errors. After the first time it needs no network.
site: $(READY)
	$(PY) -m pip install --disable-pip-version-check --quiet --no-build-isolation -e ".[site]"
	$(PY) -m sphinx --quiet --fail-on-warning --fresh-env --conf-dir docs --doctree-dir build/doctrees . build/site

outputs: $(READY)
	$(PY) tools/notebooks.py $(CHAPTER)

student: $(READY)
	$(PY) tools/student_edition.py

results: $(READY)
	@test -n "$(CHAPTER)" || { echo 'Which chapter? make results CHAPTER=02_mri_fcn SEEDS="0 1 2"'; exit 1; }
	$(PY) tools/run_results.py $(CHAPTER) --seeds $(SEEDS) --profile $(or $(PROFILE),$(COURSE_PROFILE),full)

badges:
	@test -n '$(REPO)' || { echo 'Which repository? make badges REPO=owner/name'; exit 1; }
	$(CHECK_PYTHON)
	@$(PYTHON) tools/stamp.py '$(REPO)'

readme: $(READY)
	$(PY) tools/readme.py

data: $(READY)
	$(PY) data_scripts/fetch_data.py $(DATA)

gpu: $(READY)
	$(PIP) "tensorflow[and-cuda]"
	@$(PY) -c 'import sys, tensorflow as tf; gpus = tf.config.list_physical_devices("GPU"); print(gpus); sys.exit(None if gpus else "TensorFlow sees no GPU. Does nvidia-smi list one?")'

lint: $(READY)
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .

# One list for Python 3.11 to 3.13 on Linux, Windows and macOS. It names no package index.
RESOLVE := -m uv pip compile pyproject.toml --extra local --extra test --generate-hashes --quiet \
    --no-annotate --no-emit-index-url --no-emit-find-links

lock:
	$(PYTHON) $(RESOLVE) --universal --python-version 3.11 --fork-strategy fewest \
	    --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) --output-file requirements.lock

clean:
	rm -rf build $(VENV)

define CHECK_PYTHON
@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON). Install Python 3.11, 3.12 or 3.13, or name yours: make lab PYTHON=python3.13"; exit 1; }
@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else "Python 3.11, 3.12 or 3.13 is needed, and $(PYTHON) is %d.%d. Name another: make lab PYTHON=python3.13" % v)'
endef

$(READY):
	$(CHECK_PYTHON)
	$(PYTHON) -m venv --clear $(VENV)
	$(INSTALL_$(VERSIONS))
	@touch $(READY)

define INSTALL_locked
$(PIP) --require-hashes -r requirements.lock
$(PIP) --no-deps --no-build-isolation -e .
endef

# pyproject.toml leaves NumPy to TensorFlow; named here, it too is taken as old as TensorFlow allows.
# What the project does not name itself stays new: nobody has the oldest of those.
define INSTALL_oldest
$(PIP) uv
printf 'numpy>=1.26\n' > $(VENV)/also.in
$(PY) $(RESOLVE) $(VENV)/also.in --python $(PY) --resolution lowest-direct --prerelease disallow \
    --only-binary :all: --no-header --output-file $(VENV)/oldest.txt
$(PIP) --require-hashes -r $(VENV)/oldest.txt
$(PIP) --no-deps --no-build-isolation -e .
@grep -o '^[^ ]*==[^ ]*' $(VENV)/oldest.txt
endef

define INSTALL_newest
$(PIP) --upgrade -e ".[local,test]"
$(PY) -m pip freeze --exclude-editable | tee $(VENV)/newest.txt
endef
