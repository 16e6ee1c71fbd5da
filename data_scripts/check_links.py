"""Ask every web address that the pages and the chapters name whether it is still there.

    make links

Read are README.md, CONTRIBUTING.md, docs/, the chapters' text and the sources of the published
figures. Exit status 1 if an address is gone. Publishers that turn programs away (403 and the like)
are listed and do not count: a browser may get further.
"""

import json
import re
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

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


def session(patience=2.0):
    """Return a requests session that asks again where a server is busy or broken.

    Parameters
    ----------
    patience : float
        Seconds before the third try; twice as many before the fourth.
    """
    retry = Retry(
        total=3,
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


def ask(asker, address):
    """Return ("there" | "turned away" | "gone", what came back)."""
    try:
        with asker.get(address, stream=True, timeout=30) as answer:
            code = answer.status_code
    except requests.RequestException as error:
        return "gone", type(error).__name__
    if code in TURNED_AWAY:
        return "turned away", str(code)
    return ("gone" if code >= 400 else "there"), str(code)


def main(root=ROOT, asker=None):
    """Ask all addresses, those of one server one after the other; 1 if one is gone."""
    named_in, servers = defaultdict(list), defaultdict(list)
    for name, text in texts(root):
        for address in addresses_in(text):
            named_in[address].append(name)
    for address in sorted(named_in):
        servers[urlsplit(address).netloc].append(address)
    asker = asker or session()
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda own: [(a, *ask(asker, a)) for a in own], servers.values())
        verdicts = [verdict for own in answers for verdict in own]
    for address, verdict, what in verdicts:
        if verdict != "there":
            print(f"{verdict} ({what}): {address}, named in {', '.join(named_in[address])}")
    gone = sum(verdict == "gone" for _, verdict, _ in verdicts)
    print(f"{len(verdicts)} addresses, {gone} gone")
    return 1 if gone else 0


if __name__ == "__main__":
    sys.exit(main())
