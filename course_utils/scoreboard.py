"""Measured figures: kept in ``results/*.json`` with where they come from, shown side by side."""

import json
import os
import re
import tempfile
from pathlib import Path
from statistics import mean, stdev

import filelock

from course_utils.chapters import MADE_UP

COLUMNS = {
    "pixel_accuracy": "pixel accuracy",
    "class_accuracy": "class accuracy",
    "miou": "mIoU",
    "weighted_iou": "weighted IoU",
    "lv_iou": "ventricle IoU",
    "lv_dice": "ventricle Dice",
    "iou_batches": "IoU, mean of batches",
    "iou_pixels": "IoU, all pixels",
    "iou_images": "IoU, mean of images",
    "foreground_iou": "foreground IoU",
    "foreground_dice": "foreground Dice",
    "calibration_error": "calibration error",
    "border_calibration_error": "calibration error near borders",
    "bowl_score": "Bowl's score",
    "ap50_fluorescence": "AP at 0.5, fluorescence, pooled",
    "rarest_recall": "recall, rarest class",
    "rarest_precision": "precision, rarest class",
    "rarest_iou": "IoU, rarest class",
    "near_borders": "right near borders",
    "inside": "right inside",
    "small_things": "found of small things",
}
HEADLINE = ("miou", "iou_batches", "bowl_score")  # the compact table shows the first there is
MOST_ROWS = 8  # of the compact table


def results_folder():
    """Return the folder of our measured figures: the project's, or the installed package's copy."""
    package = Path(__file__).parent
    beside = package.parent / "results"
    return beside if beside.is_dir() else package / "_results"


def add_record(path, chapter, entry):
    """Add one measured figure to a results file; the same run, profile and seed is replaced.

    The file is written aside and renamed whole, so that a run that is stopped loses nothing.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = Path(tempfile.gettempdir()) / f"segmentation-course-{path.name}.lock"
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with filelock.FileLock(lock):  # two runs may end at once
        entries = [*_records(path), entry]
        records = {(e["run"], e["profile"], e["seed"]): e for e in entries}
        content = {"chapter": chapter, "records": list(records.values())}
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        # A curve is one line, not one a number.
        text = re.sub(
            r'\[\n\s+([^\[\]{}"]+?)\n\s*\]', lambda m: f"[{' '.join(m[1].split())}]", text
        )
        try:
            aside.write_text(text, encoding="utf-8")
            os.replace(aside, path)
        finally:
            aside.unlink(missing_ok=True)  # where one of the two failed


def read(path):
    """Read a results file; a broken one is an error that names it."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path} is no valid JSON ({error}). Restore it from git, or remove it and run "
            "make results again."
        ) from error


def _records(path):
    return read(path)["records"] if path.exists() else []


def measured_records(chapter, profile="full"):
    """Return our measured figures of a chapter as they are kept, one dict a training and seed.

    Parameters
    ----------
    chapter : str
        The notebook's name without ending.
    profile : str, optional
        Profile of the measurement.

    Returns
    -------
    list of dict
        See `course_utils.runtime.Run.record`. Empty where nothing was measured.
    """
    entries = _records(results_folder() / f"{chapter}.json")
    return [entry for entry in entries if entry["profile"] == profile]


def measured_scores(chapter, score, starts_with="", profile="full", by=()):
    """Return our measured figures of a chapter: training -> scores, one a seed.

    Parameters
    ----------
    chapter : str
        The notebook's name without ending.
    score : str
        Such as "miou".
    starts_with : str, optional
        Only trainings whose names begin so; the beginning is cut off.
    profile : str, optional
        Profile of the measurement.
    by : pair of str, optional
        Sort by two details that `course_utils.runtime.Run.record` kept instead of by name, such
        as ("encoder", "pictures"); trainings without them are left out.

    Returns
    -------
    dict of str to list of float
        With `by`: dict of the first detail to dict of the second to list of float.
    """
    found = {}
    for entry in measured_records(chapter, profile):
        if by and all(detail in entry for detail in by):
            outer, inner = (entry[detail] for detail in by)
            found.setdefault(outer, {}).setdefault(inner, []).append(entry["scores"][score])
        elif not by and entry["run"].startswith(starts_with):
            name = entry["run"].removeprefix(starts_with)
            found.setdefault(name, []).append(entry["scores"][score])
    return found


def scores_by_seed(chapter, score, profile="full"):
    """Return our measured figures of a chapter such that trainings can be compared seed by seed.

    Parameters
    ----------
    chapter, score, profile : str
        As for `measured_scores`.

    Returns
    -------
    dict of str to dict of int to float
        Name of the training -> seed -> score.
    """
    found = {}
    for entry in measured_records(chapter, profile):
        found.setdefault(entry["run"], {})[entry["seed"]] = entry["scores"][score]
    return found


