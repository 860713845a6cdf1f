"""Every document's split, once and for all.

A document that has a split keeps it; a new one is put where its source is furthest below its
quota, dealing round-robin through the strata so that each part sees every kind of document. The
order inside a stratum is that of a hash of the document's id: nobody chooses.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from jianghua.schema import SPLITS

QUOTAS = {
    "constructed": {"train": 0.70, "validation": 0.10, "test": 0.20},
    "public": {"train": 0.50, "validation": 0.10, "test": 0.40},
}


def _order(doc_id: str) -> str:
    return hashlib.sha256(f"jianghua-splits:{doc_id}".encode()).hexdigest()


def assign_splits(frozen: Mapping[str, str], documents: Sequence[tuple[str, str, str]]) -> dict[str, str]:
    """Split of every document: `frozen` as it stands, new ones added; `documents` are (doc_id, source, stratum)."""
    splits = dict(frozen)
    for source, quota in QUOTAS.items():
        counts: Counter = Counter()
        by_stratum: dict[str, Counter] = defaultdict(Counter)
        new = []
        for doc_id, doc_source, stratum in documents:
            if doc_source != source:
                continue
            if doc_id in frozen:
                counts[frozen[doc_id]] += 1
                by_stratum[stratum][frozen[doc_id]] += 1
            else:
                new.append((stratum, _order(doc_id), doc_id))
        for stratum, _, doc_id in sorted(new):
            total = sum(counts.values()) + 1
            within = by_stratum[stratum]
            here = sum(within.values()) + 1
            # what is missing over all documents and what is missing in the stratum count alike: quotas then
            # hold to within one document, and strata nearly so
            split = max(
                SPLITS,
                key=lambda s: (quota[s] * total - counts[s]) + (quota[s] * here - within[s]),
            )
            counts[split] += 1
            within[split] += 1
            splits[doc_id] = split
    return splits
