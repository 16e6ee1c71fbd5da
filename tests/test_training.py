"""The recipe, what a training run leaves in a notebook's output, and what it leaves in memory."""

import base64
import gc
import io
import textwrap

import keras
import nbclient
import nbformat
import numpy as np
import pytest
from chapter_cells import execute
from PIL import Image

from course_utils import losses, training
from course_utils.datasets import IGNORE
from course_utils.exercises.ch02 import check_rate_at

# The recipe


def settings(optimizer, steps):
    """Return what an optimizer is made of: settings that it uses, and the rate of each step."""
    config = optimizer.get_config()
    ema = {} if config["use_ema"] else {"ema_momentum": None}
    rates = []
    for step in range(steps):
        optimizer.iterations.assign(step)
        rates.append(float(optimizer.learning_rate))
    return config | ema | {"name": None, "learning_rate": None}, rates


def test_the_recipe_is_chapter_02s():
    names = {"keras": keras, "RateTable": training.RateTable}
    names["rate_at"] = check_rate_at.solution
    theirs = execute("02_mri_fcn", "optimiser", **names)["make_optimizer"]
    for steps, schedule, average in [(10, 1, 1), (292, 1, 1), (58, 1, 0), (36, 0, 0), (58, 0, 1)]:
        options = {"schedule": bool(schedule), "average": bool(average)}
        ours = training.make_optimizer(2e-3, steps, epsilon=1e-5, **options)
        expected = theirs({"learning_rate": 2e-3} | options, steps)
        assert type(ours) is type(expected)
        config, rates = settings(ours, steps)
        assert config == settings(expected, steps)[0]
        assert rates == pytest.approx(settings(expected, steps)[1], rel=1e-5, abs=1e-9)


def test_a_table_of_rates_is_looked_up_in_training_and_kept_by_the_config():
    table = training.RateTable([0.5, 0.25])
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(table), keras.losses.MeanAbsoluteError())
    (weight,) = model.weights
    weight.assign([[10.0]])
    model.fit(np.ones((3, 1)), np.zeros((3, 1)), batch_size=1, verbose=0)
    assert weight.numpy().item() == 10 - 0.5 - 0.25 - 0.25  # after the last, the last
    assert training.RateTable(**table.get_config()).rates.tolist() == [0.5, 0.25]


@pytest.mark.parametrize(
    ("steps", "options", "expected"),
    [
        # Chapter 03, full profile and sample.
        (5850, {"epsilon": 1e-5}, {"warmup_steps": 292, "decay_steps": 5558, "epsilon": 1e-5}),
        (6, {"epsilon": 1e-5}, {"warmup_steps": 0, "decay_steps": 6, "epsilon": 1e-5}),
        # Chapter 05, full and sample: at least one step of warm-up.
        (600, {"warm_up": 30}, {"warmup_steps": 30, "decay_steps": 570, "epsilon": 1e-7}),
        (4, {"warm_up": 1}, {"warmup_steps": 1, "decay_steps": 3, "epsilon": 1e-7}),
        # Chapter 06, our recipe and the published one.
        (3600, {"average": True}, {"use_ema": True, "ema_momentum": 1 - 20 / 3600}),
        (1800, {"schedule": False}, {"learning_rate": 1e-3, "use_ema": False, "epsilon": 1e-7}),
    ],
)
def test_the_numbers_of_each_chapter(steps, options, expected):
    config = training.make_optimizer(1e-3, steps, **options).get_config()
    if options.get("schedule", True):
        schedule = config.pop("learning_rate")["config"]
        assert schedule["initial_learning_rate"] == pytest.approx(1e-5)
        assert schedule["warmup_target"] == pytest.approx(1e-3)
        config |= schedule
    assert {key: config[key] for key in expected} == pytest.approx(expected)


# What a run shows

