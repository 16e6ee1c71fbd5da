"""Ask every web address that the pages and the chapters name whether it is still there.

    make links

Read are README.md, CONTRIBUTING.md, docs/, the chapters' text and the sources of the published
figures. Exit status 1 if an address is gone, or at once if no server answers. Publishers that turn
programs away (403 and the like) are listed and do not count: a browser may get further.
"""

import json
import re
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from own_python import needed

with needed():
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = re.compile(r"https?://[^\s<>\"'`\\|{}…]+")
EXAMPLE = re.compile(r"OWNER|\.invalid(/|$)|//(localhost|127\.0\.0\.1)|//[^/.]*(/|$)")
TURNED_AWAY = {401, 403, 405, 406, 418, 429, 999}
PASSING = (429, 500, 502, 503, 504)


def addresses_in(text):
    """Return the addresses that a text names, without the punctuation around them."""
    found = set()
    for address in ADDRESS.findall(text):
        address = address.rstrip(".,;:!?*_")
        while address.endswith((")", "]")):
            opening = {")": "(", "]": "["}[address[-1]]
            if address.count(opening) >= address.count(address[-1]):
                break  # its own bracket
            address = address[:-1].rstrip(".,;:!?*_")
        if not EXAMPLE.search(address):
            found.add(address.partition("#")[0])
    return found


def texts(root=ROOT):
    """Yield (name of the file, its text) of all that readers read; of chapters, the prose."""
    pages = [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").glob("*.md"))]
    for path in [*pages, *sorted((root / "results").glob("published.json"))]:
        yield path.name, path.read_text(encoding="utf-8")
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        prose = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        yield path.name, "\n".join(prose)


def session(patience=2.0, retries=3):
    """Return a requests session that asks again where a server is busy or broken.

    Parameters
    ----------
    patience : float
        Seconds before the third try; twice as many before the fourth.
    retries : int
        How often to ask again.
    """
    retry = Retry(
        total=retries,
        backoff_factor=patience / 2,
        status_forcelist=PASSING,
        raise_on_status=False,
        respect_retry_after_header=False,
    )
    made = requests.Session()
    made.headers["User-Agent"] = "Mozilla/5.0 (compatible; link check of a course)"
    for scheme in ("http://", "https://"):
        made.mount(scheme, HTTPAdapter(max_retries=retry))
    return made


def ask(asker, address, timeout=30):
    """Return ("there" | "turned away" | "gone", what came back)."""
    try:
        with asker.get(address, stream=True, timeout=timeout) as answer:
            code = answer.status_code
    except requests.RequestException as error:
        return "gone", type(error).__name__
    if code in TURNED_AWAY:
        return "turned away", str(code)
    return ("gone" if code >= 400 else "there"), str(code)


def say(line):
    """Print a line at once and whole, also where several threads do."""
    print(f"{line}\n", end="", flush=True)


def any_answers(addresses):
    """Say whether one of some servers answers anything at all, asked once."""
    with ThreadPoolExecutor(8) as pool:
        asked = pool.map(lambda address: ask(session(retries=0), address, 10)[1], addresses)
        return any(what.isdigit() for what in asked)


def main(root=ROOT, asker=None):
    """Ask all addresses, those of one server one after the other; 1 if one is gone."""
    named_in, servers = defaultdict(list), defaultdict(list)
    for name, text in texts(root):
        for address in addresses_in(text):
            named_in[address].append(name)
    for address in sorted(named_in):
        servers[urlsplit(address).netloc].append(address)
    say(f"Asking {len(servers)} servers for {len(named_in)} addresses; slow ones take minutes.")
    some = [own[0] for own in servers.values()][:8]
    if some and not any_answers(some):
        say(f"None of {len(some)} servers answers. No network, or a proxy that lets none through?")
        return 1
    asker = asker or session()

    def ask_server(server):
        verdicts = []
        for address in servers[server]:
            verdict, what = ask(asker, address)
            verdicts.append(verdict)
            if verdict != "there":
                say(f"{verdict} ({what}): {address}, named in {', '.join(named_in[address])}")
        say(f"{server}: {verdicts.count('there')} of {len(verdicts)} there")
        return verdicts.count("gone")

    with ThreadPoolExecutor(8) as pool:
        gone = sum(pool.map(ask_server, servers))
    say(f"{len(named_in)} addresses, {gone} gone")
    return 1 if gone else 0


if __name__ == "__main__":
    sys.exit(main())
