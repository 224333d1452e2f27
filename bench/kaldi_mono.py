"""Monophones by Kaldi's own code, kaldi-hmm-gmm, in a Python that has it: what bench/classical.py compares ours with.

    PYTHON bench/kaldi_mono.py FOLDER     # FOLDER/given.json, feats.npz; writes FOLDER/model.npz, prints JSON

The recipe is that of Kaldi's steps/train_mono.sh: 40 passes, 21 alignments, 1000 Gaussians at most; an equal alignment
with a seed of its own for each utterance. Topologies, lexicon, features and pauses are ours.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kaldi_hmm_gmm as khg
import kaldifst
import numpy as np

PASSES, GROWING, GAUSSIANS = 40, 30, 1000  # num_iters, max_iter_inc, totgauss
ALIGNED = {*range(1, 11), 12, 14, 16, 18, 20, 23, 26, 29, 32, 35, 38}  # realign_iters; the first pass aligns evenly
SCALES = {"transition_scale": 1.0, "self_loop_scale": 0.1}
POWER = 0.25


def topology(phones: int) -> khg.HmmTopology:
    """Five states for phone 1, silence, whose middle is ergodic, and three from left to right for the others."""

    def state(number: int, arcs: Mapping[int, float]) -> str:
        to = " ".join(f"<Transition> {target} {probability}" for target, probability in arcs.items())
        return f"<State> {number} <PdfClass> {number} {to} </State>"

    pause = [state(0, {i: 0.25 for i in range(4)})]
    pause += [state(i, {j: 0.25 for j in range(1, 5)}) for i in (1, 2, 3)]
    pause += [state(4, {4: 0.75, 5: 0.25}), "<State> 5 </State>"]
    phone = [state(i, {i: 0.75, i + 1: 0.25}) for i in range(3)] + ["<State> 3 </State>"]
    entries = [("1", pause), (" ".join(map(str, range(2, phones + 1))), phone)]
    found = khg.HmmTopology()
    found.read(
        "<Topology>\n"
        + "".join(
            f"<TopologyEntry>\n<ForPhones>\n{which}\n</ForPhones>\n" + "\n".join(states) + "\n</TopologyEntry>\n"
            for which, states in entries
        )
        + "</Topology>\n"
    )
    return found


def lexicon_fst(lexicon: list[tuple[int, float, list[int]]], pause: float) -> kaldifst.StdVectorFst:
    """Phones to words; a pause before each word, and after the last, or none."""
    fst = kaldifst.StdVectorFst()
    start, loop, silence = fst.add_state(), fst.add_state(), fst.add_state()
    fst.start = start
    fst.set_final(loop, 0.0)

    def arc(source: int, phone: int, word: int, cost: float, target: int) -> None:
        fst.add_arc(source, kaldifst.StdArc(phone, word, cost, target))

    arc(start, 0, 0, -math.log(1 - pause), loop)
    arc(start, 0, 0, -math.log(pause), silence)
    arc(silence, 1, 0, 0.0, loop)
    for word, probability, phones in lexicon:
        place = loop
        for number, phone in enumerate(phones):
            first, last = number == 0, number + 1 == len(phones)
            cost, sign = (-math.log(probability), word) if first else (0.0, 0)
            if last:
                arc(place, phone, sign, cost - math.log(1 - pause), loop)
                arc(place, phone, sign, cost - math.log(pause), silence)
            else:
                following = fst.add_state()
                arc(place, phone, sign, cost, following)
                place = following
    kaldifst.arcsort(fst, sort_type="olabel")
    return fst


def first_model(feats: Mapping[str, np.ndarray], num_pdfs: int) -> khg.AmDiagGmm:
    """Each density one Gaussian, that of all frames."""
    frames = np.concatenate(list(feats.values()))
    mean, variance = frames.mean(0), frames.var(0)
    gaussian = khg.DiagGmm(1, frames.shape[1])
    gaussian.set_weights(np.ones(1, np.float32))
    gaussian.set_invvars_and_means((1 / variance)[None].astype(np.float32), mean[None].astype(np.float32))
    gaussian.compute_gconsts()
    model = khg.AmDiagGmm()
    model.init(gaussian, num_pdfs)
    return model


class Monophones:
    """The model, the graphs of all utterances, and their alignments: transition ids of each frame."""

    def __init__(self, given: dict[str, Any], feats: dict[str, np.ndarray]):
        self.feats = feats
        phones, topo = list(range(1, given["phones"] + 1)), topology(given["phones"])
        tree = khg.monophone_context_dependency(phones, topo.get_phone_to_num_pdf_classes())
        self.transitions = khg.TransitionModel(tree, topo)
        self.model = first_model(feats, self.transitions.num_pdfs)
        options = khg.TrainingGraphCompilerOptions(transition_scale=0.0, self_loop_scale=0.0, reorder=True)
        lexicon = lexicon_fst(given["lexicon"], given["pause"])
        compiler = khg.TrainingGraphCompiler(self.transitions, tree, lexicon, [], options)
        self.graphs = {utt: compiler.compile_graph_from_text(words) for utt, words in given["words"].items()}
        self.alignments = {
            utt: self._evenly(graph, len(feats[utt]), seed) for seed, (utt, graph) in enumerate(self.graphs.items())
        }

    def _evenly(self, graph: kaldifst.StdVectorFst, frames: int, seed: int) -> list[int]:
        good, path = kaldifst.equal_align(graph, frames, seed, 10)
        return kaldifst.get_linear_symbol_sequence(path)[1] if good else []

    def align(self, beam: float) -> None:
        config = khg.AlignConfig(beam=beam, retry_beam=4 * beam)
        for utt, graph in self.graphs.items():
            own = kaldifst.StdVectorFst(graph)
            khg.add_transition_probs(trans_model=self.transitions, fst=own, disambig_syms=[], **SCALES)
            scores = khg.DecodableAmDiagGmmScaled(self.model, self.transitions, self.feats[utt], 0.1)
            *_, path, _ = khg.align_utterance_wrapper(config, utt, 0.1, own, scores, 0, 0, 0, 0.0, 0)
            self.alignments[utt] = path or self.alignments[utt]

    def estimate(self, gaussians: int, least: float) -> None:
        """Fit each density to its frames; then there may be so many Gaussians."""
        sums, counts = khg.AccumAmDiagGmm(), self.transitions.init_stats()
        flags = int(khg.GmmUpdateFlags.kGmmAll.value)
        sums.init(self.model, flags)
        to_pdf = np.array(self.transitions.transition_id_to_pdf_array())
        occupancy = np.zeros(self.transitions.num_pdfs, np.float32)
        for utt, path in self.alignments.items():
            pdfs = to_pdf[path]
            for frame, pdf in zip(self.feats[utt], pdfs.tolist()):
                sums.accumulate_for_gmm(self.model, frame, pdf, 1.0)
            counts += np.bincount(path, minlength=len(counts))
            occupancy += np.bincount(pdfs, minlength=len(occupancy))
        self.transitions.mle_update(counts, khg.MleTransitionUpdateConfig())
        khg.mle_am_diag_gmm_update(khg.MleDiagGmmOptions(min_gaussian_occupancy=least), sums, flags, self.model)
        if gaussians > self.model.num_gauss:
            self.model.split_by_count(occupancy, gaussians, 0.01, POWER, 20.0)

    def train(self) -> None:
        self.estimate(self.model.num_pdfs, 3.0)
        wanted = now = self.model.num_gauss
        for number in range(1, PASSES):
            if number in ALIGNED:
                self.align(6.0 if number == 1 else 10.0)
            self.estimate(now, 10.0)
            now += (GAUSSIANS - wanted) // GROWING if number <= GROWING else 0

    def save(self, path: Path) -> None:
        """The Gaussians of all densities, one density after the other."""
        mixtures = [self.model.get_pdf(pdf) for pdf in range(self.model.num_pdfs)]
        arrays = {
            "weights": np.concatenate([np.asarray(one.weights) for one in mixtures]),
            "means": np.concatenate([np.asarray(one.means) for one in mixtures]),
            "covars": np.concatenate([np.asarray(one.vars) for one in mixtures]),
            "sizes": np.array([one.num_gauss for one in mixtures]),
        }
        np.savez(path, **arrays)


def main(folder: Path) -> None:
    given = json.loads((folder / "given.json").read_text(encoding="utf-8"))
    with np.load(folder / "feats.npz") as arrays:
        feats = {utt: arrays[utt] for utt in given["words"]}
    began = time.process_time()
    monophones = Monophones(given, feats)
    monophones.train()
    seconds = time.process_time() - began
    monophones.save(folder / "model.npz")
    failed = sum(not path for path in monophones.alignments.values())
    print(json.dumps({"seconds": seconds, "gaussians": monophones.model.num_gauss, "failed": failed}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
