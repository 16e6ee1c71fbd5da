"""Programs that a chapter starts end with it; workers go on from where they were; exports."""

import subprocess
import sys
import textwrap
import time

import numpy as np
import psutil
import pytest

from course_utils import exported, multiworker, processes

SLEEPER = "from course_utils.processes import end_with_parent\nimport time\nend_with_parent()\n"


@pytest.fixture
def sleeper(tmp_path, monkeypatch):
    """A module that sleeps for a minute."""
    (tmp_path / "sleeper.py").write_text(SLEEPER + "print('here', flush=True)\ntime.sleep(60)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "sleeper"


def test_programs_end_when_the_block_is_left_also_by_an_error(sleeper, tmp_path):
    log = tmp_path / "log"
    with pytest.raises(ZeroDivisionError), processes.started(sleeper, log=log) as programs:
        processes.wait_until(lambda: "here" in processes.last_words(log), programs, log)
        1 / 0  # noqa: B018
    assert programs[0].poll() is not None


def test_programs_end_when_their_parent_is_killed(sleeper, tmp_path):
    log = str(tmp_path / "log")
    code = f"""
        import time
        from course_utils import processes
        with processes.started({sleeper!r}, settings=[{{}}, {{}}], log={log!r}) as found:
            print(*[one.pid for one in found], flush=True)
            time.sleep(60)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        children = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        for k in (0, 1):
            while "here" not in processes.last_words(f"{log}{k}"):
                time.sleep(0.05)
        parent.kill()
        _, alive = psutil.wait_procs(children, timeout=10)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("module", ["exported", "multiworker", "serve"])
def test_what_the_chapter_starts_ends_when_nobody_holds_its_input(module, tmp_path):
    log, arguments = tmp_path / "log", [tmp_path] * (3 if module == "exported" else 1)
    with processes.started(f"course_utils.{module}", *arguments, log=log) as [program]:
        program.stdin.close()
        assert program.wait(timeout=60) == 1
    assert "Traceback" not in processes.last_words(log), "it should end before it fails"


def test_a_program_that_ends_too_early_is_told_with_its_last_words(tmp_path):
    log = tmp_path / "log"
    with (
        processes.started("course_utils.nothing", log=log) as programs,
        pytest.raises(RuntimeError, match=r"(?s)has ended.*No module named"),
    ):
        processes.wait_until(lambda: False, programs, log)
    with (
        processes.started("http.server", "--bind", "127.0.0.1", "0", log=log) as programs,
        pytest.raises(RuntimeError, match=r"nothing has happened in 0\.2 s"),
    ):
        processes.wait_until(lambda: False, programs, log, seconds=0.2)


def test_the_growth_of_memory_is_seen():
    with processes.Memory() as memory:
        kept = np.ones(30_000_000)
        time.sleep(0.05)
    assert 200 < memory.growth < 400 and kept.nbytes == 240_000_000


def test_a_worker_goes_on_from_its_checkpoint(tmp_path):
    rng = np.random.default_rng(0)
    images, masks = (rng.integers(0, n, (16, 32, 32)).astype(np.uint8) for n in (256, 2))
    shards = (np.arange(24) % 16).reshape(1, 6, 4)
    settings = {"channels": (2, 2, 2, 2, 2), "save_every": 2}
    found = []
    for name, lengths in {"at once": (6,), "in two": (3, 6)}.items():
        for steps in lengths:
            job = images[..., None], masks, shards[:, :steps]
            multiworker.write_job(tmp_path / name, *job, **settings)
            multiworker.train(tmp_path / name)
        losses = [one["loss"] for one in multiworker.read_steps(tmp_path / name)]
        with np.load(tmp_path / name / "weights.npz") as weights:
            found.append([losses, *weights.values()])
    assert len(found[0][0]) == 6
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_a_network_that_cannot_be_asked_says_why(tmp_path):
    with pytest.raises(RuntimeError, match=r"(?s)nothing could not be asked:.*SavedModel"):
        exported.ask_elsewhere(tmp_path / "nothing", np.zeros((1, 8, 8, 1), np.float32))
    assert exported.can_open("saved_model")
