"""Which device an encoder runs on, in which precision, on how many threads. Torch is imported only when it is asked.

On the CPU everything is fp32. On a CUDA device weights and optimiser are fp32 too, and a forward pass runs under
bf16 autocast where the hardware computes bf16 (compute capability 8.0, that is Ampere, and up).
"""

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext

from jianghua.schema import BadUsage, check_number


def check_device(name: str) -> None:
    """Refuse what is no device's name, and a CUDA device that is not there."""
    if not isinstance(name, str) or not re.fullmatch(r"auto|cpu|cuda(:[0-9]+)?", name):
        raise BadUsage(f"device={name}: device= takes auto, cpu, cuda or cuda:N")
    if not name.startswith("cuda"):
        return
    import torch

    if not torch.cuda.is_available():
        raise BadUsage(f"device={name}: PyTorch finds no CUDA device here; device=auto takes the CPU then")
    count = torch.cuda.device_count()
    if _number(name) >= count:
        raise BadUsage(f"device={name}: the last CUDA device here is cuda:{count - 1}")


def check_threads(threads: int | None) -> None:
    if threads is not None:
        check_number("threads", threads, 1, whole=True)


def _number(name: str) -> int:
    return int(name.partition(":")[2] or 0)


def choose_device(name: str):
    """The `torch.device` of a name: `auto` is the first CUDA device where there is one, else the CPU."""
    import torch

    check_device(name)
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    return torch.device("cuda", _number(name))


def computes_bf16(device) -> bool:
    """Whether `device` is a CUDA device whose hardware computes bf16; older ones only imitate it, slowly."""
    import torch

    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)


def forward_precision(device) -> AbstractContextManager:
    """The context of a forward pass on `device`: bf16 autocast, or nothing where it is fp32."""
    import torch

    return torch.autocast(device.type, torch.bfloat16) if computes_bf16(device) else nullcontext()


def device_name(device) -> str:
    """For `environment.json`: "cpu", or the CUDA device with its card and precision."""
    import torch

    if device.type == "cpu":
        return "cpu"
    return f"{device} ({torch.cuda.get_device_name(device)}, {'bf16' if computes_bf16(device) else 'fp32'})"


@contextmanager
def thread_count(number: int | None) -> Iterator[None]:
    """PyTorch on `number` threads for a while; None leaves it as it is, and unloaded."""
    if number is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


_pools = threading.RLock()


@contextmanager
def one_thread_each() -> Iterator[Callable]:
    """Gives a `map` that runs as many calls at a time as PyTorch has threads, each call on one thread only.

    So the bits of a result do not depend on the number of threads either. One pool at a time: PyTorch keeps one
    number of threads for all threads that are yet to start, and a second caller would take this pool's for its own.
    """
    import torch

    def take_one() -> None:
        torch.get_num_threads()  # a thread's first question takes over whatever number was set last, here or elsewhere
        torch.set_num_threads(1)

    with _pools:
        threads = torch.get_num_threads()
        pool = ThreadPoolExecutor(threads, initializer=take_one)
        try:
            yield pool.map
        finally:
            pool.shutdown(cancel_futures=True)  # after an interruption nobody waits for what has not begun
            torch.set_num_threads(threads)
