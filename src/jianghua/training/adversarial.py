"""A second look at a batch where it is harder: its token embeddings moved to where the loss is higher (FGM).

Miyato et al. 2017, §3: the perturbation is the gradient with regard to the embeddings, scaled to a fixed length. As
is usual with BERT it is the weights of the embeddings that are moved, all places of a token alike, and these are not
normalised first: a fine-tuning is too short to escape the step by making them longer.
"""

from collections.abc import Callable, Sequence

import torch

from jianghua.models.device import thread_count


def add_adversarial_pass(
    gradients: Callable[[], object], parameters: Sequence[torch.nn.Parameter], weight: torch.nn.Parameter, step: float
) -> None:
    """Make the gradients of `parameters` the mean of those they have and those that `gradients()` sets where `weight`,
    the token embeddings (tokens, hidden), is moved by `step` along its own gradient.

    `weight` is afterwards what it was, to the bit. Nothing is done where it has no gradient.
    """
    first = [parameter.grad for parameter in parameters]
    rows = weight.grad.any(1).nonzero()[:, 0]
    towards = weight.grad[rows]
    with thread_count(1):  # a sum's bits depend on their number
        length = float(towards.norm())
    if not length:  # also where the squares of what is there are too small for fp32
        return
    with torch.no_grad():
        kept = weight[rows]
        weight[rows] = kept + towards * (step / length)
    for parameter in parameters:
        parameter.grad = None
    gradients()
    with torch.no_grad():
        weight[rows] = kept
        for parameter, before in zip(parameters, first, strict=True):
            if before is not None and parameter.grad is not None:
                parameter.grad.add_(before).mul_(0.5)
