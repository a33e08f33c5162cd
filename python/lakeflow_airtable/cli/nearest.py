"""What somebody may have meant by a word that is none of the known ones. What is far from all is not guessed."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

LIKENESS = 0.6
"""How much two words have in common at least, of 1 for all letters in order."""


def nearest(given: str, known: Sequence[str]) -> str | None:
    """The nearest of the known words, without regard to case. Dashes in front are no likeness."""
    words = {word.lstrip("-").lower(): word for word in reversed(known)}
    found = difflib.get_close_matches(given.lstrip("-").lower(), list(words), 1, LIKENESS)
    return words[found[0]] if found else None
