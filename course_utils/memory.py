"""Give back the memory that TensorFlow keeps of trainings that are over."""

import gc

import keras


def forget_trainings():
    """Let go of the graphs of earlier trainings whose models nobody holds any more.

    Wherever an optimizer takes a step in a graph, TensorFlow registers a gradient for good, and the
    entry holds the whole graph: a quarter of a gigabyte for a U-Net with MobileNet as its encoder,
    with each training (https://github.com/tensorflow/tensorflow/issues/80895).
    `keras.utils.clear_session` leaves the entries where they are. They are needed only while
    gradients are worked out, which for a model that was trained is done: it can be trained on.
    """
    if keras.backend.backend() == "tensorflow":
        from tensorflow.python.framework import ops

        # No public name leads there. Should it move, the graphs are kept as before; a test tells.
        entries = getattr(getattr(ops, "gradient_registry", None), "_registry", {})
        for name in [name for name in entries if name.startswith("CustomGradient-")]:
            del entries[name]
    gc.collect()
