"""Measured figures: kept in ``results/*.json`` with where they come from, shown side by side."""

import json
import os
import tempfile
from pathlib import Path
from statistics import mean, stdev

import filelock

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
}


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
    with filelock.FileLock(lock):  # two runs may end at once
        _add_record(path, chapter, entry)


def _add_record(path, chapter, entry):
    records = {_key(kept): kept for kept in read(path)["records"]} if path.exists() else {}
    records[_key(entry)] = entry  # in the place of the one it replaces, if any
    content = {"chapter": chapter, "records": list(records.values())}
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    try:
        aside.write_text(text, encoding="utf-8")
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)  # where one of the two failed


def _key(entry):
    return entry["run"], entry["profile"], entry["seed"]


def read(path):
    """Read a results file; a broken one is an error that names it."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path} is no valid JSON ({error}). Restore it from git, or remove it and run "
            "make results again."
        ) from error


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
    path = results_folder() / f"{chapter}.json"
    entries = read(path)["records"] if path.exists() else []
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
        self.chapter = chapter
        self.yours = yours
        measured, published = Path(folder) / f"{chapter}.json", Path(folder) / "published.json"
        self.measured = read(measured)["records"] if measured.exists() else []
        found = read(published)["records"] if published.exists() else []
        self.published = [record for record in found if chapter in record["chapters"]]

    def rows(self):
        """Return the table's rows as lists of text, the header first."""
        entries = self.yours + self.measured + self.published
        columns = [key for key in COLUMNS if any(key in e["scores"] for e in entries)]
        table = [["training", "whose", *(COLUMNS[key] for key in columns), "protocol"]]
        for name in dict.fromkeys(entry["run"] for entry in entries):
            for entry in (e for e in self.yours if e["run"] == name):
                made_up = entry["profile"] == "sample"
                whose = "yours, on made-up images" if made_up else "yours"
                table.append(_row(name, whose, [entry], columns))
            ours = [e for e in self.measured if e["run"] == name]
            for profile in dict.fromkeys(e["profile"] for e in ours):
                chosen = [e for e in ours if e["profile"] == profile]
                table.append(_row(name, "measured by us", chosen, columns))
            for entry in (e for e in self.published if e["run"] == name):
                cells = [
                    f"{entry['scores'][k]:.4f}" if k in entry["scores"] else "" for k in columns
                ]
                table.append([name, f"published: {entry['source']}", *cells, entry["protocol"]])
        return table

    def _repr_markdown_(self):
        header, *body = self.rows()
        lines = [header, ["---"] * len(header), *body]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    def __repr__(self):
        table = self.rows()
        widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
        padded = [[c.ljust(w) for c, w in zip(row, widths, strict=True)] for row in table]
        return "\n".join("  ".join(row) for row in padded)


def _row(name, whose, entries, columns):
    cells = []
    for key in columns:
        values = [e["scores"][key] for e in entries if key in e["scores"]]
        spread = f" ± {stdev(values):.4f}" if len(values) > 1 else ""
        cells.append(f"{mean(values):.4f}{spread}" if values else "")
    first, seeds = entries[0], sorted(entry["seed"] for entry in entries)
    passes = f", {first['image_passes']:,} image passes" if "image_passes" in first else ""
    if "filters" in first:
        passes = f", filters {'-'.join(map(str, first['filters']))}{passes}"
    days = sorted({entry["date"] for entry in entries})
    seeds = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
    if first["profile"] == "sample":  # has nothing to do with anybody's protocol
        return [name, whose, *cells, f"sample profile{passes}; {seeds}"]
    protocol = (
        f"{first['protocol']}; {first['profile']} profile{passes}; {seeds}; "
        f"{first['data']['source']}; {first['device']}, {first['precision']}; {days[-1]}"
    )
    return [name, whose, *cells, protocol]
