"""transformers and the Hub's client without bars, load reports and words on retries: what matters is said by us."""

import logging


def quiet_transformers() -> None:
    from transformers.utils import logging as of_transformers

    of_transformers.set_verbosity_error()
    of_transformers.disable_progress_bar()
    # by its name, since this room does not import the client; it has set its own level by now, transformers needs it
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
