"""The usual labelling script, for start_up.py to start: `pipeline` over a JSON Lines file, nothing of this project.

python benchmarks/pipeline_script.py MODEL INPUT.jsonl OUTPUT.jsonl
"""

import json
import sys

from transformers import pipeline


def main() -> None:
    model, source, output = sys.argv[1:]
    classify = pipeline("text-classification", model=model, top_k=None)
    with open(source, encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file]
    with open(output, "w", encoding="utf-8") as file:
        for text, answer in zip(texts, classify(texts, truncation=True), strict=True):
            file.write(json.dumps({"text": text, "proba": {a["label"]: a["score"] for a in answer}}) + "\n")


if __name__ == "__main__":
    main()
