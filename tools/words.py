"""One spelling and one word for each thing, in README, pages, messages and help; and short sentences on the pages.

`python tools/words.py` prints each place where another word stands and each sentence that is too long, and ends with 1
if there is one. In Markdown, code is not looked at.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[1]

# What not to write, as a regular expression of whole words, and what to write instead.
WORDS = {
    # Spelling: British, as it stands everywhere.
    r"colou?rs? (?:is|are) gray": "grey",
    r"behaviors?": "behaviour",
    r"licenses(?! of)": "licences",
    r"catalogues?": "catalog, as Spark writes it",
    r"initiali[sz]e[ds]?": "make, begin",
    r"normali[z]e[ds]?": "normalise",
    r"optimi[z]e[ds]?": "optimise",
    r"recogni[z]e[ds]?": "recognise",
    r"seriali[z]e[ds]?": "serialise",
    r"serializable": "serialisable",
    r"materialised": "materialized, as Spark writes it",
    # Names of things.
    r"air ?table(?<!Airtable)(?<!airtable)": "Airtable",
    r"Air Table": "Airtable",
    r"data ?bricks(?<!Databricks)(?<!databricks)": "Databricks",
    r"Data Bricks": "Databricks",
    r"PyArrow": "pyarrow",
    r"Polars": "polars",
    r"DeltaLake": "Delta",
    r"web-?hooks?(?<!webhook)(?<!webhooks)": "webhook",
    r"back-end": "backend",
    r"command-line interface": "command line",
    r"dataframe": "DataFrame",
    r"personal API (?:key|token)": "personal access token",
    # What reads like a riddle.
    r"so that whoever": "say who does it first",
    r"whoever asks": "all clients together",
    r"whoever cleans": "say who cleans",
    r"edits told": "say which time an edit gets",
    r"of which a read takes": "say it with the subject first",
    r"found by what it tells": "say which webhook it is",
    r"is called as a column": "say what the name is",
    r"told as of": "say which time it gets",
    r"is the connection's alone": "belongs to the connection",
}
PATTERN = {re.compile(rf"(?<![\w.-]){word}(?![\w-])"): instead for word, instead in WORDS.items()}


# A sentence of a page has at most so many words. Code counts as one.
LONGEST = 40

CODE = re.compile(r"^ *```.*?^ *```$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
# Code, drawings and maps, comments, tags, and where links lead: none of it is read as a sentence.
UNREAD = re.compile(
    r"^ *```.*?^ *```$|(?<=\n\n)(?: {4}.*\n)+|<!--.*?-->|<[a-z/][^>]*>|\]\([^)\s]*\)", re.DOTALL | re.MULTILINE
)
# A paragraph, an item of a list, a cell of a table or a heading: each ends a sentence that has no full stop.
BLOCK = re.compile(r"(?:(?!\n\s*\n|\n *(?:[-*]|\d+\.) |\n#|\|).)+", re.DOTALL)
SENTENCE = re.compile(r".+?(?:[.!?][)\"*]*(?=\s|$)|$)", re.DOTALL)
# A number is one word, with its commas and points.
WORD = re.compile(r"[^\W_](?:[\w'.,/-]*\w)?")


def pages() -> list[Path]:
    """What users read."""
    files = [PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
    files += [PROJECT / "CODE_OF_CONDUCT.md", PROJECT / ".github" / "PULL_REQUEST_TEMPLATE.md"]
    files += sorted((PROJECT / "docs").rglob("*.md"))
    files += [*sorted((PROJECT / "python").rglob("*.md")), *sorted((PROJECT / "examples").rglob("*.md"))]
    files += [*sorted((PROJECT / "python").rglob("*.py")), *sorted((PROJECT / "src").rglob("*.rs"))]
    return [file for file in files if file.exists()]


def faults(text: str, is_markdown: bool = True) -> Iterator[tuple[int, str, str]]:
    """The line, the word and what to write instead, for each that is on the list."""
    if is_markdown:
        text = CODE.sub(_blank, text)
    for pattern, instead in PATTERN.items():
        for found in pattern.finditer(text):
            yield text.count("\n", 0, found.start()) + 1, found[0], instead


def _blank(found: re.Match[str]) -> str:
    """Blanks, not nothing: lines keep their numbers."""
    return re.sub(r"[^\n]", " ", found[0])


def long_sentences(text: str) -> Iterator[tuple[int, int, str]]:
    """The line, the number of words and the beginning of each sentence of a page that is too long."""
    text = UNREAD.sub(_blank, text)
    text = re.sub(r"(`+)[^`]+\1", lambda code: "C" + _blank(code)[1:], text)
    for block in BLOCK.finditer(text):
        for sentence in SENTENCE.finditer(block[0]):
            words = list(WORD.finditer(sentence[0]))
            if len(words) > LONGEST:
                start = block.start() + sentence.start() + words[0].start()
                yield text.count("\n", 0, start) + 1, len(words), " ".join(word[0] for word in words[:8])


def main() -> int:
    """Prints every fault; how many there are decides the exit code."""
    count = 0
    for page in pages():
        text, is_markdown = page.read_text(encoding="utf-8"), page.suffix == ".md"
        for line, word, instead in faults(text, is_markdown):
            print(f"{page.relative_to(PROJECT)}:{line}: {word!r}: {instead}")
            count += 1
        for line, words, beginning in long_sentences(text) if is_markdown else ():
            print(
                f"{page.relative_to(PROJECT)}:{line}: a sentence of {words} words, at most {LONGEST}: {beginning} ..."
            )
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
