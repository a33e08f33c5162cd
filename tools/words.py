"""One spelling and one word for each thing, in README, pages, messages and help: `python tools/words.py`.

Prints each place where another stands, and ends with 1 if there is one. In Markdown, code is not looked at.
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


def pages() -> list[Path]:
    """What users read."""
    files = [PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
    files += sorted((PROJECT / "docs").rglob("*.md"))
    files += [*sorted((PROJECT / "python").rglob("*.md")), *sorted((PROJECT / "examples").rglob("*.md"))]
    files += [*sorted((PROJECT / "python").rglob("*.py")), *sorted((PROJECT / "src").rglob("*.rs"))]
    return [file for file in files if file.exists()]


def faults(text: str, is_markdown: bool = True) -> Iterator[tuple[int, str, str]]:
    """The line, the word and what to write instead, for each that is on the list."""
    if is_markdown:
        # Blanked, not removed: lines keep their numbers.
        text = re.sub(
            r"^ *```.*?^ *```$|`[^`\n]+`", lambda code: re.sub(r"[^\n]", " ", code[0]), text, flags=re.S | re.M
        )
    for pattern, instead in PATTERN.items():
        for found in pattern.finditer(text):
            yield text.count("\n", 0, found.start()) + 1, found[0], instead


def main() -> int:
    """Prints every fault; how many there are decides the exit code."""
    count = 0
    for page in pages():
        for line, word, instead in faults(page.read_text(encoding="utf-8"), page.suffix == ".md"):
            print(f"{page.relative_to(PROJECT)}:{line}: {word!r}: {instead}")
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
