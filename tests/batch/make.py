"""Writes the files in `rows/`: the 32 rows of the reference of `digits`, once in each format that a batch job reads.

Written by Arrow's own library for Python and the standard library, so that what Plinth reads is not what Plinth wrote. What a
model answers is not here: that is in `models/digits/reference/outputs.json`.

Each row has a key, the pixels, `fold` to be kept and `note` to be left out. The pixels are 64 columns of whole numbers in Parquet
and CSV, a list of floats in Arrow and JSON.

Run: `python tests/batch/make.py` with `tests/batch/requirements-make.txt` installed.
"""

import csv
import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FOLDER = HERE / "rows"
N_PIXELS = 64
GROUP_ROWS = 8


def rows():
    """The pixels of each row."""
    reference = json.loads((ROOT / "models/digits/reference/inputs.json").read_text("utf-8"))
    pixels = reference["inputs"][0]["data"]
    return [pixels[start : start + N_PIXELS] for start in range(0, len(pixels), N_PIXELS)]


def others(n_rows):
    """The columns beside the pixels."""
    return {
        "key": [f"row {idx:02}" for idx in range(n_rows)],
        "fold": [idx % 3 for idx in range(n_rows)],
        "note": [f'"{idx}", a note\nof two lines' for idx in range(n_rows)],
    }


def write_parquet(pixels):
    columns = {name: pa.array(values) for name, values in others(len(pixels)).items()}
    columns |= {f"p{idx}": pa.array([row[idx] for row in pixels], pa.int16()) for idx in range(N_PIXELS)}
    pq.write_table(pa.table(columns), FOLDER / "rows.parquet", row_group_size=GROUP_ROWS, compression="zstd")


def write_arrow(pixels):
    columns = {name: pa.array(values) for name, values in others(len(pixels)).items()}
    columns["X"] = pa.array(pixels, pa.list_(pa.float32(), N_PIXELS))
    with pa.OSFile(str(FOLDER / "rows.arrow"), "wb") as file, pa.ipc.new_file(file, pa.table(columns).schema) as writer:
        writer.write_table(pa.table(columns), max_chunksize=GROUP_ROWS)


def csv_text(pixels):
    text = io.StringIO()
    writer = csv.writer(text)
    names = others(len(pixels))
    writer.writerow([*names, *(f"p{idx}" for idx in range(N_PIXELS))])
    for values, row in zip(zip(*names.values()), pixels):
        writer.writerow([*values, *row])
    return text.getvalue().encode()


def json_lines(pixels):
    columns = others(len(pixels)) | {"X": pixels}
    lines = (dict(zip(columns, values)) for values in zip(*columns.values()))
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def main():
    FOLDER.mkdir(exist_ok=True)
    pixels = rows()
    write_parquet(pixels)
    write_arrow(pixels)
    (FOLDER / "rows.csv").write_bytes(csv_text(pixels))
    (FOLDER / "rows.jsonl").write_bytes(json_lines(pixels))
    (FOLDER / "rows.jsonl.gz").write_bytes(gzip.compress(json_lines(pixels), mtime=0))
    with pa.CompressedOutputStream(str(FOLDER / "rows.csv.zst"), "zstd") as file:
        file.write(csv_text(pixels))


if __name__ == "__main__":
    main()
