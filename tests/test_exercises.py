"""Every check with its solution, each foreseen mistake, the untouched stub, and with rubbish."""

import ast
import itertools
import json
import random
import re
from types import SimpleNamespace

import cv2
import nuclei_answers
import numpy as np
import pytest
import scene_answers
from notebook_rules import ROOT, solution_code, tags

from course_utils import exercises, metrics, pipeline
from course_utils.exercises import (
    basics,
    fcn,
    labels,
    nuclei,
    nuclei_scores,
    pretrained,
    scores,
    unet,
    unetpp,
)

CHECKS = {name: f for name, f in vars(exercises).items() if name.startswith("check_")}
TRUTH = np.zeros((2, 8, 8), np.uint8)
TRUTH[0, 2:5, 2:4] = 1


def check_call(source):
    """Return the statements before a cell's check, and the call of the check."""
    statements = ast.parse(source).body
    for number, statement in enumerate(statements):
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and "exercises.check_" in ast.unparse(node.func):
                return ast.unparse(statements[:number]), ast.unparse(node)
    raise ValueError(f"no check in {source}")


def read_exercises():
    """Return check -> (code of the stub, call of the check, code of the solution)."""
    found = {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        cells = [cell | {"source": "".join(cell["source"])} for cell in cells]
        for stub, solution in itertools.pairwise(cells):
            if "exercise-stub" in tags(stub):
                before, call = check_call(stub["source"])
                name = call.partition("(")[0].removeprefix("exercises.")
                found[name] = before, call, solution_code(solution)
        for cell in cells:
            if cell["id"] == "published-recipe":
                exec(cell["source"], RECIPE)
    return found


RECIPE = {}
EXERCISES = read_exercises()
KNOWN = RECIPE["published"]
SOLUTIONS = scene_answers.SOLUTIONS | nuclei_answers.SOLUTIONS


def in_chapter(*sources):
    """Execute cells where the names of the chapters stand."""
    names = {"np": np, "cv2": cv2, "exercises": exercises, "published": KNOWN}
    names["val"] = SimpleNamespace(masks=TRUTH)
    for source in sources[:-1]:
        exec(source, names)
    return eval(sources[-1], names)


def check(name, answer):
    """Call a check with an answer and what else it needs."""
    more = {"check_baseline": (TRUTH,), "check_recipe": (KNOWN,)}
    return CHECKS[name](answer, *more.get(name, ()))


def test_every_check_belongs_to_a_chapter():
    written = {path.name[:2] for path in (ROOT / "notebooks").glob("*.ipynb")}
    chapter = {name: re.match(r"Chapter (\d\d): ", f.__doc__)[1] for name, f in CHECKS.items()}
    assert set(EXERCISES) == {name for name in CHECKS if chapter[name] in written}
    assert set(MISTAKES) | {"check_recipe"} == set(CHECKS) <= set(exercises.__all__)


@pytest.mark.parametrize("name", SOLUTIONS)
def test_a_solution_outside_its_chapter(name, capsys):
    for answer in (SOLUTIONS[name], ...):
        check(name, answer)
    if isinstance(SOLUTIONS[name], dict):  # so is the stub there
        check(name, dict.fromkeys(SOLUTIONS[name], ...))
    right, *missing = capsys.readouterr().out.splitlines()
    assert right == exercises.RIGHT
    assert missing
    assert all(line.startswith(exercises.MISSING) for line in missing)


@pytest.mark.parametrize("name", EXERCISES)
def test_the_solution_is_right(name, capsys):
    _, call, solution = EXERCISES[name]
    in_chapter(solution, call)
    more = " It can be trained." if name == "check_recipe" else ""
    right = f"{exercises.RIGHT}{more}\n"
    assert capsys.readouterr().out == right


@pytest.mark.parametrize("name", EXERCISES)
def test_the_untouched_stub_is_missing(name, capsys):
    before, call, _ = EXERCISES[name]
    in_chapter(before, call)
    lines = capsys.readouterr().out.splitlines()  # a stub may show something first
    said = exercises.RIGHT, exercises.MISSING, exercises.WRONG
    assert [line for line in lines if line.startswith(said)] == lines[-1:]
    assert lines[-1].startswith(exercises.MISSING)


def solved(name, variable):
    """Return what a chapter's solution defines."""
    return in_chapter(EXERCISES[name][2], variable)


def changed(name, variable, **changes):
    return solved(name, variable) | changes


def task(question, answer):
    answers = solved("check_tasks", "answers")
    return answers | {next(q for q in answers if question in q): answer}


hit = np.diag
BACKGROUND = (TRUTH == 0).mean()

# Answers as a reader would write them, and words of the hint that names the cause.
MISTAKES = {
    "check_tasks": [
        (task("car park", "instance"), "a box around each car is enough"),
        (task("every cell", "semantic"), "touching cells must be told apart"),
        (task("satellite", "instance"), "how many forests there are plays no role"),
        (task("speaker", "detection"), "person or not person"),
        (task("speaker", "panoptic"), "“panoptic” is none of detection, instance, semantic"),
        (task("speaker", np.array([1, 2])), "is none of detection, instance, semantic"),
    ],
    "check_one_hot": [
        (lambda m, n: np.stack([m == c for c in range(n)]), "channels come first"),
        (lambda m, n: np.eye(m.max() + 1)[m], "also for a class that is absent"),
        (lambda m, n: np.eye(n)[m.ravel()], "height and width got lost"),
        (lambda m, n: np.stack([m == c + 1 for c in range(n)], -1), "numbering starts at 0"),
        (lambda m, n: np.stack([m != c for c in range(n)], -1), "wrong way round"),
        (lambda m, n: np.zeros((2, 3, n)), "the numbers differ"),
        (lambda m, n: m, r"shape (2, 3, 4) is wanted, got (2, 3)"),
    ],
    "check_from_one_hot": [
        (lambda c: c.argmax(), "without an axis"),
        (lambda c: c.argmax(axis=0), "compares rows"),
        (lambda c: c.argmax(axis=1), "compares columns"),
        (lambda c: c.max(axis=-1), "its position is wanted"),
        (lambda c: c.sum(axis=-1), "a sum does not tell"),
        (lambda c: c.argmax(axis=-1) + 1, "numbering starts at 0"),
        (lambda c: c @ np.arange(4), "scores have a largest, too"),
        (lambda c: (c > 0.5).argmax(axis=-1), "the numbers differ"),
        (lambda c: abs(c).argmax(axis=-1), "the numbers differ"),
    ],
    "check_one_logit": [
        (lambda a, b: a - b, "the logit of class 0"),
        (lambda a, b: b, "class 0's logit counts too"),
        (lambda a, b: np.exp(b) / (np.exp(a) + np.exp(b)), "that is the probability"),
        (lambda a, b: a + b, "adding 1 to both logits"),
        (lambda a, b: np.exp(b) / np.exp(a), "those are the odds"),
    ],
    "check_foreground_share": [
        (lambda m: m.mean(), "one number for all masks"),
        (lambda m: 100 * m.mean(axis=(1, 2)), "in percent"),
        (lambda m: m.sum(axis=(1, 2)), "divide by the pixels of one image"),
        (lambda m: m.sum(axis=(1, 2)) / (256 * 256), "divide by the mask's own size"),
        (lambda m: m.sum(axis=(1, 2)) / m.size, "the pixels of all masks together"),
        (lambda m: m.mean(axis=(0, 1)), "keep axis 0"),
        (lambda m: m.mean(axis=0), "keep axis 0"),
        (lambda m: (m == 0).mean(axis=(1, 2)), "the share of background"),
    ],
    "check_baseline": [
        (100 * BACKGROUND, "in percent"),
        (1 - BACKGROUND, "the share of ventricle"),
        (BACKGROUND / 2, "that is the mIoU"),
        ((TRUTH == 0).mean(axis=(1, 2)), "one number is wanted"),
        (round(100 * BACKGROUND, 1), "in percent"),
        (round(BACKGROUND, 2), "three digits or more"),
        (BACKGROUND + 2e-3, "the numbers differ"),
        ([BACKGROUND], "is wanted, got"),
    ],
    "check_mean_iou": [
        (lambda m: hit(m).sum() / m.sum(), "pixel accuracy"),
        (lambda m: (hit(m) / (m.sum(0) + m.sum(1))).mean(), "subtract n_ii once"),
        (lambda m: (2 * hit(m) / (m.sum(0) + m.sum(1))).mean(), "the mean Dice"),
        (lambda m: metrics.class_iou(m), "now take their mean"),
        (lambda m: metrics.class_iou(m)[1], "class 1 alone"),
        (lambda m: (hit(m) / m.sum(axis=1)).mean(), "by the true pixels"),
        (lambda m: (hit(m) / m.sum(axis=0)).mean(), "by the predicted pixels"),
        (lambda m: metrics.class_iou(m).sum(), "divide by their number"),
        (lambda m: metrics.class_iou(m).sum() / 2, "the numbers differ"),
        (lambda m: hit(m).sum() / (m.sum(0) + m.sum(1) - hit(m)).sum(), "class by class"),
        (lambda m: (hit(m) / (2 * m.sum(axis=1) - hit(m))).mean(), "(axis=0) are missing"),
    ],
    "check_mlp_parameters": [
        (65_536 * 100 + 100 * 100 + 100 * 65_536, "each unit also has a bias"),
        ((65_536 * 100 + 100) + (100 * 65_536 + 65_536), "from 100 to 100 units is missing"),
        (65_536 * 100 + 100 + 100 + 100 * 65_536 + 65_536, "from 100 to 100 units is missing"),
        (65_536 * 100 + 100 + 100 * 100 + 100 + 100 * 65_536, "the output's 65,536 biases"),
        (65_536 * 100 + 100 * 100 + 100 + 100 * 65_536 + 65_536, "a hidden layer's 100 biases"),
        (65_536 * 100 + 1 + 100 * 100 + 1 + 100 * 65_536 + 1, "not one a layer"),
        (13_182_937, "the numbers differ"),
    ],
    "check_conv_size": [
        (lambda n, k, s, p: (n + 2 * p - k) / s + 1, "a kernel that does not fit"),
        (lambda n, k, s, p: (n + p - k) // s + 1, "the padding is on both sides"),
        (lambda n, k, s, p: (n + 2 * p - k) // s, "count the first position too"),
        (lambda n, k, s, p: (n - k) // s + 1, "the padding is missing"),
        (lambda n, k, s, p: (n + 2 * p - k + 1) // s, "after the division by the stride"),
        (lambda n, k, s, p: (n + 2 * p + k) // s + 1, "a larger kernel leaves fewer"),
        (lambda n, k, s, p: int(np.ceil((n + 2 * p - k) / s)) + 1, "not up"),
        (lambda n, k, s, p: 128, "size 7, kernel 3, stride 1, padding 0: 5 is right, got 128"),
    ],
    "check_transposed_size": [
        (lambda n, k, s, p: s * n + k - 2 * p, "n − 1 steps between them"),
        (lambda n, k, s, p: s * (n - 1) + k - p, "the padding crops both sides"),
        (lambda n, k, s, p: s * (n - 1) + k + 2 * p, "here the padding crops"),
        (lambda n, k, s, p: s * (n - 1) + k, "the padding is missing"),
        (lambda n, k, s, p: (n + 2 * p - k) // s + 1, "the ordinary convolution"),
        (lambda n, k, s, p: s * n, "holds only where"),
        (lambda n, k, s, p: 256, "size 3, kernel 3, stride 2, padding 0: 7 is right, got 256"),
    ],
    "check_fcn_sizes": [
        (changed("check_fcn_sizes", "sizes", **{name: wrong}), f"{name} is not {wrong}: {hint}")
        for name, wrong, hint in [
            ("conv1", 127, "floor((in + 2p − k) / s) + 1 with k = 5, s = 2, p = 2"),
            ("pool1", 128, "a 2×2 pooling halves"),
            ("conv2", 30, "floor((in + 2p − k) / s) + 1"),
            ("pool2", 32, "a 2×2 pooling halves"),
            ("conv3", 14, "stride 1 and padding (k − 1) / 2 keep the size"),
            ("conv4", 14, "stride 1 and padding (k − 1) / 2 keep the size"),
            ("conv5", 15, "a 1×1 kernel with stride 1 keeps the size"),
            ("transposed", 272, "s (in − 1) + k − 2p with k = 32, s = 16, p = 8"),
            ("pool1", "64", "a 2×2 pooling halves"),
        ]
    ],
    "check_fcn_channels": [
        ((64, 128, 128, 128), "five numbers are wanted"),
        (64, "five numbers are wanted"),
        ((64, 128, 128, 128, 0), "whole numbers from 1 to 1024"),
        ((64, 128, 128, 128, 12.5), "whole numbers from 1 to 1024"),
        ((64, 128, 128, 128, True), "whole numbers from 1 to 1024"),
        ((64, 128, 128, 128, 10**7), "whole numbers from 1 to 1024"),
        ((64, 128, 128, 128, "128"), "whole numbers from 1 to 1024"),
    ],
    "check_steps": [
        ({128: 4680 / 128, 8: 4680 / 8}, "round down"),
        ({128: 4680 * 128, 8: 4680 * 8}, "a larger batch makes fewer steps"),
        ({128: 4680, 8: 4680}, "a step sees a batch"),
        ({128: 234 // 128, 8: 234 // 8}, "that is one epoch"),
        ({128: 37, 8: 585}, "the budget must not be exceeded"),
        ({128: 585, 8: 36}, "swapped"),
        ({128: 365, 8: 5850}, "that is the whole budget"),
        ({128: 36, 8: 586}, "the numbers differ"),
        ([36, 585], "keep `steps` a dictionary"),
    ],
    **scene_answers.MISTAKES,
    **nuclei_answers.MISTAKES,
}


@pytest.mark.filterwarnings("ignore")  # 0 / 0 is one of them
@pytest.mark.parametrize(
    ("name", "answer", "words"), [(name, *case) for name in MISTAKES for case in MISTAKES[name]]
)
def test_a_foreseen_mistake_gets_its_hint(name, answer, words, capsys):
    check(name, answer)
    printed = capsys.readouterr().out
    assert words in printed
    assert printed.startswith((exercises.WRONG, exercises.MISSING))
    assert printed.count("\n") == 1


JUDGING = basics, fcn, labels, nuclei, nuclei_scores, pretrained, scores, unet, unetpp

# Foreseen mistakes that are not compared by `judge`.
FURTHER_HINTS = {
    "check_join_channels": unet.JOIN_MISTAKES,
    "check_node_inputs": unetpp.NODE_MISTAKES,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MISTAKES)
def test_every_hint_is_reached_by_some_mistake(name, capsys, monkeypatch):
    hints = set()
    judge = basics.judge

    def noting(answer, expected, mistakes, *args, **kwargs):
        hints.update(hint for _, hint in mistakes)
        return judge(answer, expected, mistakes, *args, **kwargs)

    for module in JUDGING:
        monkeypatch.setattr(module, "judge", noting)
    for answer, _ in MISTAKES[name]:
        check(name, answer)
    if name in FURTHER_HINTS:
        hints.update(hint for _, hint in FURTHER_HINTS[name])
    printed = capsys.readouterr().out
    assert not [hint for hint in hints if hint not in printed]


class Stubborn:
    """Refuses to be a number or an array."""

    def __array__(self, *args, **kwargs):
        raise ZeroDivisionError

    def __float__(self):
        raise ZeroDivisionError


RUBBISH = [
    *(None, ..., "text", "", b"text", 1j, np.nan, -np.inf, 10**400, True, False, object, object()),
    *([], {}, (), set(), [None], [1, "a"], [[1], [2, 3]], {"a": [1]}, Stubborn(), Exception("x")),
    *(np.array([]), np.array(["a", "b"]), np.array([1, None]), np.zeros((2, 3, 4, 5))),
    *(np.array([1j, 2]), np.ma.masked, np.datetime64("2020-01-01"), np.array(3.0), range(3)),
]


DICTIONARIES = {
    "check_tasks": "answers",
    "check_fcn_sizes": "sizes",
    "check_steps": "steps",
    "check_recipe": "my_changes",
    "check_hausdorff": "answers",
    "check_join_channels": "channels",
}


def raising(*arguments):
    raise RuntimeError("a mistake of mine")


def rubbish_for(name):
    yield from RUBBISH
    yield from (lambda *a, value=value: value for value in RUBBISH)
    yield from (raising, lambda: 0, lambda *a: a[99], lambda *a, b: b, np.mean, [raising])
    if name in DICTIONARIES:
        own = {"check_recipe": KNOWN} | SOLUTIONS
        keys = own.get(name) or solved(name, DICTIONARIES[name])
        for value in RUBBISH:
            yield dict.fromkeys(keys, value)
            yield from ({key: value} for key in keys)
        yield {np.nan: 1, None: 2, (1, 2): 3}
    if name in ("check_split", "check_padded_size"):
        for value in RUBBISH:
            yield from (lambda *a, value=value, b=b: (value, b) for b in (value, [1, 2], 3))
    if name in ("check_node_inputs", "check_group_split", "check_three_ious"):
        for value in RUBBISH:
            yield from (lambda *a, value=value, n=n: [value] * n for n in (1, 3, 12, 60))
            yield from (lambda *a, value=value: [(0, 0), value], lambda *a, v=value: [(0, v)])
            yield lambda *a, value=value: (0.5, value, 0.5)
    if name == "check_fcn_channels":
        for value in RUBBISH:
            yield (64, 128, value, 128, 128)
            yield [value] * 5


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CHECKS)
def test_no_answer_makes_a_check_raise(name, capsys):
    for answer in rubbish_for(name):
        returned = check(name, answer)
        printed = capsys.readouterr().out
        can_be_used = printed.startswith(("✓ It can be", f"{exercises.RIGHT} It can be"))
        assert can_be_used or printed.startswith((exercises.MISSING, exercises.WRONG)), answer
        if name == "check_fcn_channels":
            assert can_be_used or returned == (64, 128, 128, 128, 128)
        elif name == "check_recipe":
            assert returned is can_be_used
        else:
            assert returned is None
            assert not can_be_used


def test_what_a_function_raises_is_reported(capsys):
    exercises.check_mean_iou(raising)
    expected = "your function stopped with RuntimeError: a mistake of mine"
    assert capsys.readouterr().out == f"{exercises.WRONG} {expected}\n"


def test_a_function_without_return_is_told_so(capsys):
    exercises.check_conv_size(lambda *arguments: None)
    printed = capsys.readouterr().out
    assert printed.startswith(exercises.MISSING)
    assert "must also `return`" in printed


def test_a_number_for_a_function_is_told_so(capsys):
    exercises.check_mean_iou(0.5)
    assert capsys.readouterr().out == f"{exercises.WRONG} a function is wanted, got float.\n"


def test_a_function_that_writes_to_its_arguments_is_judged_by_its_result(capsys):
    def mean_iou(matrix):
        hit = np.diag(matrix).copy()
        union = matrix.sum(axis=0) + matrix.sum(axis=1) - hit
        matrix[:] = 0
        return (hit / union).mean()

    def one_hot(mask, n_classes):
        mask += 1
        return np.eye(n_classes + 1)[mask][..., 1:]

    exercises.check_mean_iou(mean_iou)
    exercises.check_one_hot(one_hot)
    assert capsys.readouterr().out == f"{exercises.RIGHT}\n" * 2


def test_other_ways_to_the_right_answer(capsys):
    exercises.check_one_hot(lambda m, n: m[..., None] == np.arange(n))
    exercises.check_from_one_hot(lambda c: c.argmax(-1).tolist())
    exercises.check_conv_size(lambda n, k, s, p: np.floor((n + 2 * p - k) / s) + 1)
    exercises.check_fcn_sizes(changed("check_fcn_sizes", "sizes", conv1=np.int64(128)))
    exercises.check_baseline(np.float32(BACKGROUND), TRUTH)
    assert capsys.readouterr().out == f"{exercises.RIGHT}\n" * 5


def test_nearly_right_sizes_are_named_at_the_right_case(capsys):
    exercises.check_conv_size(lambda n, k, s, p: (n + 2 * p - k) // s + 1 + 1e-6 * (n == 8))
    assert "size 8, kernel 3, stride 2, padding 1: 4 is right" in capsys.readouterr().out


def test_three_digits_of_the_baseline_are_enough(capsys):
    for digits in (3, 4, 9):
        exercises.check_baseline(round(BACKGROUND, digits), TRUTH)
    assert capsys.readouterr().out == f"{exercises.RIGHT}\n" * 3
    wide = np.zeros((1, 1, 10_000), np.uint8)
    wide[..., :172] = 1  # 0.9828
    exercises.check_baseline(0.982, wide)
    assert "the last one rounded" in capsys.readouterr().out


def test_the_baseline_of_the_real_masks_is_right_for_the_grader_alone(capsys):
    for typed in (0.982, 0.9823, 0.98230449):
        exercises.check_baseline(typed, TRUTH)
        exercises.check_baseline(typed, TRUTH, basics.REAL_BASELINE)
        first, second = capsys.readouterr().out.splitlines()
        assert first.startswith(exercises.WRONG)
        assert second == f"{exercises.RIGHT} That is the share on the real masks."
    for typed in (..., "text", [0.982], {}, 0.98):
        exercises.check_baseline(typed, TRUTH, basics.REAL_BASELINE)
        assert not capsys.readouterr().out.startswith(exercises.RIGHT)


def test_the_baseline_is_that_of_the_masks_given(capsys):
    exercises.check_baseline(BACKGROUND, TRUTH)
    exercises.check_baseline(BACKGROUND, 1 - TRUTH)
    first, second = capsys.readouterr().out.splitlines()
    assert first == exercises.RIGHT
    assert second.startswith(exercises.WRONG)


def test_missing_answers_are_named(capsys):
    exercises.check_tasks(task("satellite", ...))
    exercises.check_fcn_sizes({"conv1": 128})
    exercises.check_fcn_channels((64, ..., 128, ..., 128))
    tasks, sizes, channels = capsys.readouterr().out.splitlines()
    assert "share of a satellite picture" in tasks
    assert "a number for pool1" in sizes
    assert "2 of the five" in channels


@pytest.mark.parametrize(
    ("channels", "returned", "says"),
    [
        ((64, 128, 128, 128, 128), (64, 128, 128, 128, 128), exercises.RIGHT),
        ([64, 128, 128, 128, 128], (64, 128, 128, 128, 128), exercises.RIGHT),
        ([8, np.int64(16), 16, 16, 8], (8, 16, 16, 16, 8), "✓ It can be built. It is not the"),
        ((64, 128, ..., 128, 128), (64, 128, 128, 128, 128), exercises.MISSING),
        ((64, 128), (64, 128, 128, 128, 128), exercises.WRONG),
        ((8, 16, 16, 16, -8), (64, 128, 128, 128, 128), exercises.WRONG),
    ],
)
def test_channels_that_can_be_built_are_returned(channels, returned, says, capsys):
    found = exercises.check_fcn_channels(channels)
    assert found == returned
    assert isinstance(found, tuple)
    assert all(type(c) is int for c in found)
    assert capsys.readouterr().out.startswith(says)


SETTINGS = {
    "batch_size": ([1, 8, 234], [0, -8, 235, 8.0, "8", True, None]),
    "learning_rate": ([1e-3, 0.999], [0, 1, -1e-3, "1e-3", True, None, np.nan]),
    "schedule": ([True, False], [1, "cosine", None]),
    "initializer": (
        ["he_normal", "glorot_uniform", "HeNormal"],
        ["he_nromal", "", "identity", "constant", None, 0, np.ones],
    ),
    "dice": ([True, False], [0.5, "yes", None]),
    "average": ([True, False], [0.99, None]),
    "augment": ([None, pipeline.augmentation(rotation=5)], [{"rotation": 5}, True, "flip"]),
}


def test_the_settings_are_those_of_the_recipe():
    assert set(SETTINGS) == set(KNOWN)


@pytest.mark.parametrize("setting", SETTINGS)
def test_recipe_by_setting(setting, capsys):
    good, bad = SETTINGS[setting]
    for value in good:
        assert exercises.check_recipe({setting: value}, KNOWN) is True
        assert capsys.readouterr().out == f"{exercises.RIGHT} It can be trained.\n"
    for value in bad:
        assert exercises.check_recipe({"dice": True, setting: value}, KNOWN) is False, value
        printed = capsys.readouterr().out
        assert printed.startswith(exercises.WRONG)
        assert setting in printed


@pytest.mark.parametrize("changes", [..., None, {}])
def test_recipe_without_changes(changes, capsys):
    assert exercises.check_recipe(changes, KNOWN) is False
    assert capsys.readouterr().out.startswith(exercises.MISSING)


def test_recipe_with_an_unknown_setting(capsys):
    assert exercises.check_recipe({"batchsize": 8}, KNOWN) is False
    printed = capsys.readouterr().out
    assert "no setting 'batchsize'" in printed
    assert all(name in printed for name in KNOWN)
    assert exercises.check_recipe([("dice", True)], KNOWN) is False
    assert "a dictionary is wanted" in capsys.readouterr().out


def test_recipe_as_the_chapter_has_it_is_fit_to_train():
    assert exercises.check_recipe(KNOWN, KNOWN) is True


def nearest_by_index(mask, height, width):
    rows = np.arange(height) * mask.shape[0] // height
    return mask[rows][:, np.arange(width) * mask.shape[1] // width]


def test_every_way_to_round_is_a_nearest_neighbour(capsys):
    from skimage.transform import resize

    ways = [
        lambda m, h, w: cv2.resize(m, (w, h), interpolation=cv2.INTER_NEAREST_EXACT),
        lambda m, h, w: resize(m, (h, w), order=0, preserve_range=True).astype(np.uint8),
        nearest_by_index,
        lambda m, h, w: nearest_by_index(m, h, w).astype(int),
        lambda m, h, w: nearest_by_index(m, h, w).tolist(),
    ]
    for way in ways:
        exercises.check_resize_mask(way)
    assert capsys.readouterr().out == f"{exercises.RIGHT}\n" * len(ways)


def test_other_ways_to_the_right_answer_on_scenes(capsys):
    def split(n, share, seed):
        validation = set(random.Random(seed).sample(range(n), round(n * share)))
        return [i for i in range(n) if i not in validation], sorted(validation)

    def to_labels(numbers):
        numbers[numbers < 0] = 255
        return numbers.astype(np.uint8)

    def mean_recall(matrix):
        return np.float32(metrics.mean_class_accuracy(matrix))

    exercises.check_split(split)
    exercises.check_to_labels(to_labels)
    exercises.check_class_accuracies(mean_recall)
    exercises.check_frequency_weighted_iou(metrics.frequency_weighted_iou)
    exercises.check_preprocess(lambda x: (x.astype(np.float32) - 127.5) / 127.5)
    exercises.check_padded_size(lambda h, w: [h + -h % 32, w + -w % 32])
    exercises.check_trainable_share(
        lambda m: sum(int(w.numpy().size) for w in m.trainable_variables) / m.count_params()
    )
    assert capsys.readouterr().out == f"{exercises.RIGHT}\n" * 7


def test_the_hausdorff_example_is_what_the_answers_say():
    from scipy.spatial.distance import directed_hausdorff

    truth, prediction = exercises.HAUSDORFF_TRUTH, exercises.HAUSDORFF_PREDICTION
    points = np.argwhere(truth), np.argwhere(prediction)
    there, back = directed_hausdorff(*points)[0], directed_hausdorff(*points[::-1])[0]
    found = scene_answers.distances(there, back, metrics.hausdorff_distance(truth, prediction))
    assert found == pytest.approx(scene_answers.distances())
    with pytest.raises(ValueError, match="read-only"):
        truth[0, 0] = 1


def test_the_small_model_draws_nothing(capsys):
    before = random.getstate()
    exercises.check_trainable_share(scene_answers.trainable_share)
    assert random.getstate() == before
    assert capsys.readouterr().out == f"{exercises.RIGHT}\n"


def test_other_ways_to_the_right_answer_on_nuclei(capsys):
    def group_split(groups, share, seed):
        rng, left = random.Random(seed), sorted(set(groups.tolist()))
        tried, chosen = [], []
        while len(left) > 1:
            chosen = [*chosen, left.pop(rng.randrange(len(left)))]
            tried.append(chosen)
        far = [abs(sum(np.isin(groups, some)) - share * len(groups)) for some in tried]
        nearest = tried[far.index(min(far))]
        return [group in nearest for group in groups]

    def merged(masks):
        result = np.zeros_like(masks[0])
        for mask in masks:
            result[mask == 255] = 1
        masks[:] = 0
        return result

    exercises.check_unpadded_size(lambda size, levels: int(size - 12 * 2**levels + 8))
    exercises.check_block_parameters(lambda n, m: np.int64(9 * m * (n + m) + 6 * m))
    exercises.check_join_channels({name: np.int32(n) for name, n in unet.JOINS.items()})
    exercises.check_same_decision(
        lambda z: (1 / (1 + np.exp(z[..., 0] - z[..., 1])) > 0.5).tolist()
    )
    exercises.check_group_split(group_split)
    exercises.check_merge_masks(merged)
    exercises.check_merge_masks(lambda m: m.max(axis=0) // 255)
    exercises.check_node_inputs(lambda i, j: [*((i, k) for k in range(j)[::-1]), [i + 1, j - 1]])
    exercises.check_channels_in(lambda i, j, f: sum([f[i]] * j, f[i + 1]))
    exercises.check_bce_dice(lambda t, p: np.float32(nuclei_answers.bce_dice(t, p)))
    exercises.check_three_ious(lambda *a: list(nuclei_answers.three_ious(*a)))
    exercises.check_pruned_nodes(lambda depth: sum(range(depth + 2)))
    printed = capsys.readouterr().out.splitlines()
    assert printed == [exercises.RIGHT] * 12
