"""A head start for token embeddings: factorised co-occurrence counts instead of random numbers.

A small BERT spends its first millions of tokens on the plateau where every masked token gets its
unigram frequency. Embeddings that already know which characters keep company leave that plateau in
the first hundred steps, for ten seconds of counting and a truncated SVD.
"""

from collections.abc import Iterable

import numpy as np

OFFSETS = (1, 2)
DEVIATION = 0.04


def cooccurrence_embeddings(
    sequences: Iterable[np.ndarray], vocabulary: int, width: int, *, seed: int = 0
) -> np.ndarray:
    """(vocabulary, width) embeddings with standard deviation 0.04.

    Positive pointwise mutual information with the tokens one and two places to the left and to the
    right, each place a block of columns, context counts smoothed by 0.75, then U·√S of a truncated
    SVD (Levy & Goldberg 2014, §3; Levy, Goldberg & Dagan 2015, §3.2–3.3).
    """
    import scipy.sparse as sparse
    from sklearn.utils.extmath import randomized_svd

    row = np.concatenate([np.asarray(s, dtype=np.int64) for s in sequences])
    blocks = []
    for offset in OFFSETS:
        pairs, counts = np.unique(row[:-offset] * vocabulary + row[offset:], return_counts=True)
        places = (pairs // vocabulary, pairs % vocabulary)
        right = sparse.csr_matrix((counts.astype(float), places), shape=(vocabulary, vocabulary))
        blocks += [_positive_pmi(right), _positive_pmi(right.T.tocsr())]
    left, scale, _ = randomized_svd(sparse.hstack(blocks).tocsr(), width, n_iter=3, random_state=seed)
    embeddings = left * np.sqrt(scale)
    embeddings -= embeddings.mean(0)
    return (embeddings / embeddings.std() * DEVIATION).astype(np.float32)


def _positive_pmi(counts):
    import scipy.sparse as sparse

    totals = np.asarray(counts.sum(1)).ravel()
    context = np.asarray(counts.sum(0)).ravel() ** 0.75
    context /= context.sum()
    cells = counts.tocoo()
    values = np.log(cells.data / (totals[cells.row] * context[cells.col]))
    return sparse.csr_matrix((np.maximum(values, 0), (cells.row, cells.col)), shape=counts.shape)
