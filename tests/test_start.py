"""Weights of another network to begin with: what fits is taken, what does not is left, and training goes on as ever."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from test_ctc_train import CPU, TINY, TOKENS, parts, synthetic  # noqa: F401  # a fixture

from lexicon.errors import UserError
from pipeline.neural.model import save_model
from pipeline.neural.start import begin_with
from pipeline.neural.train import config_for, finish, new_state, train

FEW = replace(TINY, epochs=6)


@pytest.fixture(scope="module")
def trained(parts, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:  # noqa: F811
    """A model that has learned, and its dev PER."""
    folder = tmp_path_factory.mktemp("trained")
    state = train(*parts[:2], TOKENS, FEW, parts[2], folder, CPU)
    save_model(folder, *finish(state, parts[0], TOKENS, FEW, CPU))
    return folder, state.best_per


def test_it_goes_on_from_where_the_other_was(parts, trained, tmp_path: Path):  # noqa: F811
    folder, per = trained
    settings = replace(FEW, epochs=1, learning_rate=1e-5, init=str(folder))
    state = train(*parts[:2], TOKENS, settings, parts[2], tmp_path / "again", CPU)
    fresh = train(*parts[:2], TOKENS, replace(settings, init=""), parts[2], tmp_path / "fresh", CPU)
    assert per < 60 and abs(state.best_per - per) < 10 < fresh.best_per - per
    assert state.history[0].loss < 0.7 * fresh.history[0].loss


def test_rows_of_the_output_are_those_of_the_same_tokens(parts, trained):  # noqa: F811
    part, tokens = parts[0], ["<blk>", "T", "Z", "AH", "B", "M"]
    source, target = (
        new_state(config_for(part, names, FEW), part, replace(FEW, seed=7), CPU).model for names in (TOKENS, tokens)
    )
    before = {name: value.clone() for name, value in target.state_dict().items()}
    begin_with(source, TOKENS, (), str(trained[0]))
    begin_with(target, tokens, (), str(trained[0]))
    for row, token in enumerate(tokens):
        wanted = source.output.weight[TOKENS.index(token)] if token in TOKENS else before["output.weight"][row]
        torch.testing.assert_close(target.output.weight[row], wanted, rtol=0, atol=0)
    for name, value in target.state_dict().items():
        same = torch.equal(value, before[name])
        assert same == name.startswith(("mean", "deviation")) or name.startswith("output."), name
        if not name.startswith("output."):
            assert torch.equal(value, source.state_dict()[name])


def test_layers_that_fit_are_taken_and_if_none_does_it_says_so(parts, trained):  # noqa: F811
    part = parts[0]
    deeper = new_state(config_for(part, TOKENS, replace(FEW, layers=2)), part, FEW, CPU).model
    begin_with(deeper, TOKENS, (), str(trained[0]))
    wider = new_state(config_for(part, TOKENS, replace(FEW, width=24)), part, FEW, CPU).model
    with pytest.raises(UserError, match="none of its layers fits conv-bilstm of width 24; .* or leave --init out"):
        begin_with(wider, TOKENS, (), str(trained[0]))
    with pytest.raises(UserError, match="nowhere.*no such model"):
        begin_with(wider, TOKENS, (), str(trained[0] / "nowhere"))


def test_a_run_with_other_weights_to_begin_with_is_another_run(parts, trained, tmp_path: Path):  # noqa: F811
    settings = replace(FEW, epochs=2, init=str(trained[0]))
    whole = train(*parts[:2], TOKENS, settings, parts[2], tmp_path, CPU)
    other = train(*parts[:2], TOKENS, replace(settings, init=""), parts[2], tmp_path, CPU)
    assert other.history[0].loss > whole.history[0].loss  # the checkpoint that was there is not its own
    assert np.isfinite(other.best_per)
