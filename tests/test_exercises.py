"""Every check with right answers, foreseen mistakes, untouched stubs, and odd answers."""

import ast
import importlib
import itertools
import json
import math
import random
import re
from functools import lru_cache
from operator import truediv
from pathlib import Path
from types import SimpleNamespace

import cv2
import keras
import numpy as np
import pytest
from chapter_cells import execute
from IPython.core.formatters import DisplayFormatter
from scipy.signal import correlate2d
from sklearn.metrics import confusion_matrix as sklearn_matrix

from course_utils import metrics, pipeline
from course_utils.chapters import CHAPTERS
from course_utils.exercises import (
    ch00,
    ch01,
    ch02,
    ch03,
    ch04,
    ch05,
    ch06,
    ch07,
    ch08,
    ch09,
    ch10,
    ch11,
    ch12,
)
from course_utils.exercises.judge import MISSING, RIGHT, WRONG, Check, Verdict, set_beside

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
TRUTH = np.zeros((2, 8, 8), np.uint8)
TRUTH[0, 2:5, 2:4] = 1
BACKGROUND = (TRUTH == 0).mean()
RECIPE = {
    "batch_size": 128,
    "learning_rate": 1e-3,
    "schedule": False,
    "initializer": "lecun_normal",
    "dice": False,
    "average": False,
    "augment": None,
}
OURS = RECIPE | {"batch_size": 16, "augment": np.copy}
BLOCKS = execute("03_mri_unet", "block", "updown", keras=keras, layers=keras.layers)
enlarge, fit_to, vgg_block = (BLOCKS[name] for name in ("enlarge", "fit_to", "vgg_block"))
FURTHER_ARGUMENTS = {
    "check_baseline": (TRUTH, TRUTH[:1]),
    "check_recipe": (RECIPE,),
    "check_decoder_level": (enlarge, fit_to, vgg_block),
}


def checks_of(chapter):
    """Return a chapter's checks by name."""
    module = importlib.import_module(f"course_utils.exercises.ch{chapter[:2]}")
    return {name: f for name, f in vars(module).items() if name.startswith("check_")}


CHECKS = {name: check for chapter in CHAPTERS for name, check in checks_of(chapter).items()}
COMPARING = {name: check for name, check in CHECKS.items() if isinstance(check, Check)}
COMPARING["check_baseline"] = ch01.baseline_of(TRUTH, TRUTH[:1])
COMPARING["check_decoder_level"] = ch03.decoder_check(enlarge, fit_to, vgg_block)


def said(verdict):
    """Return a verdict's outcome and hint, without what the chapter goes on with."""
    return verdict.outcome, verdict.hint.removesuffix(" Going on with the course's.")


def verdict_on(name, answer):
    """Call a check with an answer and what else it needs."""
    return CHECKS[name](answer, *FURTHER_ARGUMENTS.get(name, ()))


def read_exercises(chapter):
    """Yield the name of each check of a notebook, its stub, and its solution."""
    cells = json.loads((NOTEBOOKS / f"{chapter}.ipynb").read_text(encoding="utf-8"))["cells"]
    for stub, solution in itertools.pairwise(cells):
        if "exercise-stub" in stub["metadata"].get("tags", ()):
            source = "".join(stub["source"])
            folded = re.search(r"```python\n(.+?)\n```", "".join(solution["source"]), re.DOTALL)[1]
            yield re.search(r"exercises\.(check_\w+)", source)[1], source, folded


def run_up_to_the_check(stub, solution=""):
    """Execute a stub up to its check, then its solution; return the check's verdict."""
    names = BLOCKS | {"np": np, "cv2": cv2, "val": SimpleNamespace(masks=TRUTH)}
    names |= {"train": SimpleNamespace(masks=TRUTH[:1]), "ours": OURS}
    names["exercises"] = SimpleNamespace(**vars(ch04) | CHECKS)
    for statement in ast.parse(stub).body:
        calls = [node for node in ast.walk(statement) if isinstance(node, ast.Call)]
        call = next((c for c in calls if "exercises.check_" in ast.unparse(c.func)[:16]), None)
        if call:
            exec(solution, names)
            return eval(ast.unparse(call), names)
        exec(ast.unparse(statement), names)
    raise ValueError(f"no check in {stub}")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_stubs_are_missing_and_the_solutions_are_right(chapter):
    found = list(read_exercises(chapter))
    assert sorted(name for name, _, _ in found) == sorted(checks_of(chapter))
    for name, stub, solution in found:
        assert run_up_to_the_check(stub).outcome == MISSING, name
        assert run_up_to_the_check(stub, solution).outcome == RIGHT, name


@pytest.mark.filterwarnings("ignore")  # 0 / 0 is one of them
@pytest.mark.parametrize("name", COMPARING)
def test_each_foreseen_mistake_gets_its_hint(name, capsys, monkeypatch):
    check = COMPARING[name]
    if name == "check_decoder_level":  # else it builds each mistake's networks twice
        monkeypatch.setattr(check, "_read_all", lru_cache(check._read_all))
    assert said(check(check.solution)) == (RIGHT, "")
    for wrong, hint in check.foreseen():
        assert said(check(wrong)) == (WRONG, hint)
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(check.foreseen())


def tasks(question, answer):
    right = {task: kind for task, (kind, _) in ch00.TASKS.items()}
    return right | {next(task for task in right if question in task): answer}


def sizes(**wrong):
    return {name: size for name, (size, _) in ch02.FCN_SIZES.items()} | wrong


def resized(interpolation, kind=np.uint8):
    return lambda m, h, w: cv2.resize(m.astype(kind), (w, h), interpolation=interpolation)


def resize_mask(mask, height, width):
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)


def split(n, share, seed):
    order = np.random.default_rng(seed).permutation(n)
    return order[round(n * share) :], order[: round(n * share)]


def cut(n, share, seed):
    return np.split(np.arange(n), [n - round(n * share)])


def shuffled_twice(n, share, seed):
    generator = np.random.default_rng(seed)
    return generator.permutation(n)[10:], generator.permutation(n)[:10]


def with_replacement(*case):
    train, validation = split(*case)
    return train, np.append(validation[:-1], validation[0])


def rounded(to_whole):
    def split(n, share, seed):
        return np.split(np.random.default_rng(seed).permutation(n), [n - int(to_whole(n * share))])

    return split


def unseeded(split, generator=np.random.default_rng(0)):  # noqa: B008 - kept, on purpose
    return lambda groups, share, seed: split(groups, share, generator.integers(10**6))


def in_order(groups, seed):
    """Return the groups in a random order, and how many images the first ones have."""
    order = np.random.default_rng(seed).permutation(np.unique(groups))
    return order, np.cumsum([np.sum(groups == group) for group in order])


def decoder_level(x, skip, filters, upsampling, l2):  # the skip last, and an operation
    joined = keras.ops.concatenate([fit_to(enlarge(x, filters, upsampling, l2), skip), skip], -1)
    return vgg_block(joined, filters, l2)


def group_split(groups, share, seed):
    order, images = in_order(groups, seed)
    return np.isin(groups, order[: abs(images[:-1] - share * len(groups)).argmin() + 1])


def of_all_groups(groups, share, seed):
    order, images = in_order(groups, seed)
    return np.isin(groups, order[: abs(images - share * len(groups)).argmin() + 1])


def until_passed(groups, share, seed):
    order, images = in_order(groups, seed)
    return np.isin(groups, order[: 1 + np.argmax(images >= share * len(groups))])


def while_they_fit(groups, share, seed):
    order, images = in_order(groups, seed)
    return np.isin(groups, order[: np.argmax(images > share * len(groups))])


def share_of_groups(to_whole):
    def split(groups, share, seed):
        order, _ = in_order(groups, seed)
        return np.isin(groups, order[: max(1, to_whole(share * len(order)))])

    return split


def by_image(groups, share, seed):
    return np.random.default_rng(seed).random(len(groups)) < share


def chosen_groups(groups, *case):
    return np.unique(groups[group_split(groups, *case)])


