"""How chapters are executed, saved with their outputs, and measured."""

import json
import sys

import nbformat
import pytest
import run_results

import notebooks

SETTINGS = "import os; print(sorted((k, v) for k, v in os.environ.items() if 'COURSE_' in k))"


def write(folder, name, *sources):
    """Write a chapter of a few code cells."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    path = folder / f"{name}.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_the_environment_is_the_runs_and_the_log_is_kept(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COURSE_SEED", "99")
    monkeypatch.setenv("COURSE_FIGURES", "html")
    monkeypatch.delenv("COURSE_DATA_DIR")
    work = "import time\n\nwhile time.process_time() < 0.6:\n    pass\n1 + 1"
    path = write(tmp_path, "small", SETTINGS, work)
    before, build = path.read_bytes(), tmp_path / "build"
    assert run_results.run_chapter(path, 3, "quick", results=tmp_path / "figures", build=build)
    expected = [
        ("COURSE_PROFILE", "quick"),
        ("COURSE_RESULTS", str(tmp_path / "figures")),
        ("COURSE_SEED", "3"),
    ]
    assert str(expected) in capsys.readouterr().out
    log = (build / "small-quick-seed3.log").read_text(encoding="utf-8")
    assert str(expected) in log
    assert "\n2\n" in log
    [cost] = json.loads((tmp_path / "figures/costs.json").read_text())["small"]["quick"].values()
    assert cost["minutes"] > 0 and f"minutes {cost['minutes']}" in log
    if sys.platform != "win32":
        assert cost["processor_minutes"] > 0 and 0 < cost["gigabytes"] < 100
    assert nbformat.read(build / "small-quick-seed3.ipynb", 4).cells[1].outputs
    assert path.read_bytes() == before


def test_a_failing_cell_is_reported_and_what_came_before_is_kept(tmp_path, monkeypatch):
    write(tmp_path, "small", "print('before')", "1 / 0", "print('after')")
    build = tmp_path / "build" / "results"
    for name in ("ROOT", "NOTEBOOKS"):
        monkeypatch.setattr(run_results, name, tmp_path)
    assert run_results.main(["small"]) == 1
    log = (build / "small-full-seed0.log").read_text(encoding="utf-8")
    assert "before" in log and "ZeroDivisionError" in log and "after" not in log
    assert nbformat.read(build / "small-full-seed0.ipynb", 4).cells[0].outputs


def test_made_up_data_gives_no_results(capsys):
    with pytest.raises(SystemExit):
        run_results.main(["01_mri_mlp", "--profile", "sample"])
    assert "choose from 'quick', 'full'" in capsys.readouterr().err


def test_chapters_are_saved_one_by_one_and_the_next_run_goes_on(tmp_path, capsys):
    good = write(tmp_path, "01_good", "import os\nprint(os.environ['COURSE_PROFILE'], 6 * 7)")
    bad = write(tmp_path, "02_bad", "print('so far')", "1 / 0")
    before, unchanged, build = nbformat.read(good, 4), bad.read_bytes(), tmp_path / "build"
    assert notebooks.main([], tmp_path, build) == 1
    said = capsys.readouterr().out
    assert "01_good: saved" in said and "ZeroDivisionError" in said and "Failed: 02_bad" in said
    saved = nbformat.read(good, 4)
    assert saved.cells[0].outputs[0].text == "showcase 42\n"
    assert bad.read_bytes() == unchanged
    assert nbformat.read(build / "02_bad.ipynb", 4).cells[0].outputs[0].text == "so far\n"
    # Nothing is added but outputs and the number of the cell: no versions, no times.
    saved.cells[0] |= {"outputs": [], "execution_count": None}
    assert saved == before

    write(tmp_path, "02_bad", "print('mended')")
    assert notebooks.main([], tmp_path, build) == 0
    said = capsys.readouterr().out
    assert "01_good: nothing has changed" in said and "02_bad: saved" in said
    assert notebooks.main(["01_good"], tmp_path, build) == 0
    assert "01_good: saved" in capsys.readouterr().out
