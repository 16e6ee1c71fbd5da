"""The links of the pages and chapters, asked for on a server of this machine."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import check_links
import pytest
from notebook_rules import ROOT


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://a.org/b.", {"https://a.org/b"}),
        ("[x](https://a.org/b), *https://a.org/c*", {"https://a.org/b", "https://a.org/c"}),
        ("(https://a.org/f_(x)).", {"https://a.org/f_(x)"}),
        ("<a href='http://a.org/b#part'>", {"http://a.org/b"}),
        (
            "https://github.com/OWNER/NAME https://not-stamped.invalid/O/R https:// `https://`",
            set(),
        ),
        ("http://127.0.0.1:8000/x http://localhost/x http://server:8000/x", set()),
    ],
)
def test_addresses_in(text, found):
    assert check_links.addresses_in(text) == found


def test_pages_chapters_and_figures_are_read():
    named = dict(check_links.texts())
    assert {"README.md", "CONTRIBUTING.md", "instructors.md", "published.json"} <= set(named)
    assert {path.name for path in (ROOT / "notebooks").glob("*.ipynb")} <= set(named)
    assert "https://arxiv.org/abs/1505.04597" in check_links.addresses_in(
        named["03_mri_unet.ipynb"]
    )


@pytest.fixture
def server():
    """A server that answers with the number in the path; /503 only twice, then 200."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            code = int(self.path.strip("/"))
            self.send_response(200 if code == 503 and asked.count(self.path) > 2 else code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


@pytest.fixture
def asker(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    return check_links.session(patience=0)


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        ("/200", ("there", "200")),
        ("/503", ("there", "200")),
        ("/403", ("turned away", "403")),
        ("/404", ("gone", "404")),
        ("/500", ("gone", "500")),
    ],
)
def test_ask(server, asker, path, verdict):
    assert check_links.ask(asker, server + path) == verdict


def test_no_server_is_gone(asker):
    assert check_links.ask(asker, "http://127.0.0.1:9/") == ("gone", "ConnectionError")


def project(folder, text):
    """Write a project of one chapter."""
    for name in ("README.md", "CONTRIBUTING.md"):
        (folder / name).write_text("nothing", encoding="utf-8")
    (folder / "notebooks").mkdir()
    cells = [
        {"cell_type": "markdown", "source": ["# A\n", text]},
        {"cell_type": "code", "source": ["'https://code.example/not/asked'"]},
    ]
    (folder / "notebooks" / "01_a.ipynb").write_text(json.dumps({"cells": cells}), "utf-8")
    return folder


def test_main_names_the_place_of_a_dead_link(server, asker, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(check_links, "EXAMPLE", check_links.re.compile("OWNER"))
    root = project(tmp_path, f"[a]({server}/404), [b]({server}/200), [c]({server}/403)")
    assert check_links.main(root, asker) == 1
    place = server.removeprefix("http://")
    assert capsys.readouterr().out.splitlines() == [
        "Asking 1 servers for 3 addresses; slow ones take minutes.",
        f"turned away (403): {server}/403, named in 01_a.ipynb",
        f"gone (404): {server}/404, named in 01_a.ipynb",
        f"{place}: 1 of 3 there",
        "3 addresses, 1 gone",
    ]


def test_main_is_content_with_living_links(server, asker, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(check_links, "EXAMPLE", check_links.re.compile("OWNER"))
    assert check_links.main(project(tmp_path, f"{server}/200 {server}/403"), asker) == 0
    assert capsys.readouterr().out.endswith("2 addresses, 0 gone\n")


def test_main_stops_at_once_without_a_network(asker, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(check_links, "EXAMPLE", check_links.re.compile("OWNER"))
    monkeypatch.setattr(asker, "get", lambda *_, **__: pytest.fail("asked all the same"))
    root = project(tmp_path, "http://127.0.0.1:9/a http://127.0.0.1:9/b http://localhost:9/")
    assert check_links.main(root, asker) == 1
    asking, none = capsys.readouterr().out.splitlines()
    assert asking.startswith("Asking 2 servers for 3 addresses")
    assert none.startswith("None of 2 servers answers. No network")


def test_verdicts_come_as_they_are_found(server, asker, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(check_links, "EXAMPLE", check_links.re.compile("OWNER"))
    said, ask = [], check_links.ask

    def watching(*arguments):
        said.append(capsys.readouterr().out)
        return ask(*arguments)

    monkeypatch.setattr(check_links, "ask", watching)
    check_links.main(project(tmp_path, f"{server}/200 {server}/404 {server}/500"), asker)
    assert said[0].startswith("Asking 1 servers")
    assert "gone (404)" in said[-1]
