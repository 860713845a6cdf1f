"""The second pass of a step: gradients where the token embeddings are moved, and nothing left of the move."""

import pytest
import torch

from jianghua.training.adversarial import add_adversarial_pass


class Model(torch.nn.Module):
    """A loss that is no plane in the embeddings of its tokens 1 and 3."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(2)
        self.embeddings = torch.nn.Embedding(5, 3)
        self.layer = torch.nn.Linear(3, 1)

    def gradients(self):
        loss = self.layer(self.embeddings(torch.tensor([1, 3]))).exp().sum()
        loss.backward()
        return loss


def gradients_of(model):
    return [parameter.grad.clone() for parameter in model.parameters()]


def test_gradients_are_the_mean_of_both_places_and_the_embeddings_are_moved_by_the_step():
    model, step = Model(), 0.7
    model.gradients()
    here = gradients_of(model)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    seen = []

    def again():
        seen.append(model.embeddings.weight.detach().clone())
        return model.gradients()

    add_adversarial_pass(again, list(model.parameters()), model.embeddings.weight, step)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), before, strict=True))
    (moved,) = seen
    move = moved - before[0]
    assert move.norm().item() == pytest.approx(step)
    assert torch.allclose(move / step, here[0] / here[0].norm(), atol=1e-6)
    other = Model()
    with torch.no_grad():
        other.embeddings.weight.copy_(moved)
    other.gradients()
    for found, one, two in zip(gradients_of(model), here, gradients_of(other), strict=True):
        assert torch.allclose(found, (one + two) / 2, atol=1e-6)
    assert model.gradients() < other.gradients()  # it was moved to where the loss is higher


@pytest.mark.parametrize("size", [0.0, 1e-30], ids=["none", "too small for its squares"])
def test_embeddings_without_a_gradient_are_left_alone_and_cost_no_second_pass(size):
    model, called = Model(), []
    model.gradients()
    model.embeddings.weight.grad.fill_(size)
    before = gradients_of(model)
    add_adversarial_pass(lambda: called.append(1), list(model.parameters()), model.embeddings.weight, 1.0)
    assert called == []
    assert all(torch.equal(a, b) for a, b in zip(gradients_of(model), before, strict=True))
