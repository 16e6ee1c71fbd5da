"""Measured figures: kept safely, and shown with what they are."""

import json
import os
from pathlib import Path
from statistics import mean, stdev

import pytest

from course_utils import scoreboard

PROJECT = Path(__file__).parents[1]


def entry(run="FCN", seed=0, profile="full", **scores):
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
    }


PUBLISHED = {
    "run": "FCN",
    "chapters": ["02_mri_fcn", "03_mri_unet"],
    "scores": {"miou": 0.9025, "pixel_accuracy": 0.99625},
    "source": "a tutorial (2019)",
    "protocol": "averaged over batches",
}


@pytest.fixture
def folder(tmp_path):
    """A folder of results with a published figure and nothing measured."""
    text = json.dumps({"records": [PUBLISHED]})
    (tmp_path / "published.json").write_text(text, encoding="utf-8")
    return tmp_path


def measured(folder, *entries, chapter="02_mri_fcn"):
    for one in entries:
        scoreboard.add_record(folder / f"{chapter}.json", chapter, one)


# Keeping


def test_a_record_is_kept_as_it_is(tmp_path):
    path = tmp_path / "new" / "02_mri_fcn.json"
    scoreboard.add_record(path, "02_mri_fcn", entry(run="größer ± 1"))
    assert scoreboard.read(path) == {
        "chapter": "02_mri_fcn",
        "records": [entry(run="größer ± 1")],
    }
    assert "größer ± 1" in path.read_text(encoding="utf-8")
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_only_the_same_run_profile_and_seed_is_replaced_in_its_place(tmp_path):
    path = tmp_path / "a.json"
    kept = [entry(), entry(seed=1), entry(profile="quick"), entry(run="MLP")]
    for one in [*kept, entry(miou=0.5)]:
        scoreboard.add_record(path, "a", one)
    assert scoreboard.read(path)["records"] == [entry(miou=0.5), *kept[1:]]


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
    path = tmp_path / "02_mri_fcn.json"
    path.write_text('{"records": [', encoding="utf-8")
    for action in (
        lambda: scoreboard.read(path),
        lambda: scoreboard.add_record(path, "02_mri_fcn", entry()),
    ):
        with pytest.raises(ValueError, match="is no valid JSON") as caught:
            action()
        assert str(path) in str(caught.value)
        assert "make results" in str(caught.value)
    assert path.read_text(encoding="utf-8") == '{"records": ['


# Reading back


def test_measured_scores_by_training(folder, monkeypatch):
    monkeypatch.setattr(scoreboard, "results_folder", lambda: folder)
    measured(
        folder,
        entry(run="tenth: batch 8", miou=0.8, lv_iou=0.6),
        entry(run="FCN", miou=0.9),
        entry(run="tenth: batch 8", seed=1, miou=0.7),
        entry(run="tenth: batch 8", profile="quick", miou=0.1),
        entry(run="tenth: published", miou=0.5),
    )
    scores = scoreboard.measured_scores
    assert scores("02_mri_fcn", "miou") == {
        "tenth: batch 8": [0.8, 0.7],
        "FCN": [0.9],
        "tenth: published": [0.5],
    }
    assert scores("02_mri_fcn", "miou", starts_with="tenth: ") == {
        "batch 8": [0.8, 0.7],
        "published": [0.5],
    }
    assert scores("02_mri_fcn", "miou", profile="quick") == {"tenth: batch 8": [0.1]}
    assert scores("99_none", "miou") == {}


def test_measured_scores_by_two_details(folder, monkeypatch):
    monkeypatch.setattr(scoreboard, "results_folder", lambda: folder)
    measured(
        folder,
        entry(run="a", miou=0.8) | {"encoder": "random", "pictures": 50},
        entry(run="a", seed=1, miou=0.7) | {"encoder": "random", "pictures": 50},
        entry(run="b", miou=0.9) | {"encoder": "random", "pictures": 100},
        entry(run="c", miou=0.95) | {"encoder": "ImageNet", "pictures": 50},
        entry(run="d", miou=0.1) | {"encoder": "ImageNet"},
        entry(run="a", profile="quick", miou=0.2) | {"encoder": "random", "pictures": 50},
    )
    assert scoreboard.measured_scores("02_mri_fcn", "miou", by=("encoder", "pictures")) == {
        "random": {50: [0.8, 0.7], 100: [0.9]},
        "ImageNet": {50: [0.95]},
    }
    kept = scoreboard.measured_records("02_mri_fcn")
    assert [record["run"] for record in kept] == ["a", "a", "b", "c", "d"]
    assert kept[1]["pictures"] == 50


