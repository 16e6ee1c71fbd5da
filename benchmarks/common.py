"""What the benchmarks share: the data, the line about the machine, the fair stopwatch."""

import os
import platform
import statistics
import sys
import time
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# The benchmarks measure the course that they lie beside, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Keras says so on every fit with a tf.data.Dataset, which shuffles by itself.
warnings.filterwarnings("ignore", message="`shuffle=True` was passed")


def heading(*packages):
    """Print the processor and the versions that the figures below depend on."""
    from course_utils import environment

    versions = [f"Python {platform.python_version()}"]
    for package in packages:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"{package} missing")
    # Asking TensorFlow takes seconds; where it computes nothing, the processor is all there is.
    processor = f"CPU {environment.processor()}, {os.cpu_count()} cores"
    device = environment.device() if "tensorflow" in packages else processor
    print(f"{device}, {time.strftime('%Y-%m-%d')}\n{', '.join(versions)}")


def interleaved(contestants, rounds, warm_up=True, clock=time.perf_counter):
    """Time several functions in turn, round after round, so that noise hits all alike.

    Parameters
    ----------
    contestants : dict of str to callable
    rounds : int
    warm_up : bool, optional
        Call each once before the rounds, untimed.
    clock : callable, optional
        What is read before and after: the clock on the wall, or `time.process_time`.

    Returns
    -------
    dict of str to float
        Median seconds of each.

    Notes
    -----
    Where other programs took more than a twentieth of the processor meanwhile, a warning is
    printed: the ratio is then theirs as well.
    """
    for function in contestants.values() if warm_up else ():
        function()
    seconds = {name: [] for name in contestants}
    others = share_of_others()
    for _ in range(rounds):
        for name, function in contestants.items():
            start = clock()
            function()
            seconds[name].append(clock() - start)
    share = others()
    if share and share > 0.05 and clock is time.perf_counter:
        print(f"WARNING: other programs took {share:.0%} of the processor; run this again alone.")
    return {name: statistics.median(values) for name, values in seconds.items()}


def share_of_others():
    """Watch from now on what share of the processor other programs take.

    Returns
    -------
    callable
        Gives the share since then, 0 to 1 over all cores; None where the system does not tell (only
        Linux does).
    """
    before, began = _processor_seconds(), time.perf_counter()

    def share():
        passed = zip(_processor_seconds(), before, strict=True)
        everyone, ours = (now - then for now, then in passed)
        taken = (everyone - ours) / (os.cpu_count() * (time.perf_counter() - began))
        # Two counters of different grain may differ by less than nothing.
        return max(0.0, taken) if everyone else None

    return share


def _processor_seconds():
    """Processor time so far, of the whole machine and of this program; zeros except on Linux."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0.0, 0.0
    user, nice, system, _idle, _wait, irq, softirq, steal, *_ = map(
        int, stat.read_text().splitlines()[0].split()[1:]
    )
    busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    return busy, sum(os.times()[:4])
