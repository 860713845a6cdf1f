"""Nothing padded: a batch of paragraphs as one row of tokens, attention within each paragraph.

Built on transformers' own seams (`AttentionInterface`, `AttentionMaskInterface`, `position_ids`), so
that an encoder runs with its own code and weights. Every linear layer sees the real tokens only;
positions restart with each paragraph; the attention function splits the row and runs PyTorch's
scaled dot-product attention a paragraph.

Batch invariance: a linear layer gives a row the same bits wherever it stands from `SAFE_ROWS` rows
on, so fewer rows are never computed (measured: 12; 16 for safety). Attention of one paragraph sees
nothing of the others. Hence, at one thread count, the same text gives the same bits in any batch.
"""

import torch
from torch.nn import functional
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

SAFE_ROWS = 16
NAME = "jianghua_flat"
# architectures whose encoder takes position ids, and whose head reads the first token's state
FLAT_ARCHITECTURES = {"bert", "ernie", "roberta", "xlm-roberta", "electra", "modernbert"}


def _band(tokens: int, window: int | None, device) -> torch.Tensor | None:
    """Which tokens see which in a layer that looks `window` tokens far; None where all see all."""
    if window is None or tokens <= window:
        return None
    place = torch.arange(tokens, device=device)
    return (place[:, None] - place[None]).abs() < window


def _attention(
    module, query, key, value, attention_mask, scaling=None, dropout=0.0, lengths=None, sliding_window=None, **kwargs
):
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


def runs_flat(model: torch.nn.Module) -> bool:
    """Whether the flat path knows the architecture; others take padded batches."""
    return model.config.model_type in FLAT_ARCHITECTURES


def use_flat(model: torch.nn.Module) -> None:
    """Switch a model to the flat attention; `model.config` is otherwise untouched."""
    model.set_attn_implementation(NAME)


def token_states(model: torch.nn.Module, sequences: list[torch.Tensor]) -> tuple[torch.Tensor, list[int]]:
    """Last hidden states (tokens, hidden) of `sequences` of token ids in one row, and their lengths."""
    lengths = [len(sequence) for sequence in sequences]
    row = torch.cat(sequences)
    short = SAFE_ROWS - len(row)
    if short > 0:  # a filler paragraph of its own: no other token attends to it
        filler = row.new_full((short,), model.config.pad_token_id or 0)
        row, lengths = torch.cat([row, filler]), [*lengths, short]
    first = model.config.pad_token_id + 1 if "roberta" in model.config.model_type else 0
    positions = torch.cat([torch.arange(first, first + n) for n in lengths]).to(row.device)
    output = model.base_model(input_ids=row[None], position_ids=positions[None], lengths=lengths)
    return output.last_hidden_state[0], lengths


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