CELLS = (
    """
    import numpy as np, keras
    from course_utils.training import LiveCurves, Progress
    x, y = np.ones((8, 2), "float32"), np.ones((8, 1), "float32")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=[keras.metrics.MeanAbsoluteError(name="miou")])
    """,
    """
    live = LiveCurves()
    live.on_epoch_begin = lambda epoch, logs=None: setattr(live, "_last", float("-inf"))
    history = model.fit(
        x, y, validation_data=(x, y), epochs=3, initial_epoch=1, verbose=0,
        callbacks=[live, Progress()],
    )
    """,
    "import matplotlib.pyplot as plt; print(plt.get_fignums())",
)


def test_a_run_leaves_one_figure_and_one_line(monkeypatch):
    monkeypatch.delenv("MPLBACKEND")  # a kernel then takes the one for notebooks
    cells = [nbformat.v4.new_code_cell(textwrap.dedent(code).strip()) for code in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    line, figure = notebook.cells[1].outputs  # and nothing else, though it drew twice
    assert notebook.cells[2].outputs[0].text == "[]\n"
    assert figure.data["text/plain"].startswith("epoch 3 of 3, 0:")
    assert figure.metadata["image/png"]["alt"] == figure.data["text/plain"]
    picture = Image.open(io.BytesIO(base64.b64decode(figure.data["image/png"])))
    assert picture.width > 700 and np.asarray(picture.convert("RGB")).std() > 10
    text = line.data["text/plain"]
    assert list(line.data) == ["text/plain"] and "\n" not in text and "\r" not in text
    assert text.startswith("3 of 3 epochs in 00:") and "val_miou=" in text and "|" not in text


X, Y = np.linspace(0, 1, 8, dtype="float32")[:, None], np.ones((8, 1), "float32")


def new_model():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, activation="silu")])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    return model


def train(model, *using, epochs=2):
    options = {"epochs": epochs, "shuffle": False, "verbose": 0, "callbacks": list(using)}
    return model.fit(X, Y, validation_data=(X, Y), **options)


def test_live_curves_keep_the_values_outside_a_notebook(capsys):
    live = training.LiveCurves("loss")
    train(new_model(), live, epochs=1)
    history = train(new_model(), live).history  # starts anew
    assert live.values.keys() == history.keys() == {"loss", "val_loss"}
    for name, values in history.items():
        assert live.values[name] == pytest.approx(values)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("every", "epochs", "drawn"), [(1, 3, [1, 2, 3]), (2, 5, [2, 4, 5])])
def test_live_curves_draw_every_so_many_epochs_and_at_the_end(monkeypatch, every, epochs, drawn):
    live, shown = training.LiveCurves(every=every), []
    monkeypatch.setattr(live, "_show", lambda: shown.append(live._epochs))
    monkeypatch.setattr(training.time, "monotonic", iter(range(0, 1000, 5)).__next__)
    live.set_model(new_model())
    live.on_train_begin()
    for epoch in range(epochs):
        live.on_epoch_end(epoch, {"loss": 0.5})
        live._drawn = shown[-1] if shown else None
    live.on_train_end()
    assert shown == drawn
    with pytest.raises(ValueError, match="every must be at least 1; it is 0"):
        training.LiveCurves(every=0)


def test_live_curves_draw_what_was_recorded_and_when():
    baselines = {"background everywhere": {"miou": 0.49}}
    live = training.LiveCurves(("loss", "miou"), baselines=baselines)
    live.set_params({"epochs": 10})
    live.set_model(new_model())
    live.on_train_begin()
    live.on_epoch_end(4, {"loss": 0.5})
    live.on_epoch_end(5, {"loss": 0.4, "val_miou": 0.8})  # validated every second epoch
    figure = live._draw()
    (loss,), (miou, baseline) = (ax.lines for ax in figure.axes)
    assert (baseline.get_ydata()[0], baseline.get_label()) == (0.49, "background everywhere")
    np.testing.assert_allclose(loss.get_xydata(), [[5, 0.5], [6, 0.4]])
    np.testing.assert_allclose(miou.get_ydata(), [np.nan, 0.8])
    assert (loss.get_linestyle(), miou.get_linestyle()) == ("--", "-")
    assert figure.get_suptitle().startswith("epoch 6 of 10, 0:0")


