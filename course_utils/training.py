"""The recipe of chapter 02, callbacks that show a training while it runs, and what a loss asks."""

import gc
import time

import keras
import numpy as np
from tqdm import tqdm

from .plotting.curves import check_baselines, describe_curves, draw_baselines, draw_curves
from .plotting.style import bundle, new_figure, png


def make_optimizer(
    learning_rate, steps, *, schedule=True, average=False, warm_up=None, epsilon=1e-7
):
    """Adam with warm-up, cosine and averaged weights: the recipe that chapter 02 puts together.

    Parameters
    ----------
    learning_rate : float
        The highest learning rate; without `schedule` that of all steps.
    steps : int
        Steps of the whole training, batch by batch.
    schedule : bool, optional
        Rise from a hundredth of `learning_rate` in a straight line, then fall to 0 along a cosine.
    average : bool, optional
        Keep a running average of the weights, over about the last twentieth of the steps. To judge
        by it, give `fit` the callback ``keras.callbacks.SwapEMAWeights()``.
    warm_up : int, optional
        Steps of the rise, unless told a twentieth of all.
    epsilon : float, optional
        Adam's ε, which bounds its steps where gradients are tiny.

    Returns
    -------
    keras.optimizers.Adam

    References
    ----------
    I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017,
    https://arxiv.org/abs/1608.03983. P. Izmailov et al., "Averaging Weights Leads to Wider Optima
    and Better Generalization", UAI 2018, https://arxiv.org/abs/1803.05407
    """
    if schedule:
        warm_up = steps // 20 if warm_up is None else warm_up
        learning_rate = keras.optimizers.schedules.CosineDecay(
            learning_rate / 100, steps - warm_up, warmup_target=learning_rate, warmup_steps=warm_up
        )
    momentum = max(0.0, 1 - 20 / steps)
    return keras.optimizers.Adam(
        learning_rate, epsilon=epsilon, use_ema=average, ema_momentum=momentum
    )


