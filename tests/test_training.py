"""What a training run leaves in a notebook's output: one figure, one line."""

import base64
import io

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")

import keras

from course_utils import training

CELLS = (
    """
    import numpy as np, keras
    from course_utils.training import LiveCurves, Progress
    from course_utils import plotting
    x, y = np.ones((8, 2), "float32"), np.ones((8, 1), "float32")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=[keras.metrics.MeanAbsoluteError(name="miou")])
    """,
    """
    live = LiveCurves()
    drawings = []
    draw = live._draw
    live._draw = lambda: drawings.append(live._last) or draw()
    live.on_epoch_begin = lambda epoch, logs=None: setattr(live, "_last", float("-inf"))
    history = model.fit(
        x, y, validation_data=(x, y), epochs=3, initial_epoch=1, verbose=0,
        callbacks=[live, Progress()],
    )
    """,
    "print(len(drawings)); import matplotlib.pyplot as plt; print(plt.get_fignums())",
    "plotting.history(history)",
    "figure = plotting.history(history); x = 1",
    "figure",
)


@pytest.fixture(scope="module")
def outputs():
    """Outputs of the cells above, each a list, as a notebook keeps them."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    import textwrap

    cells = [nbformat.v4.new_code_cell(textwrap.dedent(code).strip()) for code in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MPLBACKEND", raising=False)  # a kernel then takes the one for notebooks
        nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return [cell.outputs for cell in notebook.cells]


def fit(*using, epochs=3, **kwargs):
    x, y = np.ones((8, 2), "float32"), np.ones((8, 1), "float32")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=[keras.metrics.MeanAbsoluteError(name="miou")])
    return model.fit(
        x, y, validation_data=(x, y), epochs=epochs, verbose=0, callbacks=list(using), **kwargs
    )


def test_a_run_leaves_one_figure_and_one_line(outputs):
    line, figure = outputs[1]  # and nothing else, though the run drew after every epoch
    assert outputs[2][0].text == "2\n[]\n"
    assert figure.data["text/plain"].startswith("epoch 3 of 3, 0:")
    assert "Validation" in figure.data["text/plain"]
    assert figure.metadata["image/png"]["alt"] == figure.data["text/plain"]
    from PIL import Image

    picture = np.asarray(
        Image.open(io.BytesIO(base64.b64decode(figure.data["image/png"]))).convert("RGB")
    )
    assert picture.shape[1] > 700 and picture.std() > 10  # something is drawn
    text = line.data["text/plain"]
    assert list(line.data) == ["text/plain"] and "\n" not in text and "\r" not in text
    assert text.startswith("3 of 3 epochs in 00:") and "val_miou=" in text and "|" not in text
    assert text == text.strip()


def test_a_returned_figure_is_shown_once(outputs):
    for shown in outputs[3:]:
        assert [output.output_type for output in shown] == ["display_data"]
        assert "image/png" in shown[0].data


def test_live_curves_keep_the_values_outside_a_notebook(capsys):
    live = training.LiveCurves()
    history = fit(live)
    assert set(live.values) == {"loss", "val_loss", "miou", "val_miou"}
    for name, values in history.history.items():
        np.testing.assert_allclose(live.values[name], values)
    import matplotlib.pyplot as plt

    assert plt.get_fignums() == [] and capsys.readouterr().out == ""


def test_live_curves_start_anew_with_each_fit():
    live = training.LiveCurves("loss")
    fit(live, epochs=2)
    fit(live, epochs=3)
    assert len(live.values["loss"]) == 3


@pytest.mark.parametrize(("every", "epochs", "drawn"), [(1, 3, [1, 2, 3]), (2, 5, [2, 4, 5])])
def test_live_curves_draw_every_so_many_epochs_and_at_the_end(monkeypatch, every, epochs, drawn):
    shown = []
    live = training.LiveCurves(every=every)
    clock = iter(range(0, 1000, 5))
    monkeypatch.setattr(training.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(training, "_in_notebook", lambda: True)
    monkeypatch.setattr(training, "png", lambda figure: b"")
    monkeypatch.setattr("IPython.display.display", lambda *args, **kwargs: None)
    draw = live._draw
    live._draw = lambda: shown.append(live._epochs) or draw()
    handle = type("Handle", (), {"update": lambda *args, **kwargs: None})()
    monkeypatch.setattr("IPython.display.display", lambda *args, **kwargs: handle)
    fit(live, epochs=epochs)
    assert shown == drawn


def test_live_curves_draw_what_was_recorded_and_when():
    live = training.LiveCurves(("loss", "miou"))
    live.set_params({"epochs": 10})
    live.on_train_begin()
    live.on_epoch_end(4, {"loss": 0.5})
    live.on_epoch_end(5, {"loss": 0.4, "val_miou": 0.8})  # validated every second epoch
    figure = live._draw()
    (loss,), (miou,) = (ax.lines for ax in figure.axes)
    np.testing.assert_array_equal(loss.get_xydata(), [[5, 0.5], [6, 0.4]])
    np.testing.assert_array_equal(miou.get_ydata(), [np.nan, 0.8])
    assert miou.get_linestyle() == "-" and loss.get_linestyle() == "--"
    assert figure.axes[0].get_xlim() == (4.5, 10.5)
    assert figure.get_suptitle().startswith("epoch 6 of 10, 0:0")


def test_live_curves_refuse_a_step_of_nothing():
    with pytest.raises(ValueError, match="every"):
        training.LiveCurves(every=0)


def test_progress_on_a_terminal_counts_to_the_end(capsys):
    fit(training.Progress())
    last = capsys.readouterr().err.strip().split("\r")[-1]
    assert last.startswith("3 of 3 epochs in 00:") and "val_loss=" in last


def test_progress_leaves_out_the_losses_of_single_outputs(capsys):
    progress = training.Progress()
    progress.set_params({"epochs": 1})
    progress.on_train_begin()
    progress.on_epoch_begin(0)
    logs = {"loss": 3.0, "a_loss": 1.0, "b_loss": 2.0, "b_iou": 0.5, "val_loss": 6.0}
    progress.on_epoch_end(0, logs | {"val_a_loss": 4.0, "val_b_iou": 0.25})
    progress.on_train_end()
    last = capsys.readouterr().err.strip().split("\r")[-1]
    assert last.endswith("loss=3, b_iou=0.5, val_loss=6, val_b_iou=0.25")


def test_progress_tells_where_training_stopped_early(capsys):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    fit(training.Progress(), Stop(), epochs=8)
    last = capsys.readouterr().err.strip().split("\r")[-1]
    assert last.startswith("2 of 8 epochs in 00:")
