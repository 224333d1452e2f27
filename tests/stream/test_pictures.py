"""What the page draws is what the report draws of the whole."""

from __future__ import annotations

import base64

import numpy as np
import soundfile

from pipeline.draw.spectrogram import DYNAMIC_RANGE_DB, power_decibels
from pipeline.search.posteriors import phone_labels, phone_posteriors
from pipeline.stream.listener import Heard, Rows
from pipeline.stream.pictures import Messages, Spectrogram
from pipeline.times.segments import Segment


def test_a_spectrogram_grows_to_that_of_the_whole(experiment):
    samples, rate = soundfile.read(experiment.one, dtype="float32")
    loud = np.concatenate([samples, samples])  # in the second half nothing is louder than in the first
    growing, columns = Spectrogram(rate), []
    for first in range(0, len(loud), 333):
        columns.append(growing.add(loud[first : first + 333]))
    found = np.concatenate(columns)
    decibels = power_decibels(loud, rate, rate * 5 // 1000)
    whole = np.clip((decibels - decibels.max()) / DYNAMIC_RANGE_DB + 1, 0, 1)[:, ::-1]
    half = len(found) // 2 + 10
    np.testing.assert_allclose(found[half:] / 255, whole[half : len(found)], atol=0.003)
    assert len(decibels) - 4 <= len(found) == growing.columns and len(growing.held) < 1000


def test_silence_stays_pale():
    assert Spectrogram(8000).add(np.random.default_rng(0).normal(0, 1e-4, 8000)).max() < 64


def test_rows_are_the_posteriors_by_manner(experiment):
    searches = experiment.searches("gmm", "neural")
    messages = Messages(searches, 8000)
    begin = messages.begin("x")
    rng = np.random.default_rng(0)
    for told, (name, one) in zip(begin["systems"], searches.items()):
        feats = rng.normal(size=(30, 39)).astype(np.float32)
        labels, posteriors = phone_posteriors(one.system, feats)
        message = messages.event(Rows(name, 7, one.system.scores(feats)))
        rows = np.frombuffer(base64.b64decode(message["bytes"]), np.uint8).reshape(len(posteriors), -1)
        order = [labels.index(phone) for phone in messages.order[name]]
        np.testing.assert_allclose(rows / 255, np.sqrt(posteriors[:, order]), atol=0.003)
        assert told["step"] == one.system.step / 100 and len(told["phones"]) == len(labels)
        assert sum(count for _, count in told["manners"]) == len(labels) == len(phone_labels(one.system))
        assert told["phones"][-1] == "·" and told["manners"][-1][0] == "silence"


def test_words_are_told_in_seconds_and_phones_in_ipa(experiment):
    messages = Messages(experiment.searches("gmm"), 8000)
    heard = Heard("gmm", 3, [Segment("CHECK", 10, 40)], 0, [Segment("EY", 10, 20), Segment("EH", 20, 30)], False)
    assert messages.event(heard) == {
        "kind": "heard",
        "system": "gmm",
        "piece": 3,
        "final": False,
        "settled": 0,
        "words": [("CHECK", 0.1075, 0.4075)],
        "phones": [("eɪ", 0.1075, 0.2075), ("ɛ", 0.2075, 0.3075)],
    }
