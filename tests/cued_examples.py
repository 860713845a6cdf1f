"""Made-up examples that give their function away, for tests of models that learn from words or from length."""

import numpy as np

from jianghua.models import Examples

WORDS = ["成绩突出值得表扬", "存在差距必须批评", "月底之前负责落实", "那天他在村口说过"]


def examples(config: str, count: int = 60, seed: int = 0, longer: int = 0, chance: float = 0.0) -> Examples:
    """As many texts of each function, told by their words and by `longer` characters more from one to the next.

    A share of `chance` of the labels is drawn, whatever the text.
    """
    rng = np.random.default_rng(seed)
    ids = np.arange(count) % 4
    texts = [WORDS[i] + "".join(rng.choice(list("天地人和工农商学"), 6 + longer * i)) for i in ids]
    ids = np.where(rng.random(count) < chance, rng.integers(0, 4, count), ids)
    return Examples(texts, ids if config == "primary" else np.eye(4, dtype=bool)[ids])
