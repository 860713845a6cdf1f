"""Model cards: of a pre-trained encoder, from the records in its folder, and of a fine-tuned run, from its scores."""

import json
from collections.abc import Mapping
from pathlib import Path

from jianghua.files import read_jsonl
from jianghua.report.tables import describe_part, markdown_table, score_cells, score_columns
from jianghua.schema import LABELS, LABELS_ZH


def stages_of(record: dict) -> list[dict]:
    """The records of a pre-training and of those it went on from, the first one first."""
    return [*(stages_of(record["before"]) if record.get("before") else []), record]


def _stage(record: dict) -> str:
    texts = ", ".join(f"{name} {share:.0%}" for name, share in record["weights"].items())
    documents = ", ".join(f"{s['documents']:,}" for s in record["sources"])
    return (
        f"{record['steps']:,} steps of at most {record['batch_tokens']:,} tokens\n({texts} of them, from {documents} "
        f"documents), AdamW, peak learning rate {record['learning_rate']},\n{record['warmup']} steps of warm-up, "
        f"linear decay, seed {record['seed']}"
    )


def encoder_card(folder: Path, record: dict) -> str:
    """Markdown with front matter; `record` is what pre-training was run with, and its sources' counts."""
    curve = read_jsonl(folder / "loss_curve.jsonl")
    last = curve[-1]
    stages = stages_of(record)
    tokens = sum(stage["steps"] * stage["batch_tokens"] for stage in stages)
    seen = {
        name: sum(stage["steps"] * stage["batch_tokens"] * stage["weights"].get(name, 0) for stage in stages)
        for name in record["weights"]
    }
    how = ";\nthen, with the same vocabulary and a new head for the sets, ".join(map(_stage, stages))
    size = (folder / "model.safetensors").stat().st_size / 1e6
    a = record["architecture"]
    rows = "\n".join(
        f"| {record['terms'][s['source']]} | {s['documents']:,} | {s['tokens']:,} | {seen[s['source']] / tokens:.0%} |"
        for s in record["sources"]
    )
    step = max(1, len(curve) // 12)
    cpu = f" ({last['cpu_seconds'] / 3600:.1f} hours of CPU time)" if "cpu_seconds" in last else ""
    device = "CPU" if record.get("device", "cpu") == "cpu" else "a GPU"
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
{record["vocabulary"]:,} byte-pair entries (characters, words of up to four characters, Chinese quotes, dashes, the
ellipsis), {size:.1f} MB in fp16 (`"dtype": "float32"` in the configuration: it loads as fp32). Trained from scratch
on {device}.

| text | terms | documents | tokens there | share of tokens seen |
| --- | --- | ---: | ---: | ---: |
{rows}

The weights' licence is that of the most demanding of these texts. No validation or test document of the benchmark was
read: the script refuses them by hash, and leaves out ritual paragraphs that train documents share with them.

**How.** Masked language modelling over spans of 1–4 tokens, {record["mask_share"]:.0%} of tokens, and with
weight {record["set_weight"]} a bag-of-words task: the mean state tells which tokens its sequence holds (cross-entropy);
token embeddings start from factorised co-occurrence counts; {how}.
At most {tokens / 1e6:.1f} million tokens and {last["seconds"] / 60:.0f} minutes{cpu} in all.
Longest sequences, in tokens: {lengths}. {record["note"] or ""}

| step | masked tokens: training loss (mean of the 50 steps before) | token sets |
| ---: | ---: | ---: |
{points}

The whole curve stands in `loss_curve.jsonl`, the configuration in `pretraining.yaml`. What it is worth on the
benchmark, beside the same network from random weights, stands in the benchmark's README; other networks and tasks
that were tried, in the tables of trials in `benchmarks/README.md`.

**Limits.** Small and briefly trained: a starting point for fine-tuning on official Chinese, not a general encoder.
It has seen the texts above and no others.
"""


def model_index(name: str, metrics: dict, dataset: Mapping) -> list[dict]:
    """`model-index` of a card's metadata (as `huggingface_hub.EvalResult` reads it): the scores that the Hub shows.

    `metrics` is a run's `metrics.json`; `dataset` says `repo_id`, `revision`, `config` and `build`. One result a
    test part; a score that is undefined is left out.
    """
    results = []
    for part, scores in metrics["split"].items():
        if not part.startswith("test"):
            continue
        wanted = [("f1", "macro-F1", scores["macro_f1"]), ("f1", "headline macro-F1", scores.get("headline_macro_f1"))]
        overall = "accuracy" if dataset["config"] == "primary" else "exact_match"
        wanted.append((overall, overall.replace("_", " "), scores.get(overall)))
        wanted += [("f1", f"F1 of {label}", scores["per_class"][label]["f1"]) for label in LABELS]
        found = [
            {"type": kind, "name": title, "value": round(score["value"], 4)}
            for kind, title, score in wanted
            if score and score["value"] is not None
        ]
        if not found:
            continue
        where = {"name": f"Jianghua, {dataset['build']} build, {part}", "type": dataset["repo_id"]}
        where |= {"config": dataset["config"], "split": "test", "revision": dataset["revision"]}
        task = {"type": "text-classification", "name": "functions of paragraphs in officials' speeches"}
        results.append({"task": task, "dataset": where, "metrics": found})
    return [{"name": name, "results": results}]


def run_card(repo_id: str, record: dict, metrics: dict, dataset: Mapping, license: str, thresholds) -> str:
    """Markdown with front matter of a fine-tuned run: use, scores with intervals, what it was trained on.

    `record` is its `environment.json`, `metrics` its `metrics.json`; `dataset` as for `model_index`, with the
    `fingerprint` and, if only a part was used, the `subset`. Scores are shown as stored, never computed again.
    """
    import yaml

    config = dataset["config"]
    front = {
        "license": license,
        "language": ["zh"],
        "library_name": "transformers",
        "pipeline_tag": "text-classification",
        "datasets": [dataset["repo_id"]],
        "metrics": ["f1", "accuracy"] if config == "primary" else ["f1"],
        "tags": ["political-speech", "chinese", "silver-labels"],
        "model-index": model_index(repo_id.split("/")[-1], metrics, dataset),
    }
    tests = {part: scores for part, scores in metrics["split"].items() if part.startswith("test")}
    table = markdown_table(["part", *score_columns(config)], [[part, *score_cells(s)] for part, s in tests.items()])
    counts = "\n".join(f"- `{part}`: {describe_part(scores)}" for part, scores in tests.items())
    labels = ", ".join(f"`{label}` {LABELS_ZH[label]}" for label in LABELS)
    more, note = "", "It must choose one of the four, greetings included."
    if config == "functions":
        more = ", top_k=None"
        levels = ", ".join(f"{label} {level:.3f}" for label, level in zip(LABELS, thresholds, strict=True))
        note = f"A paragraph has every function at or above its threshold, maybe none: {levels}."
    part = f", of it only `{json.dumps(dataset['subset'])}`" if dataset.get("subset") else ""
    versions = record["versions"]
    return f"""---
{yaml.safe_dump(front, allow_unicode=True, sort_keys=False)}---

# {repo_id.split("/")[-1]}: what paragraphs of Chinese officials' speeches do

Tells {labels}. {note}

```python
from transformers import pipeline
classify = pipeline("text-classification", model="{repo_id}"{more})
classify("月底前，由安监办牵头，再查一遍，逾期不改的一律停业。", truncation=True)
```

## Scores

{table}
{counts}

In brackets 95 % intervals by resampling documents; `headline` is macro-F1 over the functions with at least 30
paragraphs in that part; ECE the expected calibration error. The labels are silver: a language model voted, no people.
The temperature is folded into the weights, so the probabilities of plain `pipeline` are the calibrated ones.

## Trained on

`{config}` of [{dataset["repo_id"]}](https://huggingface.co/datasets/{dataset["repo_id"]}), {dataset["build"]} build,
revision `{dataset["revision"]}`, fingerprint `{dataset["fingerprint"]}`{part}; seed {record["seed"]}. Configuration:
`training_config.yaml`; all scores: `metrics.json`; environment: `environment.json` (torch {versions["torch"]},
transformers {versions["transformers"]}).

## Limits

- A difference that is smaller than the disagreement between labelling passes means little (see the dataset's card).
- Mainland Chinese official speech only. Paragraphs longer than the model reads are not read whole, unless `overlong`
  in `config.json` says `split`.
- **Not for** judging officials or organisations, not for surveillance, not for deciding anything about a person.
"""
