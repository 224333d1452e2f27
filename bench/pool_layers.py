"""What `make layers` has measured in several splits of a corpus, together: the counts of all test utterances added up,
with intervals over all their speakers.

    for split in 1 2 3 4; do
        make layers CORPUS=timit_sample SPLIT=$split DATA=data/split$split EXP=exp/split$split
    done
    PYTHONPATH=. .venv/bin/python bench/pool_layers.py exp/split*/layers/whisper-base.json

PNMI, ABX and CKA are means over the splits; so is the accuracy in which phones count alike, each split's own phones
having equal weight. A split's best layer on dev may be another than the next one's: the last rows take each split's.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pipeline.compare.layers import read_layers, readable_lines, tsv_lines

if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("files", nargs="+", type=Path, help="EXP/layers/ENCODER.json of each split")
    options.add_argument("--tsv", type=Path, help="write the table there as well")
    arguments = options.parse_args()
    together = read_layers(arguments.files)
    print("\n".join(readable_lines(together)))
    if arguments.tsv:
        arguments.tsv.write_text("\n".join([*tsv_lines(together), ""]), encoding="utf-8")
