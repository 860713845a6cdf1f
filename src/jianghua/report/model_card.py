"""The card of a pre-trained encoder, from the records in its folder."""

import json
from pathlib import Path


def encoder_card(folder: Path, record: dict) -> str:
    """Markdown with front matter; `record` is what pre-training was run with, and its sources' counts."""
    curve = [json.loads(line) for line in (folder / "loss_curve.jsonl").read_text(encoding="utf-8").splitlines()]
    last = curve[-1]
    tokens = record["steps"] * record["batch_tokens"]
    size = (folder / "model.safetensors").stat().st_size / 1e6
    a = record["architecture"]
    rows = "\n".join(
        f"| {record['terms'][s['source']]} | {s['documents']:,} | {s['tokens']:,} | "
        f"{record['weights'][s['source']]:.0%} |"
        for s in record["sources"]
    )
    step = max(1, len(curve) // 12)
    lengths = ", ".join(f"{name} {n}" for name, n in record["sequence_length"].items())
    points = "\n".join(
        f"| {row['step']:,} | {row['loss']:.3f} | {row['set_loss']:.3f} |"
        for row in [*curve[step - 1 : -1 : step], last]
    )
    return f"""---
license: {record["license"]}
language:
- zh
library_name: transformers
pipeline_tag: fill-mask
---

# Jianghua mini: a small Chinese BERT for official speech

ModernBERT's architecture with global attention: {a["num_hidden_layers"]} layers, hidden size {a["hidden_size"]},
{a["num_attention_heads"]} heads, gated feed-forward {a["intermediate_size"]}; classifiers read the mean of all states.
{record["vocabulary"]:,} byte-pair entries (characters, words of up to four, Chinese quotes, dashes and the ellipsis),
{size:.1f} MB in fp16 (`"dtype": "float32"` in the configuration: it loads as fp32). Trained from scratch on CPU.

| text | terms | documents | tokens there | share of tokens seen |
| --- | --- | ---: | ---: | ---: |
{rows}

The weights' licence is that of the most demanding of these texts. No validation or test document of the benchmark was
read: the script refuses them by hash, and leaves out ritual sentences that train documents share with them.

**How.** Masked language modelling over spans of 1–4 tokens, {record["mask_share"]:.0%} of tokens, and with
weight {record["set_weight"]} the mean state naming the set of tokens of its sequence (cross-entropy); token
embeddings start from factorised co-occurrence counts; {record["steps"]:,} steps of at most
{record["batch_tokens"]:,} tokens (at most {tokens / 1e6:.1f} million in all), AdamW, peak learning rate
{record["learning_rate"]}, {record["warmup"]} steps of warm-up, linear decay, seed {record["seed"]};
{last["seconds"] / 60:.0f} minutes. Longest sequences, in tokens: {lengths}. {record["note"] or ""}

| step | masked tokens: training loss (mean of the 50 steps before) | token sets |
| ---: | ---: | ---: |
{points}

The whole curve stands in `loss_curve.jsonl`, the configuration in `pretraining.yaml`. What it is worth on the
benchmark, beside the same network from random weights, stands in the benchmark's README.

**Limits.** Small and briefly trained: a starting point for fine-tuning on official Chinese, not a general encoder.
It has seen the texts above and no others.
"""
