"""Votes on paragraphs: to and from annotation tools, agreement, and aggregation to gold.

    paragraphs ──export_tasks──▶ Label Studio, doccano, jsonl ──read_answers, add_votes──▶ PROTOCOL.jsonl
    read_votes ──agreement_report──▶ alpha, confusion; ──disputes──▶ the adjudication queue
    read_votes, read_adjudicated ──aggregate──▶ gold and what is still open

What annotators are told stands in data/GUIDELINES.md.
"""

from jianghua.annotate.agreement import Agreement, Dispute, against_gold, agreement_report, disputes, krippendorff_alpha
from jianghua.annotate.exchange import FORMATS, add_votes, export_tasks, read_answers, read_paragraphs
from jianghua.annotate.gold import Adjudication, Aggregate, Gold, aggregate, read_adjudicated
from jianghua.annotate.names import parse_label
from jianghua.annotate.packet import choose, own_ids, read_packet, write_packet
from jianghua.annotate.sentences import split_sentences
from jianghua.annotate.votes import (
    check_spans,
    current_votes,
    doc_id_of,
    label_of_spans,
    newest_round,
    read_annotators,
    read_sources,
    read_votes,
    standard_slices,
)

__all__ = [
    "FORMATS",
    "Adjudication",
    "Aggregate",
    "Agreement",
    "Dispute",
    "Gold",
    "add_votes",
    "against_gold",
    "aggregate",
    "agreement_report",
    "check_spans",
    "choose",
    "current_votes",
    "disputes",
    "doc_id_of",
    "export_tasks",
    "krippendorff_alpha",
    "label_of_spans",
    "newest_round",
    "own_ids",
    "parse_label",
    "read_adjudicated",
    "read_annotators",
    "read_answers",
    "read_packet",
    "read_paragraphs",
    "read_sources",
    "read_votes",
    "split_sentences",
    "standard_slices",
    "write_packet",
]