class RateTable(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that looks the learning rate of each step up in a table.

    Parameters
    ----------
    rates : sequence of float
        One for each step; steps after the last keep the last one's.
    """

    def __init__(self, rates):
        self.rates = np.array(rates, "float32")

    def __call__(self, step):
        return keras.ops.take(self.rates, keras.ops.minimum(step, len(self.rates) - 1))

    def get_config(self):
        return {"rates": self.rates.tolist()}


def progress_bar(**options):
    """Return a tqdm bar, which in a notebook is one line of the output and not a widget."""
    notebook = _in_notebook()
    file, ascii_only = (_OutputLine(), False) if notebook else (None, None)
    return tqdm(file=file, ascii=ascii_only, **options)


class Progress(keras.callbacks.Callback):
    """A progress bar of epochs with the latest scores; a line without the bar stays at the end.

    `tqdm.keras.TqdmCallback` does the same on a terminal; in a saved notebook it leaves a piece of
    output for every refresh, or a widget that a reader without a kernel cannot see.
    """

    def on_train_begin(self, logs=None):
        prepare(self.model)
        self._bar = progress_bar(
            total=self.params.get("epochs"),
            bar_format="{percentage:3.0f}% |{bar:20}| epoch {n_fmt}/{total_fmt} "
            "[{elapsed}, {remaining} left{postfix}]",
        )

    def on_epoch_begin(self, epoch, logs=None):
        self._bar.n = epoch  # not 0 at first, where fit(initial_epoch=...) goes on

    def on_epoch_end(self, epoch, logs=None):
        # A network of several outputs reports the loss of each; the line has room for their sum.
        shown = {
            name: f"{value:.3g}"
            for name, value in (logs or {}).items()
            if name in ("loss", "val_loss") or not name.endswith("_loss")
        }
        self._bar.set_postfix(shown, False)
        self._bar.update()

    def on_train_end(self, logs=None):
        self._bar.bar_format = "{n_fmt} of {total_fmt} epochs in {elapsed}{postfix}"
        self._bar.close()


class LiveCurves(keras.callbacks.Callback):
    """Learning curves that grow in place below the cell while the model trains.

    One figure is shown and replaced after an epoch; when training ends, the last one stays.
    Outside a notebook nothing is drawn and the values are kept.

    Parameters
    ----------
    quantities : str or sequence of str
        One panel each; `"miou"` draws `miou` (dashed) and `val_miou` (solid).
    every : int
        Redraw after so many epochs, but not twice within a second: a drawing costs some 0.2 s.
    baselines : dict, name -> dict of quantity -> score, optional
        A gray line each, as in `course_utils.plotting.history`.

    Attributes
    ----------
    values : dict of str -> list of float, one entry an epoch, as in Keras's `History`
    """

    def __init__(self, quantities=("loss", "miou"), every=1, *, baselines=None):
        super().__init__()
        if every < 1:
            raise ValueError(f"every must be at least 1; it is {every}")
        self.quantities = (quantities,) if isinstance(quantities, str) else tuple(quantities)
        self.every = every
        self.baselines = check_baselines(baselines, self.quantities)
        self.values = {}

    def on_train_begin(self, logs=None):
        prepare(self.model)
        self.values = {}
        self._epochs = 0
        self._first = 1
        self._drawn = None
        self._handle = None
        self._start = time.monotonic()
        self._last = float("-inf")

    def on_epoch_end(self, epoch, logs=None):
        if self._epochs == 0:
            self._first = epoch + 1
        for name, value in (logs or {}).items():
            # A value that starts late is preceded by gaps, so that all lists count epochs alike.
            column = self.values.setdefault(name, [])
            column += [float("nan")] * (self._epochs - len(column)) + [float(value)]
        self._epochs += 1
        if self._epochs % self.every == 0 and time.monotonic() - self._last >= 1:
            self._show()

    def on_train_end(self, logs=None):
        if self._drawn != self._epochs:
            self._show()

    def _show(self):
        if not _in_notebook() or not self.values:
            return
        from IPython.display import display

        told = describe_curves({"": self.values}, self.quantities, self.baselines)
        text = f"{self._title()}. {told}"
        picture, metadata = bundle(png(self._draw()), text)
        self._drawn = self._epochs
        if self._handle is None:
            self._handle = display(picture, metadata=metadata, raw=True, display_id=True)
        else:
            self._handle.update(picture, metadata=metadata, raw=True)
        self._last = time.monotonic()

    def _draw(self):
        import matplotlib.pyplot as plt

        figure, axes = new_figure(1, len(self.quantities), height=3.0)
        plt.close(figure)  # forgotten by pyplot, so the notebook does not show it a second time
        last = max(self.params.get("epochs") or 0, self._first + self._epochs - 1)
        for ax, quantity in zip(axes[0], self.quantities, strict=True):
            for name, line in draw_curves(ax, {"": self.values}, quantity, first=self._first):
                line.set_label(name)
            draw_baselines(ax, self.baselines, quantity)
            if ax.lines:
                ax.legend(frameon=False, fontsize=9)
            ax.set_xlim(self._first - 0.5, last + 0.5)
        figure.suptitle(self._title(), fontsize=10, x=0.01, ha="left")
        return figure

    def _title(self):
        epoch = self._first + self._epochs - 1
        total = self.params.get("epochs") or epoch
        minutes, seconds = divmod(round(time.monotonic() - self._start), 60)
        return f"epoch {epoch} of {total}, {minutes}:{seconds:02d} min"


class FiringUnits(keras.callbacks.Callback):
    """Count how many units of an early layer fire, before the training and after each step.

    A unit fires if it gives more than zero for one of the inputs at least.

    Parameters
    ----------
    inputs : ndarray of float32
        What the first layer takes.
    depth : int
        Layers up to and including the one whose units are counted.

    Attributes
    ----------
    counts : list of int
    """

    def __init__(self, inputs, depth):
        super().__init__()
        self.inputs, self.depth = inputs, depth
        self.counts = []

    def on_train_begin(self, logs=None):
        self.counts = []
        self._count()

    def on_train_batch_end(self, batch, logs=None):
        self._count()

    def _count(self):
        outputs = self.inputs
        for layer in self.model.layers[: self.depth]:
            outputs = layer(outputs)
        units = np.asarray(outputs)
        self.counts.append(int((units > 0).any(axis=tuple(range(units.ndim - 1))).sum()))


def prepare(model):
    """Make ready for a training, as `Progress` and `LiveCurves` do when one begins.

    What TensorFlow keeps of earlier trainings is given back, or a chapter that trains a dozen
    networks would not fit into a laptop: see `release_graphs`. And the optimizer gets its variables
    now: made while the first step is traced, as Keras's Adam makes its moments, they have
    TensorFlow trace it a second time, seconds for a U-Net.
    """
    release_graphs()
    if model.built and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def release_graphs():
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


class _OutputLine:
    """A file for tqdm: shows the last line written to it, in one place of a notebook's output."""

    def __init__(self):
        self._handle = None

    def write(self, text):
        from IPython.display import display

        line = text.strip("\r\n").rstrip()  # tqdm fills up a line that was longer
        if not line.strip():
            return
        if self._handle is None:
            self._handle = display({"text/plain": line}, raw=True, display_id=True)
        else:
            self._handle.update({"text/plain": line}, raw=True)

    def flush(self):
        """Do nothing: a line is shown when it is written."""


def _in_notebook():
    """Whether there is a front end that shows pictures (a terminal's IPython has none)."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return hasattr(get_ipython(), "kernel")


# What a loss asks of a picture


def pull(loss, truth, probability):
    """Return the gradient of a loss at each logit of class 1, where there are two classes.

    Parameters
    ----------
    loss : callable
        Of class numbers [1, H, W] and logits [1, H, W, 2].
    truth : ndarray of int, shape [H, W]
        0, 1, or `IGNORE`.
    probability : ndarray of float, shape [H, W]
        Of class 1, above 0 and below 1.

    Returns
    -------
    ndarray of float32, shape [H, W]
        Below 0 where training raises the logit.
    """
    import tensorflow as tf

    logit = np.log(probability / (1 - probability)).astype(np.float32)
    logits = tf.constant(np.stack([np.zeros_like(logit), logit], axis=-1)[None])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss(np.asarray(truth, "int32")[None], logits)
    return tape.gradient(value, logits)[0, ..., 1].numpy()
