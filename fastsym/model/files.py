"""A file of a user's table -> its text, or a DataFrame if its format has types of its own."""

import bz2
import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame

READERS = {
    ".parquet": "read_parquet",
    ".pq": "read_parquet",
    ".feather": "read_feather",
    ".arrow": "read_feather",
    ".orc": "read_orc",
    ".dta": "read_stata",
    ".sav": "read_spss",
    ".sas7bdat": "read_sas",
    ".xpt": "read_sas",
    **dict.fromkeys((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), "read_excel"),
}
"""The pandas function for each suffix; every other file is text."""
MAGIC = {b"PAR1": ".parquet", b"ARROW1": ".feather", b"FEA1": ".feather"}
DECOMPRESS = {b"\x1f\x8b": gzip.decompress, b"BZh": bz2.decompress, b"\xfd7zXZ\x00": lzma.decompress}
DAMAGED = (OSError, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""What the modules for compressed files raise: RuntimeError is for those with a password."""
MARKS = {  # the longer ones first: that of UTF-32 begins as that of UTF-16 does
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""What a file begins with that tells its encoding."""
PROBED = 1000
"""Bytes from which it is told whether text may be in UTF-16."""


def read(source: "str | Path | IO[Any]", encoding: str | None) -> "str | DataFrame":
    """Read a file, compressed or not, once and from its beginning to its end: a pipe does, too.

    Parameters
    ----------
    source
        Path, or a file opened for reading.
    encoding
        Of text; None: UTF-8, or what a byte order mark at the beginning tells.

    Returns
    -------
    str or pandas.DataFrame
        The text, of a spreadsheet its rows as comma-separated text; a frame for formats that have types.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such file.
    ValueError
        If it cannot be read; the message says why and, if a package is missing, which.
    """
    if not isinstance(source, str | Path):
        data, suffix = source.read(), ""
        if isinstance(data, str):
            return data.removeprefix("\ufeff")
    else:
        path = Path(source)
        if path.is_dir():
            raise IsADirectoryError(f"table: expected a file; got {path}: a folder; name a file in it")
        if not path.exists():
            raise FileNotFoundError(f"table: expected a file; got {path}: nothing there; check the path")
        suffix = path.suffix.lower()
        if suffix in READERS:
            return _typed(path, suffix)
        data, suffix = path.read_bytes(), Path(path.stem).suffix.lower()  # the second one counts if it is compressed
    data, suffix = _unpacked(data, suffix)
    suffix = next((known for magic, known in MAGIC.items() if data.startswith(magic)), suffix)
    return _typed(io.BytesIO(data), suffix) if suffix in READERS else _decoded(data, encoding)


def _unpacked(data: bytes, suffix: str) -> tuple[bytes, str]:
    """Undo compression, which the first bytes tell; give the content's suffix, too."""
    try:
        for magic, decompress in DECOMPRESS.items():
            if data.startswith(magic):
                return decompress(data), suffix
        if not data.startswith(b"PK\x03\x04"):
            return data, ""
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if "[Content_Types].xml" in archive.namelist():
                return data, ".xlsx"
            hidden = ("__MACOSX/", ".")
            names = [name for name in archive.namelist() if not name.startswith(hidden) and not name.endswith("/")]
            if len(names) == 1:
                return archive.read(names[0]), Path(names[0]).suffix.lower()
    except DAMAGED as error:
        raise ValueError(
            f"table: expected a compressed file; got a damaged one: {error}; fetch or pack it anew"
        ) from error
    raise ValueError(
        f"table: expected one file in the archive; got {', '.join(names) or 'none'}; unpack the one you mean"
    )


def _typed(source: Path | io.BytesIO, suffix: str) -> "str | DataFrame":
    import pandas as pd  # here, because it costs more to import than all of fastsym

    name = READERS[suffix]
    # Rows of a spreadsheet have no types either: they are read as text is, so that the same is checked.
    cells = {"header": None, "dtype": object, "keep_default_na": False, "sheet_name": None}
    try:
        found = getattr(pd, name)(source, **cells if name == "read_excel" else {})
    except ImportError as error:
        package = getattr(error.__context__, "name", None) or str(error)
        raise ValueError(f"table: {package} not found, which reads {suffix} files; install it") from error
    except Exception as error:  # each package has errors of its own
        raise ValueError(f"table: expected a {suffix} file; got one that pandas.{name} cannot read: {error}") from error
    if name != "read_excel":
        return pd.DataFrame(found)
    sheets = {title: sheet for title, sheet in found.items() if sheet.size}
    if len(sheets) != 1:
        raise ValueError(
            f"table: expected one sheet with cells; got {', '.join(map(repr, sheets)) or 'none'}; save the one you "
            "mean as a file of its own"
        )
    (sheet,) = sheets.values()
    # One line a row, so that line numbers are those of the rows.
    lines = sheet.map(lambda cell: " ".join(cell.split()) if isinstance(cell, str) else cell)
    return str(lines.to_csv(header=False, index=False, lineterminator="\n"))


def _decoded(data: bytes, encoding: str | None) -> str:
    told = next((name for mark, name in MARKS.items() if data.startswith(mark)), "utf-8")
    if encoding is None and told == "utf-8" and b"\0" in data:
        zeros = [data[start:PROBED:2].count(0) for start in (0, 1)]  # of text in UTF-16, every other byte is 0
        guess = next(
            (name for name, count in zip(("be", "le"), zeros, strict=True) if 4 * count > min(PROBED, len(data))), None
        )
        advice = f"add --encoding utf-16-{guess} if it is UTF-16" if guess else "save the table as CSV"
        raise ValueError(f"table: expected text; got bytes that are 0, which text in UTF-8 does not hold; {advice}")
    try:
        return data.decode(encoding or told).removeprefix("\ufeff")
    except LookupError as error:
        raise ValueError(f"encoding: expected a text encoding; got {encoding!r}; latin1 is one") from error
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ValueError(
            f"line {line}: expected text in {encoding or told}; got the byte 0x{data[error.start]:02x}; name its "
            "encoding, for example --encoding latin1 or --encoding cp1252"
        ) from error
