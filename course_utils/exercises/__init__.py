"""The checks behind the exercises, one module per chapter, of which a notebook imports its own.

Each ``check_…`` takes the reader's answer, prints what is still missing, what is wrong (with a hint
that names the cause where the mistake is a known one) or that it is right, and returns the same as
a `judge.Verdict`. None of them raises, whatever the answer is, so that "Run All" always reaches the
end.
"""
