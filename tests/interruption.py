"""A run that ends in the middle, as one that is killed."""

from collections.abc import Callable


class Stop(BaseException):
    """What ends a run in the middle."""


def stop_when(condition: Callable[[dict], bool]) -> Callable[[dict], None]:
    """A progress function that raises `Stop` at the first row of which `condition` holds."""

    def stop(row: dict) -> None:
        if condition(row):
            raise Stop

    return stop
