"""The benchmark of the U-Net's training: what it says without PyTorch, what it compares with it."""

import importlib.util
import os
import subprocess
import sys

import pytest
from notebook_rules import ROOT

BENCHMARKS = ROOT / "benchmarks"
NEEDS = ("torch", "torchvision", "segmentation_models_pytorch")


def run_benchmark(name, *options, path=ROOT):
    """Run a benchmark as a reader does; `path` is where Python looks for packages first."""
    return subprocess.run(
        [sys.executable, BENCHMARKS / f"{name}.py", *options],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(path)},
    )


def run_program(program):
    """Run a program that imports from the benchmarks."""
    return subprocess.run(
        [sys.executable, "-c", program], cwd=BENCHMARKS, capture_output=True, text=True
    )


@pytest.mark.parametrize("missing", ["torch", "segmentation_models_pytorch"])
def test_says_what_is_missing(tmp_path, missing):
    for name in ("torch", "segmentation_models_pytorch"):
        fault = f"raise ImportError('No module named {name}')" if name == missing else ""
        (tmp_path / f"{name}.py").write_text(fault, encoding="utf-8")

    done = run_benchmark("unet_training", path=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"No module named {missing}" in done.stderr
    assert "pip install torch torchvision segmentation-models-pytorch" in done.stderr


@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, NEEDS)), reason="needs PyTorch and its U-Net"
)
def test_lays_the_networks_side_by_side():
    done = run_program("import unet_training; unet_training.prove_alike((32, 64))")
    assert done.returncode == 0, done.stderr
    # The difference, 2435: a kernel of 64 x 64, less the batch normalisation that PyTorch has more.
    for line in ("Keras    24,439,094 trainable", "PyTorch  24,436,659 trainable"):
        assert line in done.stdout
    assert "48 convolutions" in done.stdout and "47 convolutions" in done.stdout