def last_line(capsys):
    return capsys.readouterr().err.strip().split("\r")[-1]


def test_progress_tells_where_training_stopped(capsys):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    train(new_model(), training.Progress(), Stop(), epochs=8)
    line = last_line(capsys)
    assert line.startswith("2 of 8 epochs in 00:") and "val_loss=" in line


def test_progress_leaves_out_the_losses_of_single_outputs(capsys):
    progress = training.Progress()
    progress.set_params({"epochs": 1})
    progress.set_model(new_model())
    progress.on_train_begin()
    progress.on_epoch_begin(0)
    logs = {"loss": 3.0, "a_loss": 1.0, "b_loss": 2.0, "b_iou": 0.5, "val_loss": 6.0}
    progress.on_epoch_end(0, logs | {"val_a_loss": 4.0, "val_b_iou": 0.25})
    progress.on_train_end()
    assert last_line(capsys).endswith("loss=3, b_iou=0.5, val_loss=6, val_b_iou=0.25")


# What a run leaves in memory


def graphs():
    """Count the graphs of training steps that are still there."""
    gc.collect()
    return sum(
        type(one).__name__ == "FuncGraph" and "one_step" in one.name for one in gc.get_objects()
    )


def test_graphs_of_earlier_trainings_go_when_the_next_begins():
    training.release_graphs()
    before = graphs()
    for _ in range(2):
        train(new_model())
    assert graphs() >= before + 4, "TensorFlow keeps none by itself: release_graphs can go"
    last = new_model()
    train(last, training.Progress())
    assert graphs() <= before + 2  # of its training step and of its validation step


def test_a_step_is_traced_once():
    seen, model = [], new_model()
    model.compile("adam", lambda truth, guess: seen.append(0) or (truth - guess) ** 2)
    model.fit(X, Y, verbose=0, callbacks=[training.Progress()])
    assert len(seen) == 1


def test_a_model_is_trained_on_after_its_graph_was_released():
    on, through = new_model(), new_model()
    on.set_weights(through.get_weights())
    train(on)
    training.release_graphs()
    train(on, training.Progress())
    train(through, epochs=4)
    for one, other in zip(on.get_weights(), through.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    on.compile(keras.optimizers.SGD(0.1), "mse")  # traced anew
    before = on.evaluate(X, Y, verbose=0)
    train(on, training.Progress())
    assert on.evaluate(X, Y, verbose=0) < before


def test_what_a_loss_asks_of_a_picture():
    truth, chance = np.array([[1, 0], [1, IGNORE]]), np.array([[0.1, 0.6], [0.5, 0.9]])
    found = training.pull(losses.WeightedCrossentropy([1.0, 3.0]), truth, chance)
    expected = np.array([[3 * (0.1 - 1), 0.6], [3 * (0.5 - 1), 0]]) / 3  # of the known pixels
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_units_that_fire_are_counted_before_the_training_and_after_each_step():
    def unit(weight):
        layer = keras.layers.Dense(3, "relu", kernel_initializer="zeros", name=f"three_{weight}")
        model = keras.Sequential([keras.Input((2, 1)), keras.layers.Flatten(), layer])
        layer.set_weights([np.array([[1.0, -1, weight], [0, 0, weight]]), np.zeros(3)])
        return model

    images = np.array([[[1.0], [1.0]], [[2.0], [0.0]]], np.float32)
    firing = training.FiringUnits(images, depth=2)
    model = unit(-1.0)
    model.compile(keras.optimizers.SGD(1.0), lambda y, answer: -10 * answer)
    for _ in range(2):  # nothing is left of an earlier training
        model.fit(images, np.zeros((2, 3)), batch_size=1, epochs=1, verbose=0, callbacks=[firing])
        assert firing.counts == [1, 1, 1]  # a unit that never fires has no gradient
