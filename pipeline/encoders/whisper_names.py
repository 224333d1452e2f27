"""The names that others give Whisper's parameters, turned into OpenAI's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import torch

State = dict[str, torch.Tensor]

# Hugging Face's transformers; applied in this order.
HUGGING_FACE = (
    (r"^model\.", ""),
    (r"\.layers\.", ".blocks."),
    (r"^encoder\.layer_norm\.", "encoder.ln_post."),
    (r"^decoder\.layer_norm\.", "decoder.ln."),
    (r"\.embed_tokens\.", ".token_embedding."),
    (r"\.embed_positions\.weight$", ".positional_embedding"),
    (r"\.final_layer_norm\.", ".mlp_ln."),
    (r"\.self_attn", ".attn"),
    (r"\.encoder_attn", ".cross_attn"),
    (r"attn_layer_norm\.", "attn_ln."),
    (r"\.([qkv])_proj\.", lambda found: f".{dict(q='query', k='key', v='value')[found[1]]}."),
    (r"\.out_proj\.", ".out."),
    (r"\.fc([12])\.", lambda found: f".mlp.{dict(zip('12', '02'))[found[1]]}."),
)
# CTranslate2, whose projections of one input are one array: into what the rows of it are taken apart.
CTRANSLATE2 = (
    (r"/gamma$", "/weight"),
    (r"/beta$", "/bias"),
    (r"/position_encodings/encodings$", "/positional_embedding"),
    (r"^decoder/embeddings/", "decoder/token_embedding/"),
    (r"^encoder/layer_norm/", "encoder/ln_post/"),
    (r"^decoder/layer_norm/", "decoder/ln/"),
    (r"/layer_(\d+)/", r"/blocks/\1/"),
    (r"/self_attention/layer_norm/", "/attn_ln/"),
    (r"/attention/layer_norm/", "/cross_attn_ln/"),
    (r"/ffn/layer_norm/", "/mlp_ln/"),
    (r"/ffn/linear_([01])/", lambda found: f"/mlp/{dict(zip('01', '02'))[found[1]]}/"),
    (r"/self_attention/linear_0/", "/attn/query+key+value/"),
    (r"/self_attention/linear_1/", "/attn/out/"),
    (r"/attention/linear_0/", "/cross_attn/query/"),
    (r"/attention/linear_1/", "/cross_attn/key+value/"),
    (r"/attention/linear_2/", "/cross_attn/out/"),
    (r"/", "."),
)


def from_hugging_face(arrays: Mapping[str, torch.Tensor]) -> State:
    """Parameters as OpenAI names them."""
    return {_renamed(name, HUGGING_FACE): array for name, array in arrays.items()}


def from_ctranslate2(arrays: Mapping[str, torch.Tensor]) -> State:
    """Parameters as OpenAI names them. Keys have no bias in Whisper; the one in the file is zero."""
    state = {}
    for name, array in arrays.items():
        name = _renamed(name, CTRANSLATE2)
        if not (found := re.fullmatch(r"(.*\.)([a-z]+(?:\+[a-z]+)+)(\..*)", name)):
            state[name] = array
            continue
        parts = found[2].split("+")
        for part, rows in zip(parts, array.tensor_split(len(parts))):
            if (part, found[3]) != ("key", ".bias"):
                state[found[1] + part + found[3]] = rows
    return state


def _renamed(name: str, rules: Iterable[tuple]) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name