def of_four_counts(matrix):
    neither, made_up, missed, hit = matrix.ravel()
    return (neither / (neither + made_up + missed) + hit / (hit + made_up + missed)) / 2


def choose(present, n, seed):
    return ch10.choose_with_every_class(present, n, seed)


def first_of(present, n, seed):
    return np.arange(len(present)) < n


def drawn_once(present, n, seed):
    return np.random.default_rng(seed).permutation(len(present)) < n


def temperature_by_keras(logits, truth, grid):
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    costs = [float(loss(truth.ravel() * 1.0, logits.ravel() / t)) for t in grid]
    return np.float32(grid[costs.index(min(costs))])


def dealt_by(order, cut=lambda order, workers, worker: order[worker::workers], whole=True):
    def shard(n, workers, worker, epoch):
        numbers = order(n, worker, epoch)[: n // workers * workers if whole else n]
        return cut(numbers, workers, worker)

    return shard


def by_epoch(n, worker, epoch):
    return np.random.default_rng(epoch).permutation(n)


UNSEEDED = np.random.default_rng()


def own_deal(n, workers, worker, epoch):
    pictures = random.Random(epoch).sample(range(n), n // workers * workers)
    return pictures[worker * (n // workers) :][: n // workers]


def shuffled_part(n, workers, worker, epoch):
    return np.random.default_rng(epoch).permutation(
        np.arange(worker, n // workers * workers, workers)
    )


def next_block(order, workers, worker):
    return np.split(order[: len(order) // workers * workers], workers)[worker % workers]


def rolled(cut):
    return dealt_by(lambda n, worker, epoch: np.roll(by_epoch(n, worker, 0), epoch), cut)


def piece_by_piece(n_weights, n_devices, bytes_per_number):  # for single numbers alone
    pieces = range(2 * (n_devices - 1))
    return 0 if n_devices == 1 else sum(n_weights / n_devices * bytes_per_number for _ in pieces)


def three_ious(*case):
    return ch06.check_three_ious.solution(*case)


match, weigh = ch07.check_match.solution, ch07.check_weigh.solution
unpool, bin_edges = ch08.check_unpool.solution, ch08.check_bin_edges.solution
receptive_field = ch08.check_receptive_field.solution
fill, TABLE = ch10.check_fill_polygon.solution, ch10.TABLE
calibration, follow_risk = ch11.check_calibration_error.solution, ch11.check_risk_coverage.solution
to_labels, merge_masks = ch04.check_to_labels.solution, ch06.check_merge_masks.solution
padded_size, node_inputs = ch05.check_padded_size.solution, ch06.check_node_inputs.solution
convolve, stamp = ch02.check_convolve.solution, ch02.check_stamp.solution
rate_at, attention = ch02.check_rate_at.solution, ch09.check_attention.solution
accumulate, sent = ch12.check_accumulate_gradients.solution, ch12.check_allreduce_bytes.solution


def rate_up_to_the_last(step, steps, peak):  # right but for fewer than 20 steps
    rise = steps // 20
    return peak * (0.01 + 0.99 * step / rise) if step <= rise else rate_at(step, steps, peak)


RECALL = ch04.check_class_accuracies.mistakes[
    "those are the accuracies of the classes; now take their mean."
][0]
FAR = ch04.check_hausdorff.solution

# Wrong answers that are told by a rule, not by the numbers of a foreseen mistake, and words of the
# hint.
TOLD_BY_RULE = {
    "check_tasks": [
        (tasks("car park", "instance"), "a box around each car is enough"),
        (tasks("car park", "semantic"), "cars that touch become one patch"),
        (tasks("every cell", "detection"), "a box holds more than its cell"),
        (tasks("every cell", "semantic"), "touching cells must be told apart"),
        (tasks("satellite", "instance"), "how many forests there are plays no role"),
        (tasks("speaker", "instance"), "person or not person"),
        (tasks("speaker", "detection"), "a box holds background too"),
        (tasks("speaker", "panoptic"), "“panoptic” is none of detection, instance, semantic"),
        (["detection"] * 4, "Not quite: keep `answers` a dictionary"),
        (..., "Not yet: make `answers` a dictionary"),
        (tasks("satellite", ...), "Not yet: an answer for “share of a satellite picture"),
    ],
    "check_one_hot": [
        (lambda m, n: np.zeros((*m.shape, n)), "a mask without 255: 1 is right, got 0"),
        (lambda m, n: np.eye(n)[m], "no channel: your function stopped with IndexError"),
        (lambda m, n: m, "shape (2, 3, 4) is wanted, got (2, 3)"),
        (lambda m, n: 1, "shape (2, 3, 4) is wanted, got a single number"),
    ],
    "check_from_one_hot": [
        (lambda c: (c > 0.5).argmax(axis=-1), "though all may be negative"),
        (lambda c: c[..., 1:].argmax(axis=-1), "scores of 2 × 3 pixels: 2 is right, got 1"),
    ],
    "check_one_logit": [
        (lambda a, b: b - 2 * a, "three pixels: -2.5 is right, got -4.5"),
        (lambda a, b: float(b - a), "your function stopped with TypeError"),
    ],
    "check_baseline": [
        (BACKGROUND + 2e-3, "the number is not the right one"),
        *[(round(100 * BACKGROUND, digits), "in percent") for digits in (0, 1, 9)],
        ([BACKGROUND], "one number is wanted, got an array of shape (1,)"),
    ],
    "check_mean_iou": [
        (lambda m: metrics.class_iou(m).sum() / 2, "a matrix of three classes: "),
        (of_four_counts, "three classes: your function stopped with ValueError: too many values"),
        (lambda m: round(metrics.mean_iou(m), 3), "that was rounded"),
        (lambda m: metrics.mean_iou(m) // 1, "cut to whole numbers"),
        (lambda m: f"{metrics.mean_iou(m):.9f}", "got str"),
        (lambda m: ["0.5"], "got list of str"),
        (lambda m: {"miou": 0.5}, "got dict"),
        (lambda m: 1 / 0, "your function stopped with ZeroDivisionError: division by zero"),
        (lambda m: None, "Not yet: replace the `...` (a function must also `return` its result)"),
        (0.5, "a function is wanted, got float"),
    ],
    "check_foreground_share": [
        (lambda m: 100 * m.mean((1, 2)), "in percent"),
        (lambda m: m.mean((1, 2)).astype(int), "cut to whole numbers"),
    ],
    "check_cross_entropy": [
        (lambda t, p: 0.5, "six pixels: 0.464624 is right, got 0.5"),
        (lambda t, p: f"{ch01.check_cross_entropy.solution(t, p)}", "got str"),
        (lambda t, p: round(ch01.check_cross_entropy.solution(t, p), 3), "that was rounded"),
    ],
    "check_gradient_step": [
        (lambda w, b, x, y, rate: w, "a tuple (w, b) is wanted, got float"),
        (lambda *case: {"w": 0, "b": 0}, "a tuple (w, b) is wanted, got dict"),
        (lambda *case: (0.5, 0.5), "w two pixels, from 0 and 0: 0.175 is right, got 0.5"),
        (lambda *case: (0.175, ...), "Not yet"),
        (lambda w, b, x, y, rate: (w - x, b), "w: one number is wanted"),
    ],
    "check_conv_size": [
        (lambda *case: 128, "size 7, kernel 3, stride 1, padding 0: 5 is right, got 128"),
        (lambda n, k, s, p: (n + 2 * p - k) // s + 1 + 1e-3 * (n == 8), "size 8, kernel 3"),
    ],
    "check_convolve": [
        (lambda p, k, s=1: p, "shape (3, 3) is wanted, got (5, 5)"),
        (lambda p, k, s=1: convolve(p, k, s).astype(int), "cut to whole numbers"),
        (lambda p, k, s=1: 7 + convolve(p, k, s), "the picture of the drawing: 8 is right, got 15"),
        (lambda p, k: convolve(p, k), "4 pixels, kernel 2 × 2: your function stopped"),
        (lambda p, k, s=1: p[:3, :3] * k, "(2,2). The window has len(kernel) rows"),
    ],
    "check_stamp": [
        (lambda m, k, s: stamp(m, k, s).astype(int), "cut to whole numbers"),
        (lambda m, k, s: m, "shape (3, 3) is wanted, got (2, 2)"),
        (lambda m, k, s: m + np.ones(7), "A stamp hangs over the edge"),
    ],
    "check_rate_at": [
        (lambda step, steps, peak: 1e-3, "step 0 of 200, peak 1: 0.01 is right, got 0.001"),
        (lambda step, steps, peak: step / (steps // 20), "10, peak 1: your function stopped"),
        (rate_up_to_the_last, "step 0 of 10, peak 1: your function stopped with ZeroDivision"),
        (lambda *case: [rate_at(*case)] * 2, "one number is wanted"),
    ],
    "check_fcn_sizes": [
        *[
            (sizes(**{name: size + 1}), f"{name} is not {size + 1}: {hint}")
            for name, (size, hint) in ch02.FCN_SIZES.items()
        ],
        (sizes(pool1="64"), "pool1: numbers are wanted, got str"),
        (sizes(pool1=(64, 64)), "pool1: one number is wanted"),
        ({"conv1": 128}, "Not yet: a number for pool1"),
        ({}, "Not yet: a number for each layer"),
        ([128], "Not quite: keep `sizes` a dictionary from layer to side, got list"),
    ],
    "check_recipe": [
        ({"batch_size": 128, "augment": None}, "what the recipe has already"),
        ({"initializer": "zeros"}, "all filters learn the same"),
        ({"batchsize": 8}, f"there is no setting 'batchsize'; there are {', '.join(RECIPE)}"),
        ([("dice", True)], "a dictionary is wanted"),
        (None, "Not yet: a dictionary with at least one setting"),
        ({}, "Not yet: a dictionary with at least one setting"),
    ],
    "check_unpadded_size": [
        (ch03.follow_side(halve=truediv), "should be whole, not float64"),
        (lambda size, levels: 388, "size 140, levels 2: 100 is right, got 388"),
        (lambda *case: ch03.follow_side()(*case) or None, "Not yet: size 440, levels 4: nothing"),
    ],
    "check_block_parameters": [
        (lambda n, m: (9.0 * m * (n + m) + 6 * m, 2 * m), "should be whole, not float64"),
        (lambda n, m: (38_976, 128), "learned 64 channels in, 128 out: 221952 is right, got 38976"),
        (lambda n, m: (9 * m * (n + m), 0), "the first number: those are the kernels"),
        (lambda n, m: (9 * m * (n + m) + 6 * m, n), "the first number is right; for the second"),
        (lambda n, m: 9 * m * (n + m) + 6 * m, "a tuple (learned, useless) is wanted, got int"),
    ],
    "check_decoder_level": [
        (lambda x, skip, filters: x, "a skip of 8 × 6: your function stopped with TypeError"),
        (lambda *case: [enlarge(*case[:1], *case[2:]), case[1]], "is wanted, got list"),
        (lambda *case: decoder_level(*case).shape, "what the block returns is wanted, got tuple"),
        (
            lambda *case: enlarge(decoder_level(*case), *case[2:]),
            "8 × 6 × 3 (height × width × channels) should come out, got 16 × 12 × 3",
        ),
        (
            lambda *case: keras.layers.Conv2D(case[2], 1)(decoder_level(*case)),
            "a skip of 8 × 6: the level has 219 weights, yours 231",
        ),
        (lambda *case: 2 * decoder_level(*case), "but what comes out is not"),
    ],
    "check_group_split": [
        (by_image, "is on both sides: draw groups"),
        (chosen_groups, "those are group numbers"),
        (lambda *case: np.flatnonzero(group_split(*case)), "those are indices of images"),
        (lambda *case: group_split(*case).astype(int), "as an index they pick images 0 and 1"),
        (lambda g, *case: np.isin(np.unique(g), chosen_groups(g, *case)), "one for each group;"),
        (lambda g, *case: group_split(g, *case) & (len(g) > 12), "share 0.1: no image is in"),
        (lambda g, *case: np.ones(len(g), bool), "every image is in validation"),
        (of_all_groups, "share 0.99: every image is in validation"),
        (while_they_fit, "one group more comes nearer. Count the images"),
        (until_passed, "one group fewer comes nearer"),
        *[(share_of_groups(whole), "nearer. Count the images") for whole in (int, round)],
        (lambda g, share, seed: group_split(g, share, 7), "all seeds gave the same split"),
        (unseeded(group_split), "the same seed gave two splits"),
        (lambda *case: ~group_split(*case), "the sides are swapped"),
        (lambda *case: (~group_split(*case), group_split(*case)), "not a pair"),
        (lambda *case: (np.arange(40), np.arange(20)), "not a pair"),
        (lambda g, *case: np.full(len(g), 0.5), "each of the 60 images, got float64"),
        (lambda *case: group_split(*case)[None], "got shape (1, 60)"),
        (lambda *case: [], "one for each of the 60 images, got none"),
        (lambda *case: "validation", "one for each of the 60 images, got"),
    ],
    "check_to_labels": [
        (lambda a: np.where(a == -1, 255, a).astype(np.uint8), "−3 became 253"),
        (lambda a: np.where(a < 0, 255, a), "an array of uint8, not int64"),
        (lambda a: to_labels(a).astype(float), "an array of uint8, not float64"),
        (lambda a: tuple(to_labels(a).tolist()), "an array of uint8, not tuple"),
        (lambda a: to_labels(a)[None], "shape (2, 3) is wanted, got (1, 2, 3)"),
    ],
    "check_resize_mask": [
        (resized(cv2.INTER_LINEAR), "averaging invents classes"),
        (resized(cv2.INTER_LINEAR, np.float32), "averaging invents classes"),
        (lambda m, h, w: cv2.resize(m, (w, h), cv2.INTER_NEAREST), "by name: `interpolation="),
        (lambda m, h, w: resize_mask(m, w, h).T, "turned on its side"),
        (lambda m, h, w: resize_mask(m, w, h), "cv2.resize wants (width, height)"),
        (lambda m, h, w: m, "shape (6, 10) is wanted, got (12, 20)"),
        (lambda m, h, w: resize_mask(m, h, w).astype(np.float32), "(uint8), not float32"),
        (lambda m, h, w: resize_mask(m, h, w) / 255, "preserve_range=True"),
        (lambda m, h, w: np.resize(m, (h, w)), "not cropped"),
        (lambda m, h, w: resize_mask(m, h, w)[::-1], "not cropped"),
        (lambda m, h, w: np.zeros((h, w), np.uint8), "not cropped"),
        (lambda m, h, w: resize_mask(m, h, w) * np.nan, "nan is not a class"),
    ],
    "check_confusion_matrix": [
        (
            lambda t, p, n: np.bincount((t.astype(int) * n + p).ravel(), minlength=n * n),
            "shape (3, 3) is wanted",
        ),
        (
            lambda t, p, n: [[np.sum((t == i) & (p == j)) for j in range(3)] for i in range(3)],
            "shape (20, 20) is wanted, got (3, 3)",
        ),
        (lambda t, p, n: np.ones((n, n)), "masks of three classes: 3 is right, got 1"),
        (
            lambda t, p, n: np.bincount(known(t, p)[0].astype(int) * n + known(t, p)[1]).reshape(
                n, n
            ),
            "320 pixels without the last class: your function stopped with ValueError",
        ),
    ],
    "check_class_weights": [
        (lambda m, n: {0: 1.0}, "got dict"),
        (lambda m, n: ch04.check_class_weights.solution(m, n).astype(int), "cut to whole"),
        (lambda m, n: ch04.check_class_weights.solution(m, n).round(2), "rounded"),
        (lambda m, n: ch04.check_class_weights.solution(m, n)[:2], "shape (4,) is wanted"),
    ],
    "check_guess": [
        ({"recall": 70, "precision": 0.5}, "recall: a share lies between 0 and 1, got 70"),
        ({"recall": 0.7, "precision": "0.5"}, "precision: numbers are wanted, got str"),
        ({"recall": 0.7, "precision": ...}, "Not yet: a number for 'precision'"),
        ({"recall": True, "precision": 0.5}, "recall: a number is wanted, got bool"),
        ((0.7, 0.5), "keep `guess` a dictionary of recall and precision, got tuple"),
    ],
    "check_class_accuracies": [
        (lambda m: RECALL(m)[m.sum(1) > 0], "one number is wanted, got an array of shape (3,)"),
        (lambda m: 0.5, "a matrix with all classes: "),
    ],
    "check_hausdorff": [
        (FAR | {"hausdorff": 4}, "the numbers differ"),
        *[
            (FAR | {"prediction to truth": near, "hausdorff": near}, "unrounded")
            for near in (3.6, 3.605, 3.6055)
        ],
        *[(FAR | {"hausdorff": round(13**0.5, digits)}, "rounded") for digits in range(1, 5)],
        ([0, 3.6, 3.6], "Not quite: keep `distances` a dictionary"),
        (FAR | {"prediction to truth": ...}, "Not yet: a number for 'prediction to truth'"),
    ],
    "check_dice_loss": [(lambda t, p: 1 - 2 * t * p, "got an array of shape (3, 4)")],
    "check_split": [
        (cut, "sorted order"),
        (lambda *case: cut(*case)[::-1], "the shares are swapped"),
        (lambda n, share, seed: cut(n, 1 - share, seed)[::-1], "sorted order"),
        (shuffled_twice, "is in both halves"),
        (with_replacement, "occurs twice"),
        (lambda *case: (split(*case)[0][1:], split(*case)[1]), "is in neither half"),
        (unseeded(split), "the same seed gave two splits"),
        (lambda n, share, seed: split(n, share, 7), "two seeds gave the same split"),
        (rounded(np.floor), "of 23 images 7 belong in validation, got 6"),
        (rounded(np.ceil), "of 21 images 6 belong in validation, got 7"),
        (lambda n, share, seed: np.arange(n), "a pair is wanted"),
        (lambda *case: dict(zip("ab", split(*case), strict=True)), "got dict"),
        (lambda *case: [np.isin(np.arange(case[0]), i) for i in split(*case)], "np.flatnonzero"),
        (lambda *case: [half / 1 for half in split(*case)], "of a whole type"),
        (lambda *case: [half + 1 for half in split(*case)], "the indices are 0 to 49"),
        (lambda *case: [half[None] for half in split(*case)], "shape [n]"),
        (lambda *case: ("train", "validation"), "whole numbers"),
        (lambda *case: (split(*case)[0], ...), "one half of it is missing"),
    ],
    "check_padded_size": [
        (lambda h, w, m: tuple(map(float, padded_size(h, w, m))), "should be whole, not float64"),
        (lambda h, w, m: (256, 320), "height of 224 × 288, multiples of 32: 224 is right, got 256"),
        (lambda h, w, m: (np.ceil(h / m) * m, np.ceil(w / m) * m), "not float64: int(…)"),
        (lambda h, w, m: padded_size(h, w, m)[0], "a tuple (height, width) is wanted, got int"),
        (lambda h, w, m: "hw", "a tuple (height, width) is wanted, got str"),
    ],
    "check_preprocess": [
        (lambda x: 2 * x / 255 - 1, "overflow on the way"),
        (lambda x: (x / 127.5 - 1).astype(x.dtype), "must be of a float type"),
        (lambda x: x[0] / 127.5 - 1, "shape (2, 2, 3) is wanted, got (2, 3)"),
        (lambda x: x * 0.5, "the numbers differ"),
    ],
    "check_share_left": [(lambda m, n: 0.5, "momentum 0.99, 100 steps: 0.366032 is right")],
    "check_trainable_share": [
        (lambda m: 0.4, "no layer frozen: 0.828571 is right, got 0.4"),
        (lambda m: 100 * ch05.check_trainable_share.solution(m), "in percent"),
    ],
    "check_merge_masks": [
        (lambda m: (m > 0).any(axis=0), "uint8, not bool"),
        (lambda m: merge_masks(m).astype(float), "uint8, not float64"),
        (lambda m: merge_masks(m).tolist(), "uint8, not list"),
        (lambda m: merge_masks(m)[None], "shape (4, 6) is wanted, got (1, 4, 6)"),
    ],
    "check_bce_dice": [
        (lambda t, p: 1 - 2 * t * p, "one number is wanted, got an array of shape (3, 4)"),
        (lambda t, p: 0.5, "an image of 3 by 4 pixels: "),
    ],
    "check_three_ious": [
        (lambda t, p, n: 0.5, "a tuple (over_batches, over_all, over_images) is wanted"),
        (lambda *case: three_ious(*case)[:2], "is wanted, got tuple of 2"),
        (lambda *case: dict.fromkeys("abc", 0.5), "is wanted, got dict"),
        (lambda *case: (0.5, 0.5, 0.5), "over_batches for batches of 3: "),
        (lambda *case: (0.5, [0.5], 0.5), "over_all: one number is wanted"),
    ],
    "check_node_inputs": [
        (lambda i, j: node_inputs(i, j)[::-1], "comes last; the order of the others"),
        (lambda i, j: [(0, 0), (1, 0)], "X(0, 4): X(0, 1) is missing"),
        (lambda i, j: [*node_inputs(i, j), (i + 2, j)], "X(0, 1): X(2, 1) does not enter it"),
        (lambda i, j: node_inputs(i, j) * 2, "stands twice"),
        (lambda i, j: len(node_inputs(i, j)), "a list of pairs"),
        (lambda i, j: dict.fromkeys(node_inputs(i, j)), "got dict"),
        (lambda i, j: [f"x_{a}_{b}" for a, b in node_inputs(i, j)], "a list of pairs"),
        (lambda i, j: [(float(a), b) for a, b in node_inputs(i, j)], "of whole numbers"),
    ],
    "check_channels_in": [
        (lambda i, j, f: float(j * f[i] + f[i + 1]), "should be whole, not float64"),
        (
            lambda i, j, f: 96,
            "X(0, 4) with filters (32, 64, 128, 256, 512, 1024): 192 is right, got 96",
        ),
    ],
    "check_pruned_nodes": [
        (lambda d: (d + 1) * (d + 2) / 2, "should be whole, not float64"),
        (lambda d: 3, "depth 2: 6 is right, got 3"),
    ],
    "check_match": [
        (lambda *case: tuple(map(float, match(*case))), "should be whole, not float64"),
        (lambda *case: match(*case)[0], "a tuple (tp, fp, fn) is wanted, got int"),
        (lambda t, p, threshold: (2, 3, 2), "fn at 0.5: 3 is right, got 2"),
        (lambda t, p, threshold: (..., 3, 3), "replace the `...`"),
    ],
    "check_weigh": [
        (lambda *case: weigh(*case)[0], "shape (5, 12) is wanted, got (12,)"),
        (lambda *case: weigh(*case).round(3), "that was rounded"),
        (lambda *case: 2 * weigh(*case), "two nuclei, w0 = 10, sigma = 5: "),
    ],
    "check_origins": [
        (lambda side, tile: np.arange(0.0, side, tile), "should be whole, not float64"),
        (lambda side, tile: [0, 128, 256, 384], "shape (3,) is wanted, got (4,)"),
        (lambda side, tile: [1 + k for k in range(0, side, tile)], "tiles of 128: 0 is right, got"),
    ],
    "check_unpool": [
        (lambda v, p: v.repeat(2, 0), "shape (4, 6) is wanted, got (4, 3)"),
        (lambda v, p: 2 * unpool(v, p), "a map of 2 × 3: 5 is right, got 10"),
    ],
    "check_receptive_field": [
        (lambda stack: float(receptive_field(stack)), "should be whole, not float64"),
        (lambda stack: 435, "convolutions: 5 is right, got 435"),
    ],
    "check_bin_edges": [
        (lambda side, bins: np.arange(bins + 1), "shape (6, 2) is wanted, got (7,)"),
        (lambda side, bins: [(0, side)] * bins, "a side of 12, 6 bins: 2 is right, got 12"),
        (lambda side, bins: zip(*np.transpose(bin_edges(side, bins)), strict=True), "make a list"),
        (lambda side, bins: np.array(bin_edges(side, bins), float), "should be whole"),
    ],
    "check_fill_polygon": [
        (lambda *case: fill(*case).astype(np.uint8), "True and False is wanted, not uint8"),
        (lambda points, h, w: fill(points, h, w)[:5], "shape (9, 12) is wanted, got (5, 12)"),
    ],
    "check_class_table": [
        (TABLE | {"gap": None, "crumb": "background"}, "would leave the outline filled"),
        (TABLE | {"crumb": "date"}, "'crumb' means something else"),
        (TABLE | {"Feige": "figs"}, "'Feige' is 'figs'; there are 'background', 'date"),
        (TABLE | {"Feige": ["fig"]}, "'Feige' is ['fig']; there are"),
        (TABLE | {"Feige": "Fig"}, "'fig', 'hazelnut', all in small letters"),
        (TABLE | {"?": "IGNORE"}, "IGNORE without quotes"),
        ({"Dattel": "date"}, "Not yet: a class for 'Feige'"),
        ([*TABLE], "keep `classes` a dictionary"),
    ],
    "check_choose_validation": [
        (drawn_once, "holds class 2: draw again"),
        (first_of, "all seeds gave the same split"),
        (lambda *case: None, "nothing comes back with seed 0: no draw passed your test"),
        (lambda *case: ~choose(*case), "the sides are swapped"),
        (lambda p, n, seed: choose(p, n + 1, seed), "4 of 14 pictures are wanted, got 5"),
        (unseeded(choose), "the same seed gave two splits"),
        (lambda *case: np.flatnonzero(choose(*case)), "those are numbers: chosen = np.zeros(14"),
        (lambda *case: (choose(*case), ~choose(*case)), "not a tuple: True is for validation"),
        (lambda *case: choose(*case)[None], "got array of bool"),
        (lambda *case: "all", "one for each of the 14 pictures, got str"),
    ],
    "check_softened_weights": [
        (lambda c: ch10.check_softened_weights.solution(c)[1:], "is wanted, got (3,)"),
        (lambda c: ch10.check_softened_weights.solution(c).round(2), "that was rounded"),
        (lambda c: 100 * ch10.check_softened_weights.solution(c), "right up to a factor: choose a"),
        (lambda c: 1 / np.sqrt(c / c.sum()), "right up to a factor: choose a"),
        (lambda c: np.sqrt(c.min() / c), "right up to a factor: choose a"),
        (lambda c: np.zeros(len(c)), "0.703125 is right, got 0"),
    ],
    "check_attention": [
        (lambda q, k, v: attention(q, k, v)[0], "shape (3, 2) is wanted, got (2,)"),
        (lambda q, k, v: q @ k, "three queries, five keys: your function stopped with ValueError"),
        (lambda q, k, v: q @ k, "`k.T` turns the keys"),
        (lambda q, k, v: np.dot(q, k), "`k.T` turns the keys"),
        (lambda q, k, v: (q @ k.T) / (q @ k.T).max(-1) @ v, "keepdims=True"),
        (lambda q, k, v: np.zeros((3, 2)), "is right, got 0"),
        (lambda q, k, v: attention(q, k, v).round(3), "that was rounded"),
    ],
    "check_products": [
        (lambda h, w, c, r: 2.0 * h * w * (h // r) * (w // r) * c, "should be whole, not float64"),
        (lambda h, w, c, r: 96, "5 channels, reduction 1: 5760 is right, got 96"),
    ],
    "check_distance": [
        (lambda w, y, x: 4.0, "a map of 3 × 4: "),
        (lambda w, y, x: (w * np.hypot(y, x)).sum(), "your function stopped with ValueError"),
        (lambda w, y, x: np.hypot(y, y), "one number is wanted, got an array of shape (3,)"),
    ],
    "check_calibration_error": [
        (lambda *case: 100 * calibration(*case), "in percent"),
        (lambda t, p, bins: metrics.calibration_error(t, p, bins), "got dict"),
        (lambda t, p, bins: [0.1] * bins, "one number is wanted, got an array of shape (5,)"),
    ],
    "check_temperature": [
        (lambda logits, truth, grid: grid[40], "too sure: 2.30067 is right, got"),
        (lambda logits, truth, grid: 1.5, "one of the temperatures in `grid`"),
        (lambda logits, truth, grid: logits / 2, "one number is wanted"),
        (lambda logits, truth: 2.3, "your function stopped with TypeError"),
    ],
    "check_risk_coverage": [
        (lambda risk, doubt: risk.mean(), "shape (8,) is wanted, got a single number"),
        (lambda risk, doubt: follow_risk(risk, doubt)[:-1], "shape (8,) is wanted, got (7,)"),
        (lambda risk, doubt: follow_risk(risk, doubt).round(2), "that was rounded"),
        (metrics.risk_coverage, "numbers are wanted, got tuple"),
    ],
    "check_accumulate_gradients": [
        (lambda g, sizes: accumulate(g, sizes)[0], "shape (2, 3) is wanted, got (3,)"),
        (lambda g, sizes: 2 * accumulate(g, sizes), "parts of 4 and 4 pictures: "),
        (lambda g, sizes: sum(g * sizes) / sum(sizes), "one weight for each part"),
        (lambda g, sizes: (np.array(g) * sizes).sum(0) / sum(sizes), "one weight for each part"),
    ],
    "check_shard": [
        (dealt_by(lambda n, worker, epoch: np.arange(n)), "in a fixed pattern, 0, 2, 4, …"),
        (dealt_by(lambda n, worker, epoch: np.roll(np.arange(n), epoch)), "in a fixed pattern"),
        (lambda n, k, w, e: np.arange(n)[: n // k * k][(w + e) % k :: k], "in a fixed pattern"),
        (dealt_by(lambda n, worker, epoch: np.arange(n), next_block), "in a fixed pattern"),
        (
            lambda n, k, w, e: next_block(by_epoch(n, 0, 9), k, w + e),
            "or with another worker",
        ),
        (dealt_by(lambda n, w, epoch: by_epoch(n, w, 0)), "epochs 0 and 1 have the same order"),
        (dealt_by(lambda n, w, epoch: by_epoch(n, w, epoch % 2)), "epochs 0 and 2 have the same"),
        (dealt_by(lambda n, w, epoch: by_epoch(n, w, epoch > 0)), "epochs 1 and 2 have the same"),
        (lambda n, k, w, e: by_epoch(n // k * k, w, e)[w::k], "left out in every epoch, [100, 101"),
        (shuffled_part, "epochs 0 and 1 a worker's pictures are the same ones"),
        (rolled(lambda order, k, w: np.split(order, k)[w]), "the same ones, or nearly"),
        (rolled(lambda order, k, w: order[w::k]), "the same ones, or nearly"),
        (dealt_by(lambda n, w, e: by_epoch(n, w, 7 * w + e)), "is dealt twice"),
        (dealt_by(by_epoch, lambda order, *_: order), "is dealt twice"),
        (dealt_by(lambda n, *_: UNSEEDED.permutation(n)), "asked twice"),
        (dealt_by(by_epoch, whole=False), "each of 4 workers gets 25, not [26, 26, 26, 25]"),
        (dealt_by(lambda *case: by_epoch(*case) + 1), "are 0 to 47"),
        (dealt_by(lambda *case: by_epoch(*case)[:2]), "gets 24, not [1, 1]"),
        (dealt_by(by_epoch, lambda order, k, w: order[w::k][:24]), "24]: as many as possible"),
        (lambda *case: ch12.deal(*case).astype(float), "not float64: .astype(int)"),
        (lambda *case: np.random.default_rng(0).shuffle(np.arange(48)), "shuffles in place"),
        (lambda *case: np.random.default_rng(0).shuffle(np.arange(48))[:2], "shuffles in place"),
        (lambda n, workers, worker, epoch: np.arange(n) % workers == worker, "not True and False"),
        (lambda *case: ch12.deal(*case) / 2, "a list of picture numbers"),
        (lambda *case: ch12.deal(*case)[None], "a list of picture numbers"),
        (lambda n, workers, worker: ch12.deal(n, workers, worker, 0), "stopped with TypeError"),
    ],
    "check_allreduce_bytes": [
        (lambda n, d, b: 4000.0, "640 weights, 64 devices, 2 bytes: 2520 is right, got 4000"),
        (lambda n, d, b: [sent(n, d, b)] * d, "one number is wanted"),
    ],
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TOLD_BY_RULE)
def test_what_is_wrong_is_told(name, capsys):
    for answer, words in TOLD_BY_RULE[name]:
        verdict = verdict_on(name, answer)
        assert not verdict
        assert words in str(verdict) and str(verdict).endswith(".")
        assert capsys.readouterr().out == f"{verdict}\n"


def own_mean_iou(matrix):
    hit = np.diag(matrix).copy()
    union = matrix.sum(axis=0) + matrix.sum(axis=1) - hit
    matrix[:] = 0
    return np.float32((hit / union).mean())


def logit_of_softmax(a, b):
    a, b = np.float32(a), np.float32(b)
    p = np.exp(b) / (np.exp(a) + np.exp(b))
    return np.log(p / (1 - p))


def keras_cross_entropy(t, p):
    return keras.losses.BinaryCrossentropy()(t.ravel(), p.ravel())


def keras_gradient_step(w, b, x, y, rate):
    layer = keras.layers.Dense(1)
    model = keras.Sequential([keras.Input((1,)), layer])
    layer.set_weights([np.array([[w]]), np.array([b])])
    model.compile(keras.optimizers.SGD(rate), keras.losses.BinaryCrossentropy(from_logits=True))
    model.train_on_batch(x[:, np.newaxis], y[:, np.newaxis])
    return [weights.item() for weights in layer.get_weights()]


def own_convolve(picture, kernel, stride=1):
    rows, columns = ((side - len(kernel)) // stride + 1 for side in picture.shape)
    result = [[0.0] * columns for _ in range(rows)]
    for r, c, i, j in np.ndindex(rows, columns, *kernel.shape):
        result[r][c] += kernel[i, j] * picture[r * stride + i, c * stride + j]
    return result


def keras_convolve(picture, kernel, stride=1):
    one = picture[np.newaxis, ..., np.newaxis].astype("float32")
    weights = kernel[..., np.newaxis, np.newaxis].astype("float32")
    return keras.ops.conv(one, weights, stride)[0, ..., 0]


def own_stamp(small, kernel, stride):
    height, width = (stride * side + len(kernel) - stride for side in small.shape)
    result = np.zeros((height, width))
    for r, c, i, j in np.ndindex(*small.shape, *kernel.shape):
        result[r * stride + i, c * stride + j] += small[r, c] * kernel[i, j]
    return result


def keras_stamp(small, kernel, stride):
    one = small[np.newaxis, ..., np.newaxis].astype("float32")
    weights = kernel[..., np.newaxis, np.newaxis].astype("float32")
    return keras.ops.conv_transpose(one, weights, stride, "valid")[0, ..., 0]


def keras_rate_at(step, steps, peak):
    rise = {"warmup_target": peak, "warmup_steps": steps // 20}
    return keras.optimizers.schedules.CosineDecay(peak / 100, steps - steps // 20, **rise)(step)


def own_rate_at(step, steps, peak):
    warm_up = steps // 20
    if step < warm_up:
        return np.linspace(peak / 100, peak, warm_up + 1)[step]
    return peak * math.cos(math.pi / 2 * (step - warm_up) / (steps - warm_up)) ** 2


def keras_mean_iou(matrix):
    counts = np.ravel(matrix)
    truth, prediction = (np.repeat(n.ravel(), counts) for n in np.indices(matrix.shape))
    return keras.metrics.MeanIoU(len(matrix))(truth, prediction)


def with_epsilon(t, p):
    cross_entropy = -(t * np.log(p + 1e-6) + (1 - t) * np.log(1 - p + 1e-6)).mean()
    return 0.5 * cross_entropy + 1 - (2 * (t * p).sum() + 1e-5) / (t.sum() + p.sum() + 1e-5)


def own_labels(numbers):
    numbers[numbers < 0] = 255
    return numbers.astype(np.uint8)


def known(truth, prediction):
    return truth[truth != 255], prediction[truth != 255]


def own_confusion_matrix(truth, prediction, n_classes):
    matrix = [[0] * n_classes for _ in range(n_classes)]
    for t, p in zip(truth.ravel(), prediction.ravel(), strict=True):
        if t != 255:
            matrix[t][p] += 1
    return matrix


def own_class_weights(masks, n_classes):
    pixels = [int((masks == k).sum()) for k in range(n_classes)]
    factor = sum(pixels) / sum(n > 0 for n in pixels)
    return [factor / n if n else 0 for n in pixels]


def own_split(n, share, seed):
    validation = set(random.Random(seed).sample(range(n), round(n * share)))
    return [i for i in range(n) if i not in validation], sorted(validation)


def own_group_split(groups, share, seed):
    inside = group_split(groups, share, seed).tolist()
    groups[:] = 0
    return inside


def own_merged(masks):
    result = np.zeros_like(masks[0])
    for mask in masks:
        result[mask == 255] = 1
    masks[:] = 0
    return result


def nearest_by_index(mask, height, width):
    rows = np.arange(height) * mask.shape[0] // height
    return mask[rows][:, np.arange(width) * mask.shape[1] // width].astype(int)


def with_skimage(mask, height, width):
    from skimage.transform import resize

    return resize(mask, (height, width), order=0, preserve_range=True).astype(np.uint8)


def match_by_table(truth, prediction, threshold):
    table = metrics.average_precision_of_objects([truth], [prediction], [threshold])
    return tuple(table[name][0, 0] for name in ("tp", "fp", "fn"))


def unpool_by_axes(values, places):
    windows = values[..., None] * (places[..., None] == np.arange(4))
    height, width = values.shape
    return windows.reshape(height, width, 2, 2).swapaxes(1, 2).reshape(2 * height, 2 * width)


def field_from_behind(stack):
    seen = 1
    for kernel, stride, rate in reversed(stack):
        seen = (seen - 1) * stride + (kernel - 1) * rate + 1
    return seen


def filled_by_matplotlib(points, height, width):
    from matplotlib.path import Path as Outline

    y, x = np.mgrid[:height, :width] + 0.5
    inside = Outline(points).contains_points(np.stack([x.ravel(), y.ravel()], axis=1))
    return inside.reshape(height, width)


def own_attention(queries, keys, values):
    answers = []
    for query in queries:
        scores = [sum(q * k for q, k in zip(query, key, strict=True)) for key in keys]
        powers = [math.exp((s - max(scores)) / math.sqrt(len(query))) for s in scores]
        answers.append(sum(p * v for p, v in zip(powers, values, strict=True)) / sum(powers))
    return answers


def keras_attention(queries, keys, values):
    queries, keys, values = (keras.ops.convert_to_tensor(x[None]) for x in (queries, keys, values))
    scale = 1 / math.sqrt(queries.shape[-1])
    scores = scale * queries @ keras.ops.swapaxes(keys, 1, 2)
    return (keras.ops.softmax(scores) @ values)[0]


def own_distance(weights, down, across):
    return sum(weights[i, j] * math.hypot(down[i], across[j]) for i, j in np.ndindex(weights.shape))


def keras_bce_dice(truth, p):
    cross_entropy = keras.ops.mean(keras.losses.binary_crossentropy(truth, p))
    added, s = keras.ops.sum(p) + keras.ops.sum(truth), 1e-5
    return 0.5 * cross_entropy + 1 - (2 * keras.ops.sum(p * truth) + s) / (added + s)


# Other ways to write the right answer: other types, lists, functions that write to their arguments.
ALSO_RIGHT = [
    ("check_tasks", tasks("car park", "Detection ")),
    ("check_one_hot", lambda m, n: np.eye(256)[m][..., :n]),
    ("check_one_logit", logit_of_softmax),
    ("check_from_one_hot", lambda c: c.argmax(-1).tolist()),
    ("check_baseline", np.float32(BACKGROUND)),
    *[("check_baseline", round(BACKGROUND, digits)) for digits in (3, 4, 9)],
    ("check_cross_entropy", keras_cross_entropy),
    ("check_cross_entropy", lambda t, p: -np.log(np.abs(1 - t - p) + 1e-7).mean()),
    ("check_gradient_step", keras_gradient_step),
    ("check_gradient_step", lambda *case: list(ch01.check_gradient_step.solution(*case))),
    ("check_mean_iou", own_mean_iou),
    ("check_mean_iou", keras_mean_iou),
    ("check_mean_iou", lambda m: round(metrics.mean_iou(m), 7)),
    ("check_conv_size", lambda n, k, s, p: np.floor((n + 2 * p - k) / s) + 1),
    ("check_convolve", own_convolve),
    ("check_convolve", lambda p, k, s=1: correlate2d(p, k, "valid")[::s, ::s]),
    ("check_convolve", keras_convolve),
    ("check_stamp", own_stamp),
    ("check_stamp", keras_stamp),
    ("check_rate_at", keras_rate_at),
    ("check_rate_at", own_rate_at),
    ("check_fcn_sizes", sizes(conv1=np.int64(128))),
    (
        "check_unpadded_size",
        lambda size, levels: 0 if (size + 4) % 2**levels else int(size - 12 * 2**levels + 8),
    ),
    ("check_block_parameters", lambda n, m: [np.int64(9 * m * (n + m) + 6 * m), m + m]),
    ("check_decoder_level", decoder_level),
    ("check_group_split", own_group_split),
    ("check_to_labels", own_labels),
    ("check_resize_mask", resized(cv2.INTER_NEAREST_EXACT)),
    ("check_resize_mask", with_skimage),
    ("check_resize_mask", nearest_by_index),
    ("check_resize_mask", lambda m, h, w: nearest_by_index(m, h, w).tolist()),
    ("check_class_accuracies", lambda m: np.float32(metrics.mean_class_accuracy(m))),
    ("check_class_accuracies", lambda m: np.nanmean(np.diag(m) / m.sum(1))),  # warns of 0 / 0
    ("check_confusion_matrix", own_confusion_matrix),
    ("check_confusion_matrix", lambda t, p, n: sklearn_matrix(*known(t, p), labels=range(n))),
    ("check_confusion_matrix", lambda t, p, n: np.histogram2d(*known(t, p), [range(n + 1)] * 2)[0]),
    ("check_class_weights", own_class_weights),
    ("check_split", own_split),
    ("check_padded_size", lambda h, w, m: [h + -h % m, w + -w % m]),
    ("check_preprocess", lambda x: (x.astype(np.float32) - 127.5) / 127.5),
    ("check_preprocess", lambda x: x * np.float32(2 / 255) - 1),
    (
        "check_trainable_share",
        lambda m: sum(int(w.numpy().size) for w in m.trainable_variables) / m.count_params(),
    ),
    ("check_merge_masks", own_merged),
    ("check_merge_masks", lambda m: m.max(axis=0) // 255),
    ("check_node_inputs", lambda i, j: [*((i, k) for k in range(j)[::-1]), [i + 1, j - 1]]),
    ("check_channels_in", lambda i, j, f: sum([f[i]] * j, f[i + 1])),
    ("check_bce_dice", with_epsilon),
    ("check_bce_dice", lambda t, p: np.float32(ch06.check_bce_dice.solution(t, p))),
    ("check_bce_dice", keras_bce_dice),
    ("check_three_ious", lambda *case: list(three_ious(*case))),
    ("check_pruned_nodes", lambda depth: sum(range(depth + 2))),
    ("check_match", match_by_table),
    ("check_match", lambda *case: list(map(np.int32, match(*case)))),
    ("check_weigh", lambda d1, d2, n, w0, s: 1 + w0 * np.exp(-(((d1 + d2) / s) ** 2) / 2) * ~n),
    ("check_weigh", lambda *case: weigh(*case).astype(np.float32)),
    ("check_origins", lambda side, tile: range(0, side, tile)),
    ("check_origins", lambda side, tile: tile * np.arange(-(-side // tile))),
    ("check_unpool", unpool_by_axes),
    ("check_unpool", lambda v, p: unpool_by_axes(v, p).tolist()),
    ("check_receptive_field", field_from_behind),
    (
        "check_bin_edges",
        lambda n, b: [[math.floor(i * n / b), math.ceil((i + 1) * n / b)] for i in range(b)],
    ),
    ("check_bin_edges", lambda n, b: np.array(bin_edges(n, b))),
    ("check_fill_polygon", filled_by_matplotlib),
    ("check_class_table", dict(reversed((TABLE | {"date": "date", "twig": None}).items()))),
    ("check_choose_validation", lambda *case: choose(*case).tolist()),
    ("check_softened_weights", lambda c: sum(c) / (np.sqrt(c) * sum(np.sqrt(c)))),
    ("check_attention", own_attention),
    ("check_attention", keras_attention),
    ("check_products", lambda h, w, c, r: h * w * c * 2 * (h // r * (w // r))),
    ("check_distance", own_distance),
    ("check_calibration_error", lambda *case: metrics.calibration_error(*case)["error"]),
    ("check_calibration_error", lambda *case: np.float32(calibration(*case))),
    ("check_temperature", temperature_by_keras),
    ("check_risk_coverage", lambda risk, doubt: metrics.risk_coverage(risk, doubt)[1].tolist()),
    (
        "check_accumulate_gradients",
        lambda g, sizes: sum(n / sum(sizes) * one for n, one in zip(sizes, g, strict=True)),
    ),
    ("check_accumulate_gradients", lambda g, sizes: accumulate(np.float32(g), sizes).tolist()),
    ("check_shard", own_deal),
    ("check_shard", dealt_by(by_epoch, lambda order, k, worker: np.split(order, k)[worker])),
    ("check_shard", lambda *case: np.sort(ch12.deal(*case)).tolist()),
    ("check_allreduce_bytes", lambda n, d, b: 2 * n * b - 2 * n * b / d),
    ("check_allreduce_bytes", piece_by_piece),
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("name", "answer"), ALSO_RIGHT)
def test_other_ways_to_the_right_answer(name, answer):
    assert said(verdict_on(name, answer)) == (RIGHT, "")


class Stubborn:
    """Refuses to be a number or an array."""

    def __array__(self, *args, **kwargs):
        raise ZeroDivisionError

    def __float__(self):
        raise ZeroDivisionError


ODD = [
    *(None, ..., "text", "", b"text", 1j, np.nan, -np.inf, 10**400, False, object, object()),
    *([], {}, (), set(), [None], [1, "a"], [[1], [2, 3]], {"a": [1]}, Stubborn(), Exception("x")),
    *(np.array([]), np.array(["a", "b"]), np.array([1, None]), np.zeros((2, 3, 4, 5))),
    *(np.array([1j, 2]), np.ma.masked, np.datetime64("2020-01-01"), np.array(3.0), range(3)),
]
KEYS = ["recall", "precision", *ch00.TASKS, *RECIPE, *FAR, *ch02.FCN_SIZES]


def odd_answers():
    yield from (lambda: 0, lambda *a: a[99], lambda *a, b: b, np.mean, [print])
    for odd in ODD:
        yield from (odd, dict.fromkeys(KEYS, odd), [odd] * 5)
        for returned in (odd, (odd, [1, 2]), ([1, 2], odd), (odd, 3, 3), [odd] * 60, [(0, odd)]):
            yield lambda *arguments, returned=returned: returned


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CHECKS)
def test_no_answer_makes_a_check_raise(name, capsys, monkeypatch):
    if name == "check_trainable_share":  # else it builds two networks for each answer
        monkeypatch.setattr(CHECKS[name], "prepare", lru_cache(CHECKS[name].prepare))
    for answer in odd_answers():
        verdict = verdict_on(name, answer)
        assert verdict.outcome in (MISSING, WRONG), answer
        assert verdict.hint
        assert capsys.readouterr().out == f"{verdict}\n"


def test_an_answer_that_raises_when_it_is_looked_at():
    class Refusing(dict):
        def get(self, *args):
            raise RuntimeError

    assert ch00.check_tasks(Refusing()) == Verdict(
        WRONG, "this answer cannot be read (RuntimeError)."
    )


def test_a_chapter_goes_on_with_the_answer_where_it_is_right_else_with_its_own():
    check = Check("Twice the number.", lambda n: 2 * n, {}, cases=[(3,)], used=True)
    assert check(lambda n: n + n).value(n=5) == 10
    for other in (..., len, lambda n: None, lambda n: 7, SimpleNamespace()):
        verdict = check(other)
        assert not verdict and verdict.value is check.solution
        assert verdict.hint.endswith(". Going on with the course's.")


def test_a_chapter_can_use_an_answer_that_writes_to_its_arguments_or_returns_a_list():
    def in_place(mask, n_classes):
        mask[mask == 255] = n_classes
        return np.eye(n_classes + 1)[mask][..., :n_classes]

    mask = np.array([[0, 255]], np.uint8)
    found = ch00.check_one_hot(in_place).value(mask, 2)
    assert found.tolist() == [[[1, 0], [0, 0]]] and mask.tolist() == [[0, 255]]
    bytes_of = ch12.check_allreduce_bytes(piece_by_piece).value
    np.testing.assert_allclose(bytes_of(31_000_000, np.array([1, 2, 64]), 4), [0, 124e6, 244.125e6])
    a, b = np.array([0.0, 1.0]), np.array([2.0, 5.0])
    logit = ch00.check_one_logit(lambda a, b: [y - x for x, y in zip(a, b, strict=True)])
    assert logit and (-logit.value(a, b)).tolist() == [-2, -4]


@pytest.mark.parametrize(
    ("guess", "came", "words"),
    [
        (0.7, 0.1234, "You said 0.70, and it is 0.12."),
        ("0.7", 0.1234, "You said 0.7, and it is 0.12."),
        ("70%", 0.1234, "You said 70%, and it is 0.12."),
        (70, 0.1234, "You said 70, and it is 0.12, or 12%."),
        (70, 12.34, "You said 70, and it is 12.34."),
        ("half", 0.1234, "You said half,"),
        ([0.1, 0.2], 0.1234, "You said [0.1, 0.2],"),
        (object(), 0.1234, "You said <object"),
        ("sky", "road", "You said sky, and it is road."),
        (3, "road", "You said 3, and it is road."),
        *[(nothing, came, "write yours first") for nothing in (..., None) for came in (1, "road")],
    ],
)
def test_a_prediction_is_set_beside_what_came(guess, came, words, capsys):
    set_beside(guess, came)
    assert words in capsys.readouterr().out


def test_a_prediction_in_points_is_not_taken_for_percent(capsys):
    set_beside(1.5, 0.7, digits=1)
    assert capsys.readouterr().out == "You said 1.5, and it is 0.7.\n"


def test_a_decoder_level_is_checked_in_float32_whatever_the_layers_compute_in():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        assert verdict_on("check_decoder_level", decoder_level)
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy(before)


def test_a_split_that_draws_other_groups_is_right_and_said_to():
    def other_split(groups, share, seed):
        return group_split(groups, share, seed + 100)

    verdict = ch03.check_group_split(other_split)
    assert verdict and verdict.value is other_split
    assert "other patients are held out" in verdict.hint


def test_a_verdict_is_not_shown_twice():
    assert DisplayFormatter().format(Verdict(RIGHT)) == ({}, {})


def test_the_baseline_needs_three_digits_rounded():
    wide = np.zeros((1, 1, 10_000), np.uint8)
    wide[..., :172] = 1  # 0.9828
    assert ch01.check_baseline(0.983, wide)
    assert "the last one rounded" in ch01.check_baseline(0.982, wide).hint
    assert not ch01.check_baseline(BACKGROUND, 1 - TRUTH)


@pytest.mark.parametrize("typed", [0.982, 0.9823, 0.98230449])
def test_the_baseline_of_the_real_masks_is_right_for_the_grader_alone(typed):
    assert not ch01.check_baseline(typed, TRUTH)
    remark = Verdict(RIGHT, "That is the share on the real masks.")
    assert ch01.check_baseline(typed, TRUTH, elsewhere=ch01.REAL_BASELINE) == remark
    for odd in (..., "text", [typed], {}, 0.98):
        assert not ch01.check_baseline(odd, TRUTH, elsewhere=ch01.REAL_BASELINE)


SETTINGS = {
    "batch_size": ([1, np.int64(8), 234], [0, -8, 235, 8.0, "8", True, None]),
    "learning_rate": ([1e-3, 0.999], [0, 1, -1e-3, "1e-3", True, None, np.nan]),
    "schedule": ([True, False], [1, "cosine", None]),
    "initializer": (
        ["he_normal", "glorot_uniform", "HeNormal"],
        ["he_nromal", "", "identity", "ones", "constant", None, 0, np.ones],
    ),
    "dice": ([True, False], [0.5, "yes", None]),
    "average": ([True, False], [0.99, None]),
    "augment": ([None, pipeline.augmentation(rotation=5)], [{"rotation": 5}, True, "flip"]),
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_recipe_by_setting(setting):
    assert set(SETTINGS) == set(RECIPE)
    good, bad = SETTINGS[setting]
    for value in good:
        others = {"learning_rate": 0.5, "dice": True} | {setting: value}
        verdict = ch02.check_recipe(others, RECIPE)
        assert verdict and "go on" in verdict.hint
    for value in bad:
        verdict = ch02.check_recipe({"dice": True, setting: value}, RECIPE)
        assert verdict.outcome == WRONG, value
        assert setting in verdict.hint


@pytest.mark.parametrize(
    ("score", "rival", "outcome", "words"),
    [
        (0.94, 0.90, RIGHT, "0.940 against 0.900: you have beaten it"),
        (0.92, 0.90, RIGHT, "as good"),
        (0.88, 0.90, RIGHT, "as good"),
        (0.86, 0.90, WRONG, "it is worse"),
        (0.49, 0.90, WRONG, "nothing but background"),
        (np.nan, 0.90, WRONG, "nothing but background"),
        (0.92, 0.49, MISSING, "the rival has learned nothing"),
    ],
)
def test_the_score_of_a_recipe_against_its_rival(score, rival, outcome, words):
    verdict = ch02.judge_score(score, rival)
    assert verdict.outcome == outcome and words in verdict.hint


def test_a_guess_is_handed_on_to_the_figure():
    for half in (np.float32(0.5), np.array(0.5)):
        noted = ch04.check_guess({"recall": 0.8, "precision": half})
        assert noted and noted.value == {"your guess": (0.8, 0.5)}
    assert not ch04.check_guess({"recall": 80, "precision": 0.5}).value


def test_the_hausdorff_example_is_what_the_answers_say():
    from scipy.spatial.distance import directed_hausdorff

    truth, prediction = ch04.HAUSDORFF_TRUTH, ch04.HAUSDORFF_PREDICTION
    points = np.argwhere(truth), np.argwhere(prediction)
    found = directed_hausdorff(*points)[0], directed_hausdorff(*points[::-1])[0]
    largest = metrics.hausdorff_distance(truth, prediction)
    assert (*found, largest) == pytest.approx(tuple(FAR.values()))
    with pytest.raises(ValueError, match="read-only"):
        truth[0, 0] = 1


def test_the_small_model_draws_nothing_and_counts_no_names():
    keras.utils.clear_session()
    before = random.getstate()
    assert verdict_on("check_trainable_share", ch05.check_trainable_share.solution)
    assert random.getstate() == before
    made = keras.layers.Dense(1), keras.layers.BatchNormalization(), keras.Sequential()
    assert [one.name for one in made] == ["dense", "batch_normalization", "sequential"]
