"""What a wider search beam gains on dev, and what it costs.

    python bench/beams.py exp/prompts data/prompts gmm,classifier,neural_wfst words,free 13,16,20

For each system, graph and beam: error rates (percent) with the tuned settings, and with the acoustic scale one step of
the grid lower and higher, since the best scale may depend on the beam; processor seconds per utterance with the tuned
settings.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import kaldialign
import numpy as np

from lexicon.fold import Fold, read_fold
from lexicon.lang import load_lang
from lexicon.phones import spoken
from lexicon.text import columns, read_text
from pipeline.datadir.feats import read_feats
from pipeline.datadir.sets import read_spoken
from pipeline.search.decode import WfstDecoder
from pipeline.search.tuning import BEST_PATH_ONLY, SCALES, read_tuning
from pipeline.search.wfst import Beams
from pipeline.systems import load_system


def rate(
    decoder: WfstDecoder,
    scored: Mapping[str, tuple[np.ndarray, int]],
    references: Mapping[str, Sequence[str]],
    fold: Fold,
) -> tuple[float, float]:
    """Error rate (percent) and processor seconds per utterance."""
    began, errors = time.process_time(), 0
    for utt, reference in references.items():
        found = decoder.decode(utt, *scored[utt])
        recognised = spoken(
            (segment.label for segment in (found.words if decoder.name == "words" else found.phones)), fold
        )
        errors += kaldialign.edit_distance(spoken(reference, fold), recognised)["total"]
    return 100 * errors / sum(map(len, references.values())), (time.process_time() - began) / len(references)


def main(exp: Path, data: Path, names: Sequence[str], graphs: Sequence[str], beams: Sequence[float]) -> None:
    lang, rows = load_lang(data / "lang"), [["system, graph", "beam", "scale below", "tuned", "scale above", "s/utt"]]
    references = {
        "words": (read_text(data / "dev/text"), {}),
        "free": (read_spoken(exp / "gmm/ali_dev/reference.txt"), read_fold(data)),
    }
    for name in names:
        model = exp / name.removesuffix("_wfst")
        system, feats = load_system(model), read_feats(data / "dev", model)
        tuned = read_tuning(exp / name / "tuning.json")
        scored = {utt: (system.scores(x := feats[utt]), system.num_frames(x)) for utt in feats}
        for graph in graphs:
            settings = getattr(tuned, graph)
            at = SCALES.index(settings.acoustic_scale)
            for beam in beams:
                cells, seconds = [], 0.0
                for number in (at - 1, at + 1, at):
                    if not 0 <= number < len(SCALES):
                        cells.append("-")
                        continue
                    scaled = replace(settings, acoustic_scale=SCALES[number])
                    errors, seconds = rate(
                        WfstDecoder(system, lang, graph, scaled, Beams(beam, BEST_PATH_ONLY)),
                        scored,
                        *references[graph],
                    )
                    cells.append(f"{errors:.2f}")
                below, above, here = cells
                rows.append([f"{name}, {graph}", f"{beam:g}", below, here, above, f"{seconds:.3f}"])
                print(*rows[-1], flush=True)
    print("\n".join(["", *columns(rows)]))


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        Path(sys.argv[2]),
        sys.argv[3].split(","),
        sys.argv[4].split(","),
        [float(beam) for beam in sys.argv[5].split(",")],
    )
