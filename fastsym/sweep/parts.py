"""One part of a sweep: the Parquet file of a chunk, which says what it is, under a name that holds its checksum."""

import json
import re
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fastsym.sweep.grid import Chunk

if TYPE_CHECKING:
    from pandas import DataFrame

NAME = re.compile(r"part-(\d{6})-([0-9a-f]{16})\.parquet")
KEY = b"fastsym"
"""Of what Parquet's metadata hold about the part, as JSON."""


class BadPartsError(ValueError):
    """A part is not as a sweep wrote it, or not of this sweep."""


class Part(NamedTuple):
    """A part that is as it was written."""

    path: Path
    chunk: Chunk
    version: str
    """Of the fastsym that trained it."""


def name_of(number: int, content: bytes) -> str:
    """Name the file of a chunk by its number and its content."""
    return f"part-{number:06d}-{sha256(content).hexdigest()[:16]}.parquet"


def content_of(sweep: str, chunk: Chunk, table: "DataFrame") -> bytes:
    """Make a chunk's file.

    Raises
    ------
    BadPartsError
        If the table is not that of the chunk.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    networks, versions = table["network"].tolist(), table["fastsym_version"].unique().tolist()
    if networks != list(range(chunk.first, chunk.stop)) or len(versions) != 1:
        raise BadPartsError(
            f"chunk {chunk.number}: expected networks {chunk.first} to {chunk.stop - 1} of one version of fastsym; "
            f"got {len(networks)} networks of {versions}; train the chunk again"
        )
    about = {"sweep": sweep, **asdict(chunk), "version": versions[0]}
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    arrow = arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), KEY: json.dumps(about).encode()})
    buffer = pa.BufferOutputStream()
    pq.write_table(arrow, buffer)
    return bytes(buffer.getvalue().to_pybytes())


def inspect(path: Path, sweep: str) -> Part:
    """Find out whether a file is a part of a sweep as it was written. Nothing is decoded that is not.

    Raises
    ------
    BadPartsError
        If it is not; the message says why, without the name.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    named = NAME.fullmatch(path.name)
    if named is None:
        raise BadPartsError("its name holds no checksum")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadPartsError(f"it cannot be read: {error.strerror}") from error
    if name_of(int(named[1]), content) != path.name:
        raise BadPartsError("its content is not what its checksum says")
    try:
        about: dict[str, Any] = json.loads(pq.read_metadata(pa.BufferReader(content)).metadata[KEY])
        part = Part(path, Chunk(about["number"], about["first"], about["stop"]), about["version"])
    except (pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise BadPartsError("it says nothing of a sweep") from error
    if about["sweep"] != sweep:
        raise BadPartsError("it is of another sweep")
    if part.chunk.number != int(named[1]):
        raise BadPartsError(f"it holds chunk {part.chunk.number}")
    return part


def read_table(part: Part) -> "DataFrame":
    """Read a part's rows."""
    import pandas as pd

    return pd.read_parquet(part.path)
