"""Ask a network that was exported, in a process without Keras (chapter 12).

    python -m course_utils.exported NETWORK PICTURES.npy ANSWERS.npz

Run by its name, ``python exported.py NETWORK …``, this file needs nothing else of the course: it
may go where the network goes.
"""

import argparse
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np


def open_saved_model(path):
    """Return a function of pictures, by TensorFlow."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))  # has to be kept: its weights go with it
    return lambda pictures: loaded.serve(pictures).numpy()


def open_onnx(path):
    """Return a function of pictures, by ONNX Runtime, which needs no TensorFlow."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    [picture] = session.get_inputs()
    return lambda pictures: session.run(None, {picture.name: pictures})[0]


def open_litert(path):
    """Return a function of pictures, by LiteRT, which runs on telephones; one at a time."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def ask(pictures):
        interpreter.set_tensor(taken["index"], pictures)
        interpreter.invoke()
        return interpreter.get_tensor(given["index"])

    return ask


# By the ending of the file (a SavedModel is a folder): how to open it, and what that takes.
FORMATS = {
    "": (open_saved_model, "tensorflow"),
    ".onnx": (open_onnx, "onnxruntime"),
    ".tflite": (open_litert, "ai_edge_litert"),
}


def format_of(path):
    """Return how to open a network's file or folder, and which package that takes."""
    suffix = Path(path).suffix
    if suffix not in FORMATS:
        raise ValueError(f"{path}: the folder of a SavedModel, .onnx or .tflite is wanted.")
    return FORMATS[suffix]


def can_open(path):
    """Return whether what it takes to open a file of this kind is installed here."""
    return find_spec(format_of(path)[1]) is not None


# What the chapter can do without: the project's extras `export` and `serve`.
EXTRAS = ("tf2onnx", "onnx", "onnxruntime", "ai_edge_litert", "fastapi", "uvicorn")


def advice():
    """Return what of the extras is not installed, and how to install it."""
    missing = [name for name in EXTRAS if find_spec(name) is None]
    if not missing:
        return "All that it takes to export and to serve is installed."
    return (
        f"To see all of it, run %pip install {' '.join(missing)} in a cell and restart the kernel. "
        "The chapter goes on without."
    )


def can_write_onnx():
    """Return whether what Keras needs to write ONNX is installed here."""
    return find_spec("tf2onnx") is not None and find_spec("onnx") is not None


def megabytes(path):
    """Return the size of a file, or of all files in a folder."""
    files = [file for file in [Path(path), *Path(path).rglob("*")] if file.is_file()]
    return sum(file.stat().st_size for file in files) / 1e6


def ask_elsewhere(path, pictures):
    """Ask a network in a fresh process, one picture at a time.

    Parameters
    ----------
    path : path
        The folder of a SavedModel, or a file that ends in .onnx or .tflite.
    pictures : ndarray of float32, shape [N, H, W, C]
        As the network takes them.

    Returns
    -------
    answers : ndarray, shape [N, H, W, K]
    milliseconds : float
        A picture takes, in the middle of all.

    Raises
    ------
    RuntimeError
        If the process fails; with what it said last.
    """
    from . import processes

    with tempfile.TemporaryDirectory() as folder:
        given, answers, log = (Path(folder) / name for name in ("given.npy", "answers.npz", "log"))
        np.save(given, pictures)
        arguments = Path(path).absolute(), given, answers
        with processes.started("course_utils.exported", *arguments, log=log) as [program]:
            failed = program.wait()
        if failed:
            said = processes.last_words(log)
            raise RuntimeError(f"{Path(path).name} could not be asked:\n{said}")
        with np.load(answers) as found:
            return found["answers"], float(found["milliseconds"])


def main(path, pictures, answers):
    """Ask the network at `path` about pictures, and write its answers and the time it took."""
    sys.modules["keras"] = None  # from here on, to import it is an error
    ask, pictures = format_of(path)[0](path), np.load(pictures)
    ask(pictures[:1])  # the first time takes longer
    found, seconds = [], []
    for k in range(len(pictures)):
        begin = time.perf_counter()
        found.append(ask(pictures[k : k + 1]))
        seconds.append(time.perf_counter() - begin)
    np.savez(answers, answers=np.concatenate(found), milliseconds=1000 * np.median(seconds))


if __name__ == "__main__":
    if __package__:  # as a part of the course: `ask_elsewhere` has started it
        from .processes import end_with_parent

        end_with_parent()
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("path", metavar="NETWORK", help="a SavedModel's folder, .onnx or .tflite")
    parser.add_argument("pictures", metavar="PICTURES.npy", help="float32 [N, H, W, C]")
    parser.add_argument("answers", metavar="ANSWERS.npz", help="is written")
    main(**vars(parser.parse_args()))
