"""transformers without its bars and load reports: what matters is said by us."""


def quiet_transformers() -> None:
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
