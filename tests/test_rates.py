"""The range test of learning rates: what it finds on losses whose course is known, and on a network that learns."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import torch
from test_ctc_train import TOKENS, synthetic

from pipeline.draw.rates_svg import rates_svg
from pipeline.neural.rates import MEMORY, Tried, least_of, range_test
from pipeline.neural.settings import TrainSettings
from pipeline.neural.train import Gradients, config_for, new_state

TINY = TrainSettings(width=16, layers=1, conv_layers=1, subsampling=2, batch_size=4, dropout=0.0)


def course(losses: list[float]) -> list[Tried]:
    """Losses at rates of 1e-5, 1e-4 and so on."""
    return [Tried(10.0 ** (number - 5), loss, loss) for number, loss in enumerate(losses)]


def test_a_network_learns_at_some_rates_and_not_at_the_lowest_or_highest():
    part, _ = synthetic(24, 1)
    device = torch.device("cpu")
    state = new_state(config_for(part, TOKENS, TINY), part, TINY, device)
    gradients = Gradients(state.model, part, TINY, device)
    with gradients.crew(1) as compute:
        tried = range_test(state, gradients, compute, 1e-5, 0.9, 60)
    rates, losses = ([getattr(one, name) for one in tried] for name in ("rate", "loss"))
    assert np.allclose(np.diff(np.log(rates)), math.log(0.9 / 1e-5) / 59)
    mean, expected = 0.0, []
    for number, loss in enumerate(losses, start=1):
        mean = MEMORY * mean + (1 - MEMORY) * loss
        expected.append(mean / (1 - MEMORY**number))
    assert [one.smooth for one in tried] == pytest.approx(expected)
    assert least_of(tried).smooth < 0.9 * tried[10].smooth  # nothing is learned at first
    assert 1e-4 < least_of(tried).rate < 0.9 and tried[-1].smooth > least_of(tried).smooth


def test_the_picture_is_one_and_holds_every_update():
    tried = course([5.0, 4.9, 4.0, 2.0, 1.5])
    root = ElementTree.fromstring("\n".join(rates_svg("a & b", tried, 3e-3)))
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{space}circle")) == len(tried)
    words = [text.text for text in root.findall(f"{space}text")]
    assert "in use" in words and "least" in words and any("a & b" in word for word in words if word)
    assert "in use" not in "".join(rates_svg("a", tried, 0.5))  # beyond the rates that were tried
