"""Measured figures: kept safely, and shown with what they are."""

import json
import os
from pathlib import Path

import pytest

from course_utils import scoreboard
from course_utils.chapters import CHAPTERS

PROJECT = Path(__file__).parents[1]
CHAPTER = "02_mri_fcn"
PUBLISHED = {
    "run": "FCN",
    "chapters": [CHAPTER, "03_mri_unet"],
    "scores": {"miou": 0.9025, "pixel_accuracy": 0.99625},
    "source": "a tutorial (2019)",
    "protocol": "averaged over batches",
}


def entry(run="FCN", seed=0, profile="full", scores=None, **details):
    return {
        "run": run,
        "profile": profile,
        "seed": seed,
        "scores": scores or {"miou": 0.9},
        "protocol": "published split",
        "image_passes": 46_800,
        "data": {"source": "Sunnybrook left ventricle"},
        "device": "CPU Example, 2 cores",
        "precision": "float32",
        "date": f"2026-11-{20 + seed}",
        **details,
    }


def miou(value, run="FCN", seed=0, profile="full", **details):
    return entry(run, seed, profile, {"miou": value}, **details)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of results with a published figure and nothing measured."""
    text = json.dumps({"records": [PUBLISHED]})
    (tmp_path / "published.json").write_text(text, encoding="utf-8")
    monkeypatch.setattr(scoreboard, "results_folder", lambda: tmp_path)
    return tmp_path


def measured(folder, *entries, chapter=CHAPTER):
    for one in entries:
        scoreboard.add_record(folder / f"{chapter}.json", chapter, one)


def rows(folder, yours=(), chapter=CHAPTER):
    """Return the table as dicts, the header's names as keys."""
    header, *body = scoreboard.Scoreboard(chapter, list(yours), folder).rows()
    return [dict(zip(header, row, strict=True)) for row in body]


# Keeping


def test_a_record_is_kept_and_only_the_same_run_profile_and_seed_is_replaced(tmp_path):
    path = tmp_path / "new" / "a.json"
    kept = [entry(), entry(seed=1), entry(profile="quick"), entry(run="größer ± 1")]
    for one in [*kept, miou(0.5)]:
        scoreboard.add_record(path, "a", one)
    assert scoreboard.read(path) == {"chapter": "a", "records": [miou(0.5), *kept[1:]]}
    assert "größer ± 1" in path.read_text(encoding="utf-8")
    assert [p.name for p in path.parent.iterdir()] == ["a.json"]


