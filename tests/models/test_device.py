"""Which device a name means, and in which precision it computes."""

from contextlib import nullcontext
from threading import Barrier

import pytest
import torch

from jianghua.models import choose_device
from jianghua.models.device import computes_bf16, device_name, forward_precision, one_thread_each, thread_count
from jianghua.schema import BadUsage

CPU = torch.device("cpu")


@pytest.fixture
def cards(monkeypatch):
    """Pretend that so many CUDA devices of a compute capability are there."""

    def pretend(count, capability=(8, 0)):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a card")

    return pretend


def test_auto_is_the_first_card_where_there_is_one_else_the_cpu(cards):
    cards(0)
    assert choose_device("auto") == choose_device("cpu") == CPU
    cards(2)
    assert choose_device("auto") == choose_device("cuda") == choose_device("cuda:0") == torch.device("cuda", 0)
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    assert choose_device("cpu") == CPU


@pytest.mark.parametrize(
    ("count", "name", "says"),
    [
        (0, "cuda", "device=cuda: PyTorch finds no CUDA device here"),
        (0, "cuda:1", "device=cuda:1: PyTorch finds no CUDA device here"),
        (2, "cuda:2", "device=cuda:2: the last CUDA device here is cuda:1"),
        (2, "gpu", "device=gpu: device= takes auto, cpu, cuda or cuda:N"),
        (2, "cuda:-1", "device=cuda:-1: device= takes"),
        (2, "", "device=: device= takes"),
        (2, None, "device=None: device= takes"),
        (2, 0, "device=0: device= takes"),
    ],
)
def test_a_device_that_is_not_there_is_bad_usage_in_one_line(cards, count, name, says):
    cards(count)
    with pytest.raises(BadUsage) as caught:
        choose_device(name)
    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)


def test_only_a_card_that_computes_bf16_is_given_it(cards):
    assert isinstance(forward_precision(CPU), nullcontext)
    assert device_name(CPU) == "cpu"
    card = torch.device("cuda", 0)
    cards(1, (7, 5))
    assert not computes_bf16(card)
    assert isinstance(forward_precision(card), nullcontext)
    assert device_name(card) == "cuda:0 (a card, fp32)"
    cards(1, (9, 0))
    assert computes_bf16(card)
    assert device_name(card) == "cuda:0 (a card, bf16)"


def test_a_pool_keeps_to_one_thread_each_whatever_number_is_set_before_its_threads_first_use_torch():
    both = Barrier(2)

    def threads_seen(started_only):
        both.wait(60)  # so that both of the pool's threads take a call
        return None if started_only else torch.get_num_threads()

    with thread_count(2), one_thread_each() as each:
        list(each(threads_seen, [True, True]))
        torch.set_num_threads(2)
        assert list(each(threads_seen, [False, False])) == [1, 1]
