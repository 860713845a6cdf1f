"""Nothing padded: a batch of paragraphs as one row of tokens, attention within each paragraph.

Built on transformers' own seams (`AttentionInterface`, `AttentionMaskInterface`, `position_ids`), so
that an encoder runs with its own code and weights. Every linear layer sees the real tokens only;
positions restart with each paragraph; the attention function splits the row and runs PyTorch's
scaled dot-product attention a paragraph. On a CUDA device that computes in bf16 or fp16, and with no
dropout in attention, one call of PyTorch's variable-length attention takes all paragraphs instead.

Batch invariance: on the CPU a linear layer gives a row the same bits wherever it stands from `SAFE_ROWS`
rows on, so fewer rows are never computed (measured: 4 on one thread, 12 on two; 16 for safety). Attention
of one paragraph sees nothing of the others. Hence the same text gives the same bits in any batch, and, as
inference leaves each batch to one thread, at any number of threads. None of this is promised on a GPU,
whose libraries choose other sums for other shapes.
"""

import functools
from collections.abc import Callable
from itertools import accumulate

import torch
from torch.nn import functional
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

from jianghua.models.device import computes_bf16

SAFE_ROWS = 16
NAME = "jianghua_flat"
HALVES = (torch.bfloat16, torch.float16)  # what FlashAttention computes in
# architectures whose encoder takes position ids, and whose head reads the first token's state or the mean of all
FLAT_ARCHITECTURES = {"bert", "ernie", "roberta", "xlm-roberta", "electra", "modernbert"}


def _band(tokens: int, window: int | None, device) -> torch.Tensor | None:
    """Which tokens see which in a layer that looks `window` tokens far; None where all see all."""
    if window is None or tokens <= window:
        return None
    place = torch.arange(tokens, device=device)
    return (place[:, None] - place[None]).abs() < window


@functools.cache
def _varlen(device: torch.device) -> Callable | None:
    """PyTorch's attention over paragraphs of any lengths in one call, if `device` runs it."""
    # AMD's builds call their devices CUDA too, and before 2.13 the call is missing or knows no windows
    built = torch.version.cuda and torch.__version__ >= "2.13" and torch.backends.cuda.is_flash_attention_available()
    if not built or not computes_bf16(device):
        return None
    from torch.nn.attention.varlen import varlen_attn  # here, since it brings in PyTorch's compiler

    return varlen_attn


def _attention(
    module,
    query,
    key,
    value,
    attention_mask,
    scaling=None,
    dropout=0.0,
    lengths=None,
    bounds=None,
    sliding_window=None,
    **kwargs,
):
    size = query.shape[-1]
    if bounds is not None and not dropout and value.dtype in HALVES and size % 8 == 0 and size <= 256:
        # to (tokens, heads, head size); query and key may have left their positions in fp32
        q, k, v = (states[0].transpose(0, 1).to(value.dtype) for states in (query, key, value))
        # here the distance itself is allowed, in `_band` it is the first that is not
        reach = -1 if sliding_window is None else sliding_window - 1
        most, attend = max(lengths), _varlen(query.device)
        return attend(q, k, v, bounds, bounds, most, most, scale=scaling, window_size=(reach, reach))[None], None
    # query: (1, heads, tokens, head size); splitting is a view, so nothing is copied before SDPA
    outputs = [
        functional.scaled_dot_product_attention(
            q, k, v, _band(q.shape[2], sliding_window, q.device), dropout_p=dropout, scale=scaling
        )
        for q, k, v in zip(
            query.split(lengths, dim=2), key.split(lengths, dim=2), value.split(lengths, dim=2), strict=True
        )
    ]
    joined = torch.cat([output.transpose(1, 2) for output in outputs], dim=1)
    return joined, None


AttentionInterface.register(NAME, _attention)
AttentionMaskInterface.register(NAME, lambda *args, **kwargs: None)


def use_flat(model: torch.nn.Module) -> None:
    """Switch a model to the flat attention; `model.config` is otherwise untouched."""
    model.set_attn_implementation(NAME)


def token_states(model: torch.nn.Module, sequences: list[torch.Tensor]) -> tuple[torch.Tensor, list[int]]:
    """Last hidden states (tokens, hidden) of `sequences` of token ids in one row, and their lengths.

    `sequences` may lie on another device than the model, whose device the states are on.
    """
    device = model.device
    lengths = [len(sequence) for sequence in sequences]
    row = torch.cat(sequences)
    short = SAFE_ROWS - len(row)
    if short > 0:  # a filler paragraph of its own: no other token attends to it
        filler = row.new_full((short,), model.config.pad_token_id or 0)
        row, lengths = torch.cat([row, filler]), [*lengths, short]
    positions = torch.cat([_positions(piece, model.config) for piece in row.split(lengths)]).to(device)
    bounds = None
    if _varlen(device):  # where each paragraph begins, and where the last one ends
        bounds = torch.tensor([0, *accumulate(lengths)], dtype=torch.int32, device=device)
    output = model.base_model(
        input_ids=row.to(device)[None], position_ids=positions[None], lengths=lengths, bounds=bounds
    )
    return output.last_hidden_state[0], lengths


def _positions(sequence: torch.Tensor, config) -> torch.Tensor:
    """Positions (tokens,) of one text, as its architecture counts them."""
    if "roberta" not in config.model_type:
        return torch.arange(len(sequence))
    real = sequence != config.pad_token_id  # a text may spell the token out, and is then read with a gap
    return real.cumsum(0) * real + config.pad_token_id


def classify(model: torch.nn.Module, sequences: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (paragraphs, labels) of a sequence classifier, through its own pooler and head, and all
    tokens' states (tokens, hidden) in the order of `sequences`.
    """
    states, lengths = token_states(model, sequences)
    starts = torch.tensor([0, *lengths[: len(sequences) - 1]]).cumsum(0).to(states.device)
    if getattr(model.config, "classifier_pooling", "cls") == "mean":
        first = torch.stack([piece.mean(0) for piece in states.split(lengths)[: len(sequences)]])
    else:
        first = states[starts]
    missing = SAFE_ROWS - len(first)
    if missing > 0:
        first = torch.cat([first, first.new_zeros(missing, first.shape[1])])
    if getattr(model.base_model, "pooler", None) is not None:
        logits = model.classifier(model.dropout(model.base_model.pooler(first[:, None])))
    elif model.config.model_type == "modernbert":
        logits = model.classifier(model.drop(model.head(first)))
    else:  # RoBERTa's and ELECTRA's heads pick the first token themselves
        logits = model.classifier(first[:, None])
    return logits[: len(sequences)], states[: sum(map(len, sequences))]
