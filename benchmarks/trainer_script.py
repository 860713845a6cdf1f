"""The usual fine-tuning script, for start_up.py to start: datasets, tokenizer, Trainer, nothing of this project."""

import sys
from pathlib import Path

from datasets import load_dataset
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)

ROOT = Path(__file__).resolve().parents[1]
MINI = ROOT / "data" / "pretrained" / "mini"


def main() -> None:
    folder = str(ROOT / "data" / "jianghua" / "primary")
    data = load_dataset(folder, split="train", cache_dir=f"{sys.argv[1]}/cache")
    tokenizer = AutoTokenizer.from_pretrained(MINI)
    data = data.map(lambda rows: tokenizer(rows["text"], truncation=True, max_length=512), batched=True)
    model = AutoModelForSequenceClassification.from_pretrained(MINI, num_labels=4)
    settings = TrainingArguments(sys.argv[1], per_device_train_batch_size=16, report_to=[], use_cpu=True)
    Trainer(
        model,
        settings,
        data_collator=DataCollatorWithPadding(tokenizer),
        train_dataset=data.select_columns(["input_ids", "attention_mask", "label"]),
    ).train()


if __name__ == "__main__":
    main()
