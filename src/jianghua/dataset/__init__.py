"""Splits, near-duplicates, the build, its card, and the guard that keeps test text out of training."""

from jianghua.dataset.build import BUILD_MARKS, Build, build, index_fingerprint, index_rows, write_build
from jianghua.dataset.card import between_marks
from jianghua.dataset.duplicates import near_duplicates
from jianghua.dataset.freeze import fixed_packet, freeze_public, freeze_splits
from jianghua.dataset.guard import heldout_hashes, refuse_heldout, without_heldout
from jianghua.dataset.load import Loaded, index_as_build, load_build, read_index, train_documents
from jianghua.dataset.sources import read_manifests, read_splits
from jianghua.dataset.splits import assign_splits

__all__ = [
    "BUILD_MARKS",
    "Build",
    "Loaded",
    "assign_splits",
    "between_marks",
    "build",
    "fixed_packet",
    "freeze_public",
    "freeze_splits",
    "heldout_hashes",
    "index_as_build",
    "index_fingerprint",
    "index_rows",
    "load_build",
    "near_duplicates",
    "read_index",
    "read_manifests",
    "read_splits",
    "refuse_heldout",
    "train_documents",
    "without_heldout",
    "write_build",
]
