"""A network with its front end as one ONNX file, which runs without PyTorch and without phonoscope."""

from __future__ import annotations

import contextlib
import copy
import importlib
import logging
import warnings
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from lexicon.errors import UserError
from pipeline.neural.front_end import SoundFrontEnd
from pipeline.neural.model import CtcModel, RecurrentStack
from pipeline.sound.front_end import FrontEnd
from pipeline.times.clock import FRAME_LENGTH_MS, FRAME_SHIFT_MS

OPSET = 18  # of ONNX 1.13, end of 2022: what older programs read as well
INSTALL = ".venv/bin/pip install onnxscript==0.7.2"  # as pyproject.toml has it


class Listener(nn.Module):
    """Samples (N,) float32 in [-1, 1] -> log posteriors (T', V) float32, of a recording as a whole. Where the network
    is recurrent, this is for export alone."""

    def __init__(self, front_end: FrontEnd, model: CtcModel):
        super().__init__()
        self.front_end, self.encoder = SoundFrontEnd(front_end), copy.deepcopy(model.encoder)
        if isinstance(stack := self.encoder.stack, RecurrentStack):
            stack.onward, stack.inverse = (
                nn.ModuleList(OnnxRecurrent(layer) for layer in layers if isinstance(layer, nn.RNNBase))
                for layers in (stack.onward, stack.inverse)
            )

    def forward(self, samples: Tensor) -> Tensor:
        feats = self.front_end(samples)[None]
        columns, _ = self.encoder(feats, torch.ones_like(feats[:, :, 0]).sum(1).long())
        return self.encoder.parted(columns[0])[0]


class OnnxRecurrent(nn.Module):
    """A layer of PyTorch's LSTM or GRU as ONNX's operator, which PyTorch's exporter does not write for any length.

    The operator has the gates in an order of its own (ONNX Operator Schemas, LSTM and GRU).
    """

    weight_ih_l0: Tensor
    weight_hh_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def __init__(self, layer: nn.RNNBase):
        super().__init__()
        self.mode, self.width = layer.mode, layer.hidden_size  # "LSTM" or "GRU"
        # PyTorch's gates: of an LSTM input, forget, cell, output; of a GRU reset, update, new.
        order = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2)}[self.mode]
        for name, weights in layer.named_parameters():
            gates = weights.detach().chunk(len(order))
            self.register_buffer(name, torch.cat([gates[gate] for gate in order])[None])

    def forward(self, x: Tensor) -> tuple[Tensor]:  # (B, T, C) -> (B, T, width), first of a tuple as PyTorch's
        bias = torch.cat([self.bias_ih_l0, self.bias_hh_l0], 1)
        rows = torch.onnx.ops.symbolic(
            self.mode,
            (x.transpose(0, 1), self.weight_ih_l0, self.weight_hh_l0, bias),
            {"hidden_size": self.width, **({"linear_before_reset": 1} if self.mode == "GRU" else {})},
            dtype=x.dtype,
            shape=(x.shape[1], 1, x.shape[0], self.width),
        )
        return (rows[:, 0].transpose(0, 1),)


def to_onnx(front_end: FrontEnd, model: CtcModel) -> bytes:
    """An ONNX file: input ``samples`` (N,) float32 in [-1, 1], at least a frame of 25 ms, as `Listener` takes them;
    output ``log_posteriors`` (T', V) float32, of phones (what a network spells from is left out).

    Its metadata are text: ``sample_rate`` in Hz; ``tokens``, the columns, blank first, with spaces between them;
    ``log_prior``, natural, one number for each; ``frame_shift_ms`` between rows, and ``first_frame_ms``, where the
    first is centred. UserError if the front end or the encoder cannot be part of it, or a package is missing.
    """
    if model.encoder.config.encoder == "emformer":
        raise UserError("an emformer cannot be written as ONNX, for its masks are of one length; use another --encoder")
    for package in ("onnx", "onnxscript"):
        try:
            importlib.import_module(package)  # optional, and slow
        except ImportError:
            raise UserError(f"ONNX needs {package}; run: {INSTALL}") from None
    listener = Listener(front_end, model).eval()
    second = torch.randn(front_end.raw.sample_rate, generator=torch.Generator().manual_seed(0))
    with _quiet():
        program = torch.onnx.export(
            listener,
            (second / 10,),
            input_names=["samples"],
            output_names=["log_posteriors"],
            dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    for node in program.model.graph:
        node.metadata_props.clear()  # where in this project and on this machine each operation comes from
    program.model.metadata_props.update(
        sample_rate=str(front_end.raw.sample_rate),
        tokens=" ".join(model.tokens),
        log_prior=" ".join(f"{value:.8g}" for value in model.encoder.parted(model.log_prior)[0]),
        frame_shift_ms=f"{FRAME_SHIFT_MS * front_end.step * model.subsampling:g}",
        first_frame_ms=f"{FRAME_LENGTH_MS / 2:g}",
    )
    return program.model_proto.SerializeToString()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what PyTorch's exporter says of packages and of itself that nobody here can change."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
