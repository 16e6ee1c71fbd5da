"""Answers on their way from the reader's kernel to the grader: plain data, and nothing else.

`reply` runs in the kernel, `decode` in the grader. Numbers, text, arrays and containers of them
arrive as they are; of anything else, only the name of its type. So nothing that a notebook defines
is ever executed by the grader, and no object of it can claim to equal everything.

The kernel is sent this file's source, whatever course_utils it has: import the standard library and
NumPy only.
"""

import base64
import builtins
import itertools
import json
import pickle
from collections.abc import Iterator

import numpy as np

MAX_BYTES = 64_000_000  # of one array
MAX_TEXT = 100_000
MAX_ITEMS = 200_000
MAX_DEPTH = 20
KINDS = "biufcSU"


def reply(path, namespace, expression, arguments=None):
    """Evaluate an expression, call it where there are arguments, and write down what comes out.

    Parameters
    ----------
    path : str
        File to write: JSON with one of the keys "value", "function" and "error".
    namespace : dict
        Where the expression's names stand.
    expression : str
        Such as "mean_iou".
    arguments : str, optional
        Pickled positional arguments in base64.
    """
    try:
        value = eval(expression, namespace)
        if arguments is not None:
            value = value(*pickle.loads(base64.b64decode(arguments)))
        if arguments is None and callable(value):
            found = {"function": type(value).__name__}
        else:
            found = {"value": encode(value)}
    except BaseException as error:  # sys.exit() in an answer is an answer that failed
        try:
            text = str(error)
        except Exception:  # an exception of the reader's own may fail at this, too
            text = ""
        found = {"error": [type(error).__name__, text[:1000]]}
    with builtins.open(path, "w", encoding="utf-8") as file:
        json.dump(found, file)


def encode(value, depth=0, left=None):
    """Return a value as what JSON can hold.

    Parameters
    ----------
    value : object
    depth : int, optional
        How many containers stand around it.
    left : list of int, optional
        How many more items may be written.

    Returns
    -------
    dict
    """
    left = [MAX_ITEMS] if left is None else left
    left[0] -= 1
    if left[0] < 0 or depth > MAX_DEPTH:
        return {"other": "too much"}
    if value is ... or value is None:
        return {"plain": "..." if value is ... else None}
    is_class = isinstance(value, type)
    if not is_class and any(hasattr(value, a) for a in ("__array__", "__array_interface__")):
        return _encode_array(np.asarray(value), isinstance(value, np.generic), depth, left)
    if isinstance(value, (bool, float)) or (isinstance(value, int) and value.bit_length() < 4000):
        return {"number": value}
    if isinstance(value, str):
        return {"text": value[:MAX_TEXT]}
    if isinstance(value, range):
        return {"range": [value.start, value.stop, value.step]}
    for kind in (list, tuple, set, frozenset):
        if isinstance(value, kind):
            return {kind.__name__: [encode(item, depth + 1, left) for item in value]}
    if isinstance(value, dict):
        return {"dict": [encode(pair, depth + 1, left) for pair in value.items()]}
    if isinstance(value, Iterator):
        # One more than may be written, so that an endless one ends as too much.
        items = itertools.islice(value, max(left[0], 0) + 1)
        return {"iterator": [encode(item, depth + 1, left) for item in items]}
    return {"other": type(value).__name__, "callable": callable(value)}


def _encode_array(array, is_scalar, depth, left):
    if array.dtype.kind == "O":
        return encode(array.tolist(), depth + 1, left)
    if array.nbytes > MAX_BYTES:
        return {"other": f"{type(array).__name__} of {array.nbytes:,} bytes"}
    if array.dtype.kind not in KINDS:
        array = array.astype(np.float64)  # bfloat16 is none of NumPy's own
    return {
        "array": base64.b64encode(array.tobytes()).decode(),
        "dtype": array.dtype.str,
        "shape": array.shape,
        "scalar": is_scalar,
    }


def decode(node):
    """Return the value that `encode` was given, or an object that only has its type's name.

    Parameters
    ----------
    node : dict

    Returns
    -------
    object

    Raises
    ------
    ValueError, TypeError, KeyError
        If `encode` has not written it.
    """
    if "array" in node:
        dtype = np.dtype(node["dtype"])
        if dtype.kind not in KINDS:
            raise ValueError(f"An array of {dtype} does not travel.")
        flat = np.frombuffer(base64.b64decode(node["array"]), dtype)
        array = flat.reshape([int(side) for side in node["shape"]]).copy()
        return array[()] if node["scalar"] else array
    if "other" in node:
        return _other(node["other"], node.get("callable", False))
    [(kind, content)] = node.items()
    if kind == "plain":
        return ... if content == "..." else None
    if kind in ("number", "text"):
        return content
    if kind == "range":
        return range(*content)
    items = [decode(item) for item in content]
    as_they_were = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
    return (as_they_were | {"dict": dict, "iterator": iter})[kind](items)


def _other(name, is_callable):
    members = {"__call__": _stays_behind} if is_callable else {}
    return type(type_name(name), (), members)()


def type_name(name):
    """Return the name of a type as Python takes one, whatever it was called."""
    return str(name)[:80].encode("ascii", "replace").decode().replace("\0", "")


def _stays_behind(self, *_):
    raise TypeError(f"a {type(self).__name__} inside another answer cannot be called here.")