class Scoreboard:
    """Yours, ours and the published figure of each training, each with its protocol.

    Parameters
    ----------
    chapter : str
        Whose figures.
    yours : list of dict
        What `course_utils.runtime.Run.record` kept in this session.
    folder : path
        Folder with ``<chapter>.json`` (measured by us) and ``published.json``.
    """

    def __init__(self, chapter, yours, folder):
        self.yours = yours
        self.measured = _records(Path(folder) / f"{chapter}.json")
        published = _records(Path(folder) / "published.json")
        self.published = [entry for entry in published if chapter in entry["chapters"]]

    def rows(self):
        """Return the table's rows as lists of text, the header first."""
        entries = [*self.yours, *self.measured, *self.published]
        keys = dict.fromkeys(key for entry in entries for key in entry["scores"])
        columns = [key for key in dict.fromkeys([*COLUMNS, *keys]) if key in keys]
        names = [COLUMNS.get(key, key.replace("_", " ")) for key in columns]
        table = [["training", "whose", *names, "protocol"]]
        for name in dict.fromkeys(entry["run"] for entry in entries):
            for whose, group, protocol in self._groups(name):
                scores = [_mean_and_deviation(group, key) for key in columns]
                table.append([name, whose, *scores, protocol])
        return table

    def compact_rows(self):
        """Return the short table as lists of text: one score, a row for each training, at most 8.

        Yours come first, but for what was recorded with ``aside=True``. Of our figures those of
        your profile stand here, or else those of the profile with most seeds; all of them, with
        every protocol, are in `rows`.
        """
        entries = [*self.yours, *self.measured, *self.published]
        score = next((key for key in HEADLINE if any(key in e["scores"] for e in entries)), None)
        made_up = any(entry["profile"] in MADE_UP for entry in self.yours)
        yours = "yours, on made-up images" if made_up else "yours"
        table = [[f"{COLUMNS.get(score, 'score')} of", yours, "measured by us", "published"]]
        aside = {entry["run"] for entry in entries if entry.get("aside")}
        names = dict.fromkeys(e["run"] for e in entries if e["run"] not in aside)
        for name in list(names)[:MOST_ROWS]:
            mine, ours, theirs = (
                [entry for entry in group if entry["run"] == name]
                for group in (self.yours, self.measured, self.published)
            )
            by_profile = {
                e["profile"]: [o for o in ours if o["profile"] == e["profile"]] for e in ours
            }
            same = by_profile.get(mine[0]["profile"]) if mine else None
            ours = same or max(by_profile.values(), key=len, default=[])
            groups = mine, ours, theirs[:1]
            table.append([name, *(_mean_and_deviation(group, score) for group in groups)])
        return table

    def _groups(self, name):
        """Yield what makes a row: whose it is, the entries that are averaged, the protocol."""
        for entry in (e for e in self.yours if e["run"] == name):
            made_up = entry["profile"] in MADE_UP
            yield "yours, on made-up images" if made_up else "yours", [entry], _protocol([entry])
        ours = [e for e in self.measured if e["run"] == name]
        for profile in dict.fromkeys(e["profile"] for e in ours):
            group = [e for e in ours if e["profile"] == profile]
            yield "measured by us", group, _protocol(group)
        for entry in (e for e in self.published if e["run"] == name):
            yield f"published: {entry['source']}", [entry], entry["protocol"]

    def _repr_markdown_(self):
        rows = self.rows()
        title = f"All scores, and how each was measured: {len(rows) - 1} rows"
        fold = f"<details><summary>{title}</summary>\n\n{_markdown(rows)}\n\n</details>"
        return f"{_markdown(self.compact_rows())}\n\n{fold}"

    def __repr__(self):
        table = self.rows()
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        padded = [[c.ljust(w) for c, w in zip(row, widths, strict=True)] for row in table]
        return "\n".join("  ".join(row) for row in padded)


def _markdown(rows):
    """Write a table, the header first."""
    header, *body = rows
    lines = [header, ["---"] * len(header), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _mean_and_deviation(entries, key):
    """Write a score's mean and, of several seeds, its sample standard deviation."""
    values = [entry["scores"][key] for entry in entries if key in entry["scores"]]
    if not values:
        return ""
    return f"{mean(values):.4f}" + (f" ± {stdev(values):.4f}" if len(values) > 1 else "")


def _protocol(entries):
    """Write how entries of one training and one profile were measured."""
    first, seeds = entries[0], sorted(entry["seed"] for entry in entries)
    amount = f"{first['profile']} profile"
    if "filters" in first:
        amount += f", filters {'-'.join(map(str, first['filters']))}"
    if "image_passes" in first:
        amount += f", {first['image_passes']:,} image passes"
    amount += f"; seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
    if first["profile"] in MADE_UP:  # has nothing to do with anybody's protocol
        return amount
    precisions = " and ".join(sorted({entry["precision"] for entry in entries}))
    return (
        f"{first['protocol']}; {amount}; {first['data']['source']}; "
        f"{first['device']}, {precisions}; {max(entry['date'] for entry in entries)}"
    )
