"""Cells of a chapter, executed one by one, to hold what it builds against the package."""

import json
from pathlib import Path

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def execute(chapter, *cells, **namespace):
    """Execute the cells with these ids and return what they define.

    Parameters
    ----------
    chapter : str
        Such as ``"02_mri_fcn"``.
    *cells : str
        Ids, in the order of execution.
    **namespace
        What the cells above them would have defined.

    Returns
    -------
    dict
        All names afterwards.
    """
    notebook = json.loads((NOTEBOOKS / f"{chapter}.ipynb").read_text(encoding="utf-8"))
    sources = {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"]}
    for cell in cells:
        exec(sources[cell], namespace)
    return namespace
