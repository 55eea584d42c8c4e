"""CSV files as programs write them: spreadsheets separate by semicolons or tabs where the comma is a decimal point."""

import csv
import re
from pathlib import Path

from manet.errors import ManetError

SEPARATORS = (",", ";", "\t")

DECIMAL = re.compile(r"[-+]?\d+,\d+(e[-+]?\d+)?", re.IGNORECASE)
"""A number with a decimal comma."""


def read_csv(path: Path, error: type[ManetError]) -> list[dict[str, str]]:
    """The rows of a CSV file by the names of the columns, in lower case where the file has capitals.

    Values are separated by commas, semicolons or tabs, whichever the header has most of. Rows without any value, which
    spreadsheets leave at the end, are left out. Where commas do not separate, numbers may have a decimal comma.

    Args:
        path: File, UTF-8 with or without a byte-order mark.
        error: What is raised where the file is not as it must be.

    Raises:
        OSError: The file cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            first = file.readline()
            separator = max(SEPARATORS, key=first.count)
            file.seek(0)
            lines = [[cell.strip() for cell in row] for row in csv.reader(file, delimiter=separator)]
    except (UnicodeDecodeError, csv.Error) as reason:
        raise error(f"{path} cannot be read as a CSV file ({reason}); save it as CSV in UTF-8") from reason
    if not lines:
        return []
    header = [name.lower() for name in lines[0]]
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise error(f"{path} has the column '{twice[0]}' twice; each column needs a name of its own")
    rows: list[dict[str, str]] = []
    for number, line in enumerate(lines[1:], 2):
        if not any(line):
            continue
        if len(line) != len(header):
            raise error(f"{path}: line {number} has {len(line)} values; expected {len(header)} as in the header")
        if separator != ",":
            line = [cell.replace(",", ".") if DECIMAL.fullmatch(cell) else cell for cell in line]
        rows.append(dict(zip(header, line, strict=True)))
    return rows
