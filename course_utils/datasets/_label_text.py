"""Label images written as text: one row of whole numbers a line, as Stanford's labels are."""

import numpy as np

_LONGEST = 9  # letters; a number with more might not fit into 32 bits
_DIGITS_AND_SPACE = np.zeros(256, bool)
_DIGITS_AND_SPACE[list(b"-0123456789 \t\r\n")] = True


def read_label_text(content: bytes) -> np.ndarray:
    """Parse the rows of a label file.

    Blanks at the end of a line and empty lines at the end of the file are normal.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    ndarray, int32 [H, W]

    Raises
    ------
    ValueError
        If the text is empty, a row is shorter or longer than the first, or something is no whole
        number; the words name the line.
    """
    text = np.frombuffer(content.rstrip() + b"\n", np.uint8)
    if len(text) == 1:
        raise ValueError("is empty")
    ends = np.flatnonzero(text == ord("\n"))
    blank = (text == ord(" ")) | ((text >= ord("\t")) & (text <= ord("\r")))
    starts = np.flatnonzero(~blank & np.concatenate([[True], blank[:-1]]))
    counts = np.diff(np.searchsorted(starts, ends), prepend=0)  # numbers in each line
    lengths = np.flatnonzero(~blank[:-1] & blank[1:]) + 1 - starts
    if not _DIGITS_AND_SPACE[text].all() or lengths.max() > _LONGEST:
        raise ValueError(_first_non_number(content))
    if (counts != counts[0]).any():
        row = int(np.argmax(counts != counts[0]))
        raise ValueError(
            f"has {counts[row]} numbers in line {row + 1}, but {counts[0]} in the lines before"
        )
    try:
        numbers = np.fromstring(content, np.int32, sep=" ")
    except ValueError as error:  # such as 1-2 or a lone minus
        raise ValueError(_first_non_number(content)) from error
    if len(numbers) != len(starts):
        raise ValueError(_first_non_number(content))
    return numbers.reshape(len(counts), counts[0])


def _first_non_number(content: bytes) -> str:
    for number, line in enumerate(content.splitlines(), 1):
        for word in line.split():
            if not word.removeprefix(b"-").isdigit() or len(word) > _LONGEST:
                shown = word[:20].decode("utf-8", "replace")
                return f"has {shown!r} in line {number}, which is not a label number"
    return "cannot be read as rows of numbers"
