"""Start a chapter: the profile, the seed, the device, the data; keep its results."""

import os
import platform
import warnings
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from course_utils import environment
from course_utils.chapters import CHAPTERS, MADE_UP, PROFILES
from course_utils.scoreboard import Scoreboard, add_record, results_folder


@dataclass
class Run:
    """One run of one chapter, as `start` hands it to the notebook.

    Attributes
    ----------
    chapter : str
        The notebook's name without ending, such as "01_mri_mlp".
    profile : {"sample", "showcase", "quick", "full"}
        How much is computed, and on what data: see `choose`.
    seed : int
        Seed of this run.
    why : str
        Why this profile was chosen.
    device : str
        What trains: the GPU or the processor.
    precision : {"mixed_bfloat16", "float32"}
        The faster of the two on this machine, for `keras.mixed_precision.set_global_policy`.
    data_dir : pathlib.Path or None
        Folder of the chapter's data set, unpacked and checked.
    source : str
        What the data is and where it came from.
    results : list of dict
        What `record` has kept so far.
    """

    chapter: str
    profile: str
    seed: int
    why: str
    device: str
    precision: str
    data_dir: Path | None = None
    source: str = "drawn by the chapter itself"
    provenance: dict = field(default_factory=dict)
    results: list = field(default_factory=list)

    def choose(self, *, sample, quick, full):
        """Return the argument that belongs to this run's profile.

        ``sample`` is for tests: made-up data, seconds. ``quick`` and ``full`` are on the real data.
        The profile "showcase" is made-up data in the amounts of ``quick``.
        """
        chosen = {"sample": sample, "showcase": quick, "quick": quick, "full": full}
        return chosen[self.profile]

    def use(self, dataset):
        """Go on with another data set, named as in `course_utils.datasets.catalog`.

        What `record` keeps from here on is of it. The chapter's row in ``chapters.py`` names it.

        Returns
        -------
        pathlib.Path
            Its folder, unpacked and checked; made up where the profile's data is.
        """
        row, before = CHAPTERS[self.chapter], self.source
        if dataset not in (row.dataset, *row.further):  # offline mirrors go by that row
            raise ValueError(f"{self.chapter} has no {dataset!r} in course_utils/chapters.py.")
        _attach_data(self, dataset)
        if self.source != before:
            print(f"Data: {self.source}")
        return self.data_dir

    def record(self, name, scores, *, protocol, history=None, **details):
        """Keep the scores of one training for the scoreboard.

        Under `make results` they are also written to ``results/<chapter>.json`` at once, with the
        data, the seed, the device, the versions and the date.

        Parameters
        ----------
        name : str
            The row of the scoreboard, such as "FCN, published recipe".
        scores : dict of str to float
            Such as ``{"pixel_accuracy": 0.99, "miou": 0.9}``, each in [0, 1].
        protocol : str
            On which images and how the scores were computed.
        history : dict of str to list of float, optional
            The training's curves, as Keras's `History.history` has them.
        **details
            What else should be kept, such as ``image_passes=46800, seconds=512.0``. With
            ``aside=True`` the row stands in the folded table alone.
        """
        import keras

        entry = {
            "run": name,
            "profile": self.profile,
            "seed": self.seed,
            "scores": {key: round(float(value), 5) for key, value in scores.items()},
            "protocol": protocol,
            **details,
            **({"history": _rounded(history)} if history else {}),
            "data": {"source": self.source, **self.provenance},
            "device": self.device,
            "precision": keras.config.dtype_policy().name,
            "versions": versions(),
            "date": date.today().isoformat(),
        }
        self.results = [kept for kept in self.results if kept["run"] != name] + [entry]
        folder = os.environ.get("COURSE_RESULTS")
        if folder and self.profile in MADE_UP:
            raise ValueError("COURSE_RESULTS is set, but figures on made-up data are not results.")
        if folder:
            add_record(Path(folder).expanduser() / f"{self.chapter}.json", self.chapter, entry)
        shown = " · ".join(f"{key} {value:.4f}" for key, value in entry["scores"].items())
        print(f"{name} (seed {self.seed}): {shown}")

    def scoreboard(self):
        """Return the table of this run's scores, ours on the real data, and the published ones."""
        return Scoreboard(self.chapter, self.results, results_folder())


