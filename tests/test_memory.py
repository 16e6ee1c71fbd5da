"""What is kept of trainings that are over."""

import gc

import keras
import numpy as np

from course_utils.training import Progress, forget_trainings

X, Y = np.linspace(0, 1, 8, dtype="float32")[:, None], np.ones((8, 1), "float32")


def new_model():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, activation="silu")])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    return model


def train(model, *using):
    model.fit(X, Y, epochs=2, shuffle=False, verbose=0, callbacks=list(using))


def graphs():
    """Count the graphs of training steps that are still there."""
    gc.collect()
    return sum(
        type(one).__name__ == "FuncGraph" and "one_step" in one.name for one in gc.get_objects()
    )


def test_graphs_of_earlier_trainings_go_when_the_next_begins():
    forget_trainings()
    before = graphs()
    for _ in range(4):
        train(new_model())
    assert graphs() >= before + 4, "TensorFlow keeps none by itself: memory.py can go"
    last = new_model()
    train(last, Progress())
    assert graphs() <= before + 2  # TensorFlow looks at the step twice


def test_a_model_is_trained_on_after_its_graph_was_forgotten():
    on, through = new_model(), new_model()
    on.set_weights(through.get_weights())
    train(on)
    forget_trainings()
    train(on, Progress())
    train(through)
    train(through)
    for one, other in zip(on.get_weights(), through.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)

    on.compile(keras.optimizers.SGD(0.1), "mse")  # traced anew
    before = on.evaluate(X, Y, verbose=0)
    train(on, Progress())
    assert on.evaluate(X, Y, verbose=0) < before
