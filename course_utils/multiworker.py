"""Several processes, or hosts, that train one network together (chapter 12).

    python -m course_utils.multiworker FOLDER

trains as the worker that the environment variable TF_CONFIG names, and without it alone, on what
`write_job` has put into FOLDER. Every worker needs the folder, under whatever name.
"""

import argparse
import contextlib
import json
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from . import models
from .processes import end_with_parent, free_ports, last_words, started


def write_job(folder, images, masks, shards, **settings):
    """Write what the workers train on.

    Parameters
    ----------
    folder : path
        Made where it is not there.
    images, masks : ndarray of uint8, shapes [N, H, W, C] and [N, H, W]
    shards : ndarray of int, shape [workers, steps, pictures]
        The numbers of the pictures that each worker takes in each step.
    **settings
        `channels` of the network, and `save_every` so many steps a checkpoint is written.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    np.savez(Path(folder) / "job.npz", images=images, masks=masks, shards=shards)
    (Path(folder) / "settings.json").write_text(json.dumps(settings), encoding="utf-8")


def cut_steps(shard, n_pictures, n_workers, steps, size):
    """Return which pictures each worker takes in each step, over as many epochs as that takes.

    Parameters
    ----------
    shard : callable
        Of n_pictures, n_workers, worker and epoch: the pictures of a worker in an epoch.
    n_pictures, n_workers, steps : int
    size : int
        Pictures that a worker takes at a time.

    Returns
    -------
    ndarray of int, shape [n_workers, steps, size]
    """
    epochs = range(-(-steps * size // (n_pictures // n_workers)))
    parts = [
        np.concatenate([shard(n_pictures, n_workers, worker, epoch) for epoch in epochs])
        for worker in range(n_workers)
    ]
    return np.stack([part[: steps * size].reshape(steps, size) for part in parts])


def train(folder):
    """Train as one of several workers; goes on from the last checkpoint that `folder` holds.

    The first worker writes ``checkpoint/``, a line for each step into ``steps.jsonl``, and at the
    end ``weights.npz``.
    """
    strategy = tf.distribute.MultiWorkerMirroredStrategy()  # before anything else of TensorFlow
    worker, n_workers = strategy.cluster_resolver.task_id or 0, strategy.num_replicas_in_sync
    folder = Path(folder)
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    with np.load(folder / "job.npz") as job:
        images, masks, mine = job["images"], job["masks"], job["shards"][worker]

    keras.utils.set_random_seed(0)  # the same weights everywhere to begin with
    with strategy.scope():
        network = models.fcn(settings["channels"], images.shape[1:])
        optimizer = keras.optimizers.Adam(3e-4)
        optimizer.build(network.trainable_variables)
    done = tf.Variable(0, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(network=network, optimizer=optimizer, done=done)
    manager = tf.train.CheckpointManager(checkpoint, str(folder / "checkpoint"), max_to_keep=2)
    checkpoint.restore(manager.latest_checkpoint)

    def learn(pictures, truth):
        with tf.GradientTape() as tape:
            logits = network(pictures, training=True)
            # A function: Keras's loss objects divide by the number of replicas by themselves.
            each = keras.losses.binary_crossentropy(truth, logits, from_logits=True)
            cost = keras.ops.mean(each) / n_workers  # this worker's part of the whole batch's mean
        gradients = tape.gradient(cost, network.trainable_variables)
        optimizer.apply(gradients, network.trainable_variables)  # adds up those of all workers
        return cost

    @tf.function
    def step(pictures, truth):
        return strategy.reduce("SUM", strategy.run(learn, args=(pictures, truth)), axis=None)

    for number in range(int(done), len(mine)):
        begin, batch = time.perf_counter(), mine[number]
        pictures = tf.constant(images[batch] / np.float32(255))
        cost = float(step(pictures, tf.constant(masks[batch][..., np.newaxis], tf.float32)))
        done.assign(number + 1)
        if worker == 0:
            if (number + 1) % settings["save_every"] == 0:
                manager.save(number + 1)
            seconds = time.perf_counter() - begin
            with (folder / "steps.jsonl").open("a", encoding="utf-8") as file:
                print(json.dumps({"step": number, "loss": cost, "seconds": seconds}), file=file)
    if worker == 0:
        np.savez(folder / "weights.npz", *network.get_weights())


@contextlib.contextmanager
def workers(folder, count):
    """Start so many workers on this machine, and end them when the block is left.

    Each computes an operation with one thread, and has no GPU, which they could not share.

    Parameters
    ----------
    folder : path
        What `write_job` wrote. It gets ``log0``, ``log1``, …, or ``log`` of a single one.
    count : int

    Yields
    ------
    list of subprocess.Popen
    """
    common = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "1"}
    common |= dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"), "1")
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(count)]}
    settings = [common | {"TF_CONFIG": "{}"}]
    if count > 1:
        tasks = [{"type": "worker", "index": k} for k in range(count)]
        configs = [{"cluster": cluster, "task": task} for task in tasks]
        settings = [common | {"TF_CONFIG": json.dumps(config)} for config in configs]
    module = "course_utils.multiworker"
    with started(module, folder, settings=settings, log=Path(folder) / "log") as programs:
        yield programs


def run(folder, count):
    """Let so many workers train to the end, on this machine.

    Parameters
    ----------
    folder, count
        As of `workers`.

    Returns
    -------
    list of dict
        As of `read_steps`.

    Raises
    ------
    RuntimeError
        If a worker fails; with what it said last.
    """
    with workers(folder, count) as programs:
        codes = [program.wait() for program in programs]
    if any(codes):
        log = f"log{codes.index(max(codes))}" if count > 1 else "log"
        raise RuntimeError(f"workers ended with {codes}:\n{last_words(Path(folder) / log)}")
    return read_steps(folder)


def read_steps(folder):
    """Return ``step``, ``loss`` and ``seconds`` of each step; of one done twice the last."""
    path, found = Path(folder) / "steps.jsonl", {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        with contextlib.suppress(json.JSONDecodeError):  # half a line, just being written
            found[json.loads(line)["step"]] = json.loads(line)
    return [found[number] for number in sorted(found)]


if __name__ == "__main__":
    end_with_parent()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", help="what `write_job` wrote")
    train(parser.parse_args().folder)
