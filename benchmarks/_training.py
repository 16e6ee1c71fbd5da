"""What the benchmarks of training share: the start, the PyTorch side, the printed speeds."""

import ctypes
import sys
import time

import torch
from _common import heading

from course_utils import environment

POLICIES = ("float32", "mixed_bfloat16")


def start(parser, *packages):
    """Add the options that all of them have, read the options, and get the machine ready.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    *packages : str
        Packages whose versions are printed.

    Returns
    -------
    options : argparse.Namespace
    clock : callable
        What to take the times with.
    """
    parser.add_argument("--plain-malloc", action="store_true", help="leave glibc as it is")
    parser.add_argument("--one-thread", action="store_true", help="count processor time")
    options = parser.parse_args()
    clock = one_thread() if options.one_thread else time.perf_counter
    if not options.plain_malloc:
        keep_freed_memory()
    heading(*packages)
    environment.silence_tensorflow()
    return options, clock


def keep_freed_memory():
    """Tell glibc to keep freed memory, however large the blocks; elsewhere do nothing."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        m_mmap_max, m_trim_threshold, m_top_pad = -4, -1, -2
        libc.mallopt(m_mmap_max, 0)
        libc.mallopt(m_trim_threshold, 2**31 - 1)
        libc.mallopt(m_top_pad, 2**27)


def one_thread():
    """Hold TensorFlow and PyTorch to one thread each, before either has computed anything.

    Returns
    -------
    callable
        The clock that fits: `time.process_time`.
    """
    import tensorflow as tf

    torch.set_num_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return time.process_time


def torch_batch(images, masks):
    """Images and masks as PyTorch likes them best: float32, channels last."""
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    return x.to(memory_format=torch.channels_last), torch.from_numpy(masks)[:, None].float()


def torch_steps(model, loss, x, y, steps, precision, compiled, learning_rate=1e-3):
    """Return a function that trains a PyTorch network for some steps on one batch.

    Parameters
    ----------
    model : torch.nn.Module
    loss : callable
        Takes what the network returns, and `y`.
    x, y : torch.Tensor
    steps : int
    precision : {"float32", "bfloat16"}
        The latter by autocast.
    compiled : bool
        By torch.compile.
    learning_rate : float, optional
    """
    forward = torch.compile(model) if compiled else model
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, eps=1e-7, fused=True)

    def train(steps=steps):
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                outputs = forward(x)
            loss(outputs, y).backward()
            optimizer.step()

    train(1)
    return train


def torch_contestant(name, make, compiled):
    """Give {name: contestant} for `interleaved`; {}, and say so, where torch.compile fails.

    Parameters
    ----------
    name : str
        Without "PyTorch", which is put before it, and "compiled".
    make : callable
        Returns what `torch_steps` does.
    compiled : bool
        Whether it goes through torch.compile; any other failure is raised.
    """
    name = f"PyTorch {name}{', compiled' * compiled}"
    try:
        return {name: make()}
    except Exception as error:
        if not compiled:
            raise
        # torch.compile wants a C++ compiler, which not every machine has.
        print(f"{name} does not work here: {str(error).strip().splitlines()[0][:80]}")
        return {}


def print_speeds(seconds, images, clock=time.perf_counter):
    """Print images a second, and Keras, as the chapters run it here, over the fastest PyTorch.

    Parameters
    ----------
    seconds : dict of str to float
        Seconds of each contestant, named ``"Keras <policy>"`` and ``"PyTorch <how>"``.
    images : int
        Images that each was trained on in that time.
    clock : callable, optional
        What the seconds were taken with.
    """
    speed = {name: images / taken for name, taken in seconds.items()}
    for name, images_a_second in speed.items():
        print(
            f"    {name:44} {images_a_second:6.1f} images/s"
            + " of processor time" * (clock is time.process_time)
        )
    ours = f"Keras {environment.precision()}"
    best = max((name for name in speed if name.startswith("PyTorch")), key=speed.get)
    print(f"    {ours} / {best}: {speed[ours] / speed[best]:.2f}", flush=True)