def test_scores_by_seed(folder, monkeypatch):
    monkeypatch.setattr(scoreboard, "results_folder", lambda: folder)
    measured(
        folder,
        entry(run="a", seed=2, miou=0.8),
        entry(run="b", seed=2, miou=0.9),
        entry(run="a", seed=0, miou=0.7),
        entry(run="a", seed=2, profile="quick", miou=0.1),
    )
    assert scoreboard.scores_by_seed("02_mri_fcn", "miou") == {"a": {2: 0.8, 0: 0.7}, "b": {2: 0.9}}
    assert scoreboard.scores_by_seed("02_mri_fcn", "miou", "quick") == {"a": {2: 0.1}}
    assert scoreboard.scores_by_seed("01_mri_mlp", "miou") == {}


def test_results_are_beside_the_package_or_in_its_copy(tmp_path, monkeypatch):
    assert scoreboard.results_folder() == PROJECT / "results"
    installed = tmp_path / "site-packages" / "course_utils"
    monkeypatch.setattr(scoreboard, "__file__", str(installed / "scoreboard.py"))
    assert scoreboard.results_folder() == installed / "_results"


def test_a_chapter_measured_into_an_empty_folder_still_shows_our_figures(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_RESULTS", str(tmp_path))  # what `--results` sets
    ladder = scoreboard.measured_scores("02_mri_fcn", "miou", starts_with="tenth: ")
    assert {len(scores) for scores in ladder.values()} == {3} and len(ladder) > 3


def test_the_published_figures_are_those_of_the_articles():
    records = scoreboard.read(PROJECT / "results" / "published.json")["records"]
    fcn = {"pixel_accuracy": 0.99625, "miou": 0.9025}
    repeat = [record for record in records if "pytorch-nested-unet" in record["source"]]
    articles = [record for record in records if record not in repeat]
    assert [record["scores"]["iou_batches"] for record in repeat] == [0.839, 0.842, 0.843]
    assert {(record["chapters"][0], record["run"]): record["scores"] for record in articles} == {
        ("01_mri_mlp", "MLP, LeCun initialisation"): {"pixel_accuracy": 0.98748, "miou": 0.69349},
        ("02_mri_fcn", "FCN, published recipe"): fcn,
        ("03_mri_unet", "FCN, published split"): fcn,
        ("06_dsb2018_unetpp", "U-Net"): {"iou_batches": 0.8347},
        ("06_dsb2018_unetpp", "UNet++"): {"iou_batches": 0.8321},
        ("06_dsb2018_unetpp", "UNet++ DS"): {"iou_batches": 0.8367},
    }
    for record in records:
        for fact in ("split", "one seed"):
            assert fact in record["protocol"]
        if "mri" in record["chapters"][0]:
            assert "234/26" in record["protocol"] and "Adam" in record["protocol"]


# Showing


def rows(folder, yours=(), chapter="02_mri_fcn"):
    header, *body = scoreboard.Scoreboard(chapter, list(yours), folder).rows()
    return [dict(zip(header, row, strict=True)) for row in body]


def test_the_width_of_a_network_stands_in_the_protocol(folder):
    measured(folder, entry() | {"filters": [8, 16, 32]})
    ours, _ = rows(folder)
    assert "; full profile, filters 8-16-32, 46,800 image passes; seed 0;" in ours["protocol"]


def test_ours_is_mean_and_sample_standard_deviation_with_its_seeds(folder):
    values = [0.90, 0.93, 0.91]
    measured(folder, *(entry(seed=s, miou=v) for s, v in zip((2, 0, 1), values, strict=True)))
    ours, published = rows(folder)
    assert ours["whose"] == "measured by us"
    assert ours["mIoU"] == f"{mean(values):.4f} ± {stdev(values):.4f}" == "0.9133 ± 0.0153"
    assert ours["pixel accuracy"] == ""
    assert ours["protocol"] == (
        "published split; full profile, 46,800 image passes; seeds 0, 1, 2; "
        "Sunnybrook left ventricle; CPU Example, 2 cores, float32; 2026-11-22"
    )
    assert published == {
        "training": "FCN",
        "whose": "published: a tutorial (2019)",
        "pixel accuracy": "0.9962",
        "mIoU": "0.9025",
        "protocol": "averaged over batches",
    }


def test_one_seed_has_no_spread(folder):
    measured(folder, entry(seed=3, miou=0.9))
    ours, _ = rows(folder)
    assert ours["mIoU"] == "0.9000"
    assert "; seed 3; " in ours["protocol"]


def test_profiles_are_never_averaged_together(folder):
    measured(folder, entry(miou=0.9), entry(seed=1, profile="quick", miou=0.5))
    full, quick, _ = rows(folder)
    assert (full["mIoU"], quick["mIoU"]) == ("0.9000", "0.5000")
    assert "full profile" in full["protocol"]
    assert "quick profile" in quick["protocol"]


def test_yours_comes_first_and_says_what_it_is(folder):
    measured(folder, entry(miou=0.9), entry(run="MLP", miou=0.7))
    yours = [entry(profile="quick", miou=0.8), entry(run="mine", profile="sample", miou=0.3)]
    table = rows(folder, yours)
    assert [(row["training"], row["whose"]) for row in table] == [
        ("FCN", "yours"),
        ("FCN", "measured by us"),
        ("FCN", "published: a tutorial (2019)"),
        ("mine", "yours, on made-up images"),
        ("MLP", "measured by us"),
    ]
    assert "quick profile" in table[0]["protocol"]
    assert table[3]["protocol"] == "sample profile, 46,800 image passes; seed 0"


def test_columns_are_those_that_somebody_has(folder):
    measured(folder, entry(miou=0.9, lv_dice=0.85))
    board = scoreboard.Scoreboard("02_mri_fcn", [], folder)
    header = ["training", "whose", "pixel accuracy", "mIoU", "ventricle Dice", "protocol"]
    assert board.rows()[0] == header


def test_a_chapter_shows_its_own_figures_only(folder):
    measured(folder, entry(run="U-Net"), chapter="03_mri_unet")
    assert [row["training"] for row in rows(folder)] == ["FCN"]
    assert {row["training"] for row in rows(folder, chapter="03_mri_unet")} == {"U-Net", "FCN"}
    assert rows(folder, chapter="01_mri_mlp") == []


def test_markdown_and_plain_text_have_every_cell(folder):
    measured(folder, entry(miou=0.9), entry(seed=1, miou=0.92))
    board = scoreboard.Scoreboard("02_mri_fcn", [entry(profile="quick")], folder)
    table = board.rows()
    markdown = board._repr_markdown_().splitlines()
    assert len(markdown) == len(table) + 1
    assert markdown[1].replace(" ", "") == "|" + "---|" * len(table[0])
    assert [
        [c.strip() for c in line[1:-1].split("|")] for line in [markdown[0], *markdown[2:]]
    ] == table
    plain = repr(board).splitlines()
    assert len(plain) == len(table)
    for line, row in zip(plain, table, strict=True):
        assert all(cell in line for cell in row)
    columns = {line.index(cells[-1]) for line, cells in zip(plain, table, strict=True)}
    assert len(columns) == 1, "the columns are not aligned"


@pytest.mark.parametrize("chapter", ["00_start_here", "01_mri_mlp", "02_mri_fcn"])
def test_the_projects_own_figures_can_be_shown(chapter):
    board = scoreboard.Scoreboard(chapter, [], scoreboard.results_folder())
    assert all(len(row) == len(board.rows()[0]) for row in board.rows())
    for record in board.measured:
        assert record["profile"] != "sample"
        assert {"data", "device", "precision", "versions", "date", "protocol"} <= set(record)
