"""The benchmark of training compares like with like, and says so where PyTorch is missing."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def run(*command):
    return subprocess.run(
        [sys.executable, *command], cwd=BENCHMARKS, capture_output=True, text=True, check=False
    )


def test_says_that_pytorch_is_missing():
    program = "import sys; sys.modules['torch'] = None; import training"
    done = run("-c", program)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "pip install torch" in done.stderr


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="needs PyTorch")
def test_compares_like_with_like():
    names = "fcn unet unetpp unetpp-deep".split()
    done = run("-c", f"import training\nfor name in {names}: training.prove_equal(name)")
    assert done.returncode == 0, done.stderr
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == names
    # Skips after the map from below: another network.
    program = "import training; right = training.join\n"
    program += "training.join = lambda skips, below: right(skips, below).flip(1)\n"
    done = run("-c", program + "training.prove_equal('unet')")
    assert done.returncode == 1
    assert "unet: not the same network: logits" in done.stderr
