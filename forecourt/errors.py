"""The one error type that reaches a person."""

from __future__ import annotations


class Problem(Exception):
    """Something a person can mend: says what happened, where, and what to do, in one or two sentences.

    The command line prints it and exits 1; pages show it in place of the number. A bare traceback is a defect.
    """