@pytest.mark.parametrize("at", ["write", "rename"])
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(at, tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    scoreboard.add_record(path, "a", entry())
    before = path.read_bytes()
    write_text = Path.write_text

    def half(self, text, **kwargs):
        write_text(self, text[: len(text) // 2], **kwargs)
        raise OSError("No space left on device")

    def refuse(*paths):
        raise OSError("interrupted")

    with monkeypatch.context() as patch:
        if at == "write":
            patch.setattr(Path, "write_text", half)
        else:
            patch.setattr(os, "replace", refuse)
        with pytest.raises(OSError, match=r"No space|interrupted"):
            scoreboard.add_record(path, "a", entry(seed=1))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    scoreboard.add_record(path, "a", entry(seed=1))
    assert len(scoreboard.read(path)["records"]) == 2


def test_broken_json_is_an_error_that_names_the_file_and_keeps_it(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"records": [', encoding="utf-8")
    for action in (
        lambda: scoreboard.read(path),
        lambda: scoreboard.add_record(path, "a", entry()),
    ):
        with pytest.raises(ValueError, match=r"a\.json is no valid JSON .* make results"):
            action()
    assert path.read_text(encoding="utf-8") == '{"records": ['


# Reading back


def test_measured_scores_by_training_by_two_details_and_by_seed(folder):
    measured(
        folder,
        miou(0.8, "tenth: a", encoder="random", pictures=50),
        miou(0.9, "b", encoder="random", pictures=100),
        miou(0.7, "tenth: a", seed=1, encoder="random", pictures=50),
        miou(0.95, "c", encoder="ImageNet", pictures=50),
        miou(0.1, "tenth: a", profile="quick", encoder="random", pictures=50),
        miou(0.2, "d", encoder="ImageNet"),
    )
    scores = scoreboard.measured_scores
    everything = {"tenth: a": [0.8, 0.7], "b": [0.9], "c": [0.95], "d": [0.2]}
    assert scores(CHAPTER, "miou") == everything
    assert scores(CHAPTER, "miou", starts_with="tenth: ") == {"a": [0.8, 0.7]}
    assert scores(CHAPTER, "miou", profile="quick") == {"tenth: a": [0.1]}
    assert scores("99_none", "miou") == {}
    assert scores(CHAPTER, "miou", by=("encoder", "pictures")) == {
        "random": {50: [0.8, 0.7], 100: [0.9]},
        "ImageNet": {50: [0.95]},
    }
    by_seed = scoreboard.scores_by_seed(CHAPTER, "miou")
    assert by_seed["tenth: a"] == {0: 0.8, 1: 0.7} and by_seed["d"] == {0: 0.2}
    assert scoreboard.scores_by_seed(CHAPTER, "miou", "quick") == {"tenth: a": {0: 0.1}}
    kept = scoreboard.measured_records(CHAPTER)
    assert [record["run"] for record in kept] == ["tenth: a", "b", "tenth: a", "c", "d"]


def test_our_figures_are_shown_wherever_new_ones_are_written(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_RESULTS", str(tmp_path))
    assert scoreboard.results_folder() == PROJECT / "results"


def test_the_published_figures_are_those_of_the_articles():
    records = scoreboard.read(PROJECT / "results" / "published.json")["records"]
    found = [(record["chapters"][0], record["run"], record["scores"]) for record in records]
    fcn = {"pixel_accuracy": 0.99625, "miou": 0.9025}
    mlp = {"pixel_accuracy": 0.98748, "miou": 0.69349}
    ch07 = "07_nuclei_instances_and_tiles"
    for chapter, run, scores in [
        ("01_mri_mlp", "MLP, LeCun initialisation", mlp),
        ("02_mri_fcn", "FCN, published recipe", fcn),
        ("03_mri_unet", "FCN, published split", fcn),
        ("06_dsb2018_unetpp", "U-Net", {"iou_batches": 0.8347}),
        ("06_dsb2018_unetpp", "UNet++", {"iou_batches": 0.8321}),
        ("06_dsb2018_unetpp", "UNet++ DS", {"iou_batches": 0.8367}),
        ("06_dsb2018_unetpp", "U-Net", {"iou_batches": 0.839}),
        ("06_dsb2018_unetpp", "UNet++", {"iou_batches": 0.842}),
        ("06_dsb2018_unetpp", "UNet++ DS", {"iou_batches": 0.843}),
        (ch07, "Keras U-Net starter", {"bowl_score": 0.277}),
        (ch07, "CellProfiler, tuned by hand", {"bowl_score": 0.5281}),
        (ch07, "winner of the Bowl", {"bowl_score": 0.6316}),
        (ch07, "StarDist, its example", {"ap50_fluorescence": 0.8352}),
    ]:
        assert (chapter, run, scores) in found
    assert all(record["protocol"] for record in records)


# Showing


def test_ours_is_mean_and_sample_standard_deviation_with_its_seeds(folder):
    measured(
        folder, *(miou(v, seed=s, filters=[8, 16]) for s, v in ((2, 0.9), (0, 0.93), (1, 0.91)))
    )
    ours, published = rows(folder)
    assert ours == {
        "training": "FCN",
        "whose": "measured by us",
        "pixel accuracy": "",
        "mIoU": "0.9133 ± 0.0153",
        "protocol": "published split; full profile, filters 8-16, 46,800 image passes; "
        "seeds 0, 1, 2; Sunnybrook left ventricle; CPU Example, 2 cores, float32; 2026-11-22",
    }
    assert published == {
        "training": "FCN",
        "whose": "published: a tutorial (2019)",
        "pixel accuracy": "0.9962",
        "mIoU": "0.9025",
        "protocol": "averaged over batches",
    }


def test_profiles_are_never_averaged_together_and_one_seed_has_no_spread(folder):
    measured(folder, miou(0.9, seed=3), miou(0.5, profile="quick"))
    full, quick, _ = rows(folder)
    assert (full["mIoU"], quick["mIoU"]) == ("0.9000", "0.5000")
    assert "full profile" in full["protocol"] and "; seed 3; " in full["protocol"]
    assert "quick profile" in quick["protocol"]


def test_yours_comes_first_and_says_what_it_is(folder):
    measured(folder, miou(0.9), miou(0.7, "MLP"))
    table = rows(folder, [miou(0.8, profile="quick"), miou(0.3, "mine", profile="sample")])
    assert [(row["training"], row["whose"]) for row in table] == [
        ("FCN", "yours"),
        ("FCN", "measured by us"),
        ("FCN", "published: a tutorial (2019)"),
        ("mine", "yours, on made-up images"),
        ("MLP", "measured by us"),
    ]
    assert "quick profile" in table[0]["protocol"]
    assert table[3]["protocol"] == "sample profile, 46,800 image passes; seed 0"


def test_a_chapter_shows_its_own_figures_in_the_columns_that_somebody_has(folder):
    measured(folder, entry(run="U-Net", scores={"lv_dice": 0.85}), chapter="03_mri_unet")
    assert [row["training"] for row in rows(folder)] == ["FCN"]
    yours = [entry(scores={"border_iou": 0.5})]  # a score that no chapter has
    fcn, _, unet = rows(folder, yours, chapter="03_mri_unet")
    columns = ["pixel accuracy", "mIoU", "ventricle Dice", "border iou"]
    assert list(unet) == ["training", "whose", *columns, "protocol"]
    assert (unet["training"], fcn["training"]) == ("U-Net", "FCN")
    assert rows(folder, chapter="01_mri_mlp") == []


def test_the_short_table_has_one_score_and_eight_rows_yours_first(folder):
    measured(
        folder,
        *(miou(0.9, seed=seed) for seed in (0, 1)),
        miou(0.6, profile="quick"),
        *(miou(0.1 * number, f"other {number}") for number in range(9)),
        entry(run="U-Net", scores={"lv_dice": 0.8}),
    )
    board = scoreboard.Scoreboard(CHAPTER, [miou(0.5, "mine", profile="quick")], folder)
    header, mine, fcn, *others = board.compact_rows()
    assert header == ["mIoU of", "yours", "measured by us", "published"]
    assert mine == ["mine", "0.5000", "", ""]
    assert fcn == ["FCN", "", "0.9000 ± 0.0000", "0.9025"]  # the profile with most seeds
    assert [row[0] for row in others] == [f"other {number}" for number in range(6)]

    board = scoreboard.Scoreboard(CHAPTER, [miou(0.5, profile="quick")], folder)
    assert board.compact_rows()[1] == ["FCN", "0.5000", "0.6000", "0.9025"]  # yours is quick
    board = scoreboard.Scoreboard(CHAPTER, [miou(0.5, profile="sample")], folder)
    assert board.compact_rows()[0][1] == "yours, on made-up images"
    board = scoreboard.Scoreboard(CHAPTER, [miou(0.5, aside=True)], folder)
    assert "FCN" not in [row[0] for row in board.compact_rows()]  # ours of that name neither
    assert "FCN" in [row[0] for row in board.rows()]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_markdown_and_plain_text_have_every_cell(chapter):
    board = scoreboard.Scoreboard(chapter, [entry(profile="quick")], PROJECT / "results")
    tables = board.compact_rows(), board.rows()
    above, fold = board._repr_markdown_().split("\n\n<details><summary>")
    summary, below, end = fold.split("\n\n")  # blank lines, or the table is not read as Markdown
    assert f"{len(tables[1]) - 1} rows</summary>" in summary and end == "</details>"
    for written, table in zip((above, below), tables, strict=True):
        header, line, *body = written.splitlines()
        assert line == "|" + " --- |" * len(table[0])
        assert [[c.strip() for c in text[1:-1].split("|")] for text in [header, *body]] == table
    plain, table = repr(board).splitlines(), tables[1]
    assert all(cell in text for text, row in zip(plain, table, strict=True) for cell in row)
    columns = {text.index(row[-1]) for text, row in zip(plain, table, strict=True)}
    assert len(columns) == 1, "the columns are not aligned"
    for record in board.measured:
        assert record["profile"] != "sample"
        assert {"data", "device", "precision", "versions", "date", "protocol"} <= set(record)


def test_a_kept_curve_is_one_line_and_texts_stay_as_they_are(tmp_path):
    path = tmp_path / "02.json"
    kept = {"run": "a", "profile": "quick", "seed": 0, "protocol": "on [ 3 ] images"}
    scoreboard.add_record(path, "02", kept | {"history": {"loss": [0.5, 1e-5]}, "names": ["b"]})
    assert '"loss": [0.5, 1e-05]' in path.read_text(encoding="utf-8")
    [record] = scoreboard.read(path)["records"]
    assert record == kept | {"history": {"loss": [0.5, 1e-5]}, "names": ["b"]}
