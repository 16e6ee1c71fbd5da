"""The benchmark of U-Net and UNet++: that it compares like with like, and what it says."""

import importlib.util

import pytest
from test_benchmark_unet import run_benchmark, run_program

needs_torch = pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="needs PyTorch")


def test_says_that_pytorch_is_missing(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('No module named torch')")

    done = run_benchmark("unetpp_training", path=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "No module named torch" in done.stderr
    assert "pip install torch" in done.stderr


@needs_torch
def test_networks_are_the_same():
    done = run_program(
        """
from unetpp_training import *
for network in NETWORKS:
    prove_alike(network, width=2, side=32)
    print(network, sum(w.numel() for w in torch_network(network, 32).parameters()))
"""
    )
    assert done.returncode == 0, done.stderr
    for line in ("unet 7852545", "unetpp 9163329", "unetpp-deep 9163428"):
        assert line in done.stdout.splitlines()
    assert done.stdout.count("inference: logits up to") == 3
    assert done.stdout.count("training : logits up to") == 3


@needs_torch
def test_networks_that_differ_are_refused():
    done = run_program(
        """
import _unetpp_torch, torch, unetpp_training
from torch import nn

def refused(network, twin):
    unetpp_training.torch_network = lambda *_: twin
    try:
        unetpp_training.prove_alike(network, width=2, side=32)
    except RuntimeError as error:
        print("refused:", error)

filters = unetpp_training.filters(2)
right, loss = _unetpp_torch.join, unetpp_training.torch_loss

refused("unetpp-deep", _unetpp_torch.TorchUNetPP(filters, deep_supervision=False))

_unetpp_torch.join = lambda skips, below: right(skips, below).flip(1)
refused("unetpp", _unetpp_torch.TorchUNetPP(filters, deep_supervision=False))
_unetpp_torch.join = right

twin = _unetpp_torch.TorchUNet(filters)
for module in twin.modules():
    if isinstance(module, nn.BatchNorm2d):
        module.eps = 1e-3
refused("unet", twin)

unetpp_training.torch_loss = lambda outputs, y: 2 * loss(outputs, y)
refused("unet", _unetpp_torch.TorchUNet(filters))
"""
    )
    assert done.returncode == 0, done.stderr
    refused = [line for line in done.stdout.splitlines() if line.startswith("refused: ")]
    assert len(refused) == 4, done.stdout
    assert "trainable parameters" in refused[0]
    assert all("logits" in line and "losses" in line for line in refused[1:])


@needs_torch
def test_trains_and_prints_what_was_asked_for():
    done = run_benchmark(
        "unetpp_training",
        *"--networks unet --width 2 --batch 3 --rounds 1 --steps 2".split(),
        *"--no-compile --one-thread --plain-malloc".split(),
    )
    assert done.returncode == 0, done.stderr
    assert "unet, width 2: " in done.stdout
    assert "unetpp" not in done.stdout
    assert "batch 3, 1 rounds of 2 steps" in done.stdout
    names = "Keras float32|Keras mixed_bfloat16|PyTorch float32|PyTorch bfloat16".split("|")
    for name in names:
        (line,) = (s for s in done.stdout.splitlines() if s.strip().startswith(f"{name}  "))
        assert line.endswith(" images/s of processor time")
    assert " / PyTorch " in done.stdout
    assert "compiled" not in done.stdout
    assert "of the processor meanwhile" in done.stdout


@needs_torch
def test_deep_supervision_takes_the_mean_of_four_losses():
    done = run_program(
        """
from argparse import Namespace
import tensorflow as tf
from _training import one_thread
from unetpp_training import *

one_thread()
torch.manual_seed(0)
tf.config.run_functions_eagerly(True)  # building the graph takes longer
job = "unetpp-deep", Namespace(width=2, batch=2, steps=1), *made_up_nuclei(4)
history = {name: values[0] for name, values in keras_training(*job, "float32")().history.items()}
each = [history.pop(f"out_{j}_loss") for j in (1, 2, 3, 4)]
assert abs(history.pop("loss") - sum(each) / 4) < 1e-5, (history, each)
assert list(history) == ["out_4_miou"], history

twin = torch_network("unetpp-deep", 2)
sys.modules["unetpp_training"].torch_network = lambda *_: twin
kernels = {name: weight for name, weight in twin.named_parameters() if weight.ndim == 4}
before = {name: weight.clone() for name, weight in kernels.items()}
torch_training(*job, "bfloat16", False)()
same = [name for name, weight in kernels.items() if weight.equal(before[name])]
print("not trained:", same)
"""
    )
    assert done.returncode == 0, done.stderr
    assert "not trained: []" in done.stdout


@needs_torch
def test_unknown_network_is_refused():
    done = run_benchmark("unetpp_training", "--networks", "segnet")
    assert done.returncode == 2
    assert "unetpp-deep" in done.stderr