def start(chapter, profile=None):
    """Get ready for a chapter and say what was found.

    Parameters
    ----------
    chapter : str
        The notebook's name without ending.
    profile : {"sample", "showcase", "quick", "full"}, optional
        Default: what ``COURSE_PROFILE`` says; where it says nothing, "full" with a GPU and "quick"
        without.

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        If the chapter, ``COURSE_PROFILE`` or ``COURSE_SEED`` is none that exists, or
        ``COURSE_OWN_PICTURES`` is set in a profile of made-up pictures.
    CourseDataError
        If the chapter's data cannot be had; the message offers the made-up sample.
    """
    if chapter not in CHAPTERS:
        raise ValueError(f"No chapter {chapter!r}; there are: {', '.join(CHAPTERS)}.")
    profile, why = _profile(profile)
    seed = _seed()
    print(f"{chapter} · profile: {profile} ({why}) · seed {seed}")
    device, precision = environment.device(), environment.precision()  # imports TensorFlow
    print(f"{device} · " + ", ".join(f"{name} {found}" for name, found in versions().items()))

    enough, found, advice = environment.memory()
    if not enough:
        print(f"{found}. {advice}")

    import keras

    environment.silence_tensorflow()
    # Keras says so on every fit with a tf.data.Dataset, which shuffles by itself.
    warnings.filterwarnings("ignore", message="`shuffle=True` was passed")
    keras.utils.set_random_seed(seed)
    run = Run(chapter, profile, seed, why, device, precision)
    if CHAPTERS[chapter].dataset is not None:
        _attach_data(run, CHAPTERS[chapter].dataset)
    print(f"Data: {run.source}")
    return run


def versions():
    """Return the versions that a figure depends on."""
    found = {"Python": platform.python_version()}
    for name, package in {"TensorFlow": "tensorflow", "Keras": "keras", "NumPy": "numpy"}.items():
        try:
            found[name] = version(package)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def _rounded(history):
    """Return the curves of a training with four digits, which no figure shows more of."""
    return {name: [float(f"{v:.4g}") for v in values] for name, values in history.items()}


def _profile(argument):
    chosen, why = argument, "chosen in the set-up cell"
    if chosen is None and os.environ.get("COURSE_PROFILE"):
        chosen, why = os.environ["COURSE_PROFILE"], "from COURSE_PROFILE"
    if chosen is None:
        gpu = bool(environment.gpus())
        chosen = "full" if gpu else "quick"
        why = "a GPU was found" if gpu else "no GPU was found"
    if chosen not in PROFILES:
        remedy = "set COURSE_PROFILE to one of them, or unset it"
        if argument is not None:
            remedy = "name one of them in the set-up cell's last line"
        raise ValueError(
            f"Unknown profile {chosen!r} ({why}). Expected one of {', '.join(PROFILES)}: {remedy}."
        )
    return chosen, why


def _seed():
    text = os.environ.get("COURSE_SEED") or "0"
    try:
        seed = int(text)
    except ValueError:
        seed = -1
    if not 0 <= seed < 2**32:  # what NumPy takes
        raise ValueError(f"COURSE_SEED must be a whole number from 0 to 2**32 - 1, got {text!r}.")
    return seed


def _attach_data(run, name):
    from course_utils.datasets import CourseDataError, catalog, download, fetch, samples

    own = os.environ.get("COURSE_OWN_PICTURES")
    if own and name == catalog.LABELME_FRUIT.name:
        if run.profile in MADE_UP:
            remedy = 'choose "quick" or "full", or unset it'
            raise ValueError(
                f"COURSE_OWN_PICTURES is set, but {run.profile!r} is made up: {remedy}."
            )
        run.data_dir = download.expand_path(own)
        run.source = f"your own pictures in {run.data_dir.name}"
        return
    if run.profile in MADE_UP:
        entry = samples.entry(name, run.profile)
        root = fetch.data_dir() / "samples"
        mirror = samples.mirror(root / "archives", name, run.profile)
        run.data_dir = fetch.fetch(entry, root=root, mirror=mirror)
    else:
        entry = catalog.get(name)
        try:
            run.data_dir = fetch.fetch(entry)
        except CourseDataError as error:
            if not error.sample_helps:
                raise
            raise CourseDataError(
                f"{error}\n\nTo go on with made-up images instead, change the last line of this "
                f'cell to\n    run = runtime.start("{run.chapter}", profile="showcase")'
            ) from None
    facts = fetch.provenance(run.data_dir)
    run.source = facts["title"]  # not the entry's: a mirror may hold a stand-in
    run.provenance = {"sha256": {a["name"]: a["sha256"] for a in facts["archives"]}}
