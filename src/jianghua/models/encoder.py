"""A Chinese BERT with a classification head: probabilities for texts, a plain `from_pretrained` folder."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

from jianghua.files import write_atomic
from jianghua.models import flat
from jianghua.models.batching import token_batches
from jianghua.models.classifier import config_of, read_config
from jianghua.models.quiet import quiet_transformers
from jianghua.models.tokenizer import normalise_for
from jianghua.schema import LABELS, BadData

quiet_transformers()
TOKEN_BUDGET = 4096  # tokens a batch at inference; the answer does not depend on it


class Encoder:
    """A sequence classifier of the transformers library and its tokenizer."""

    def __init__(self, model, tokenizer, config: str, thresholds: Sequence[float] | None = None):
        self.model, self.tokenizer, self.config = model, tokenizer, config
        self.thresholds = list(thresholds or [0.5] * len(LABELS))
        self.cut = 0  # texts of the last call that were longer than the model reads
        self.flat = flat.runs_flat(model)
        if self.flat:
            flat.use_flat(model)

    @classmethod
    def start(cls, path: str, config: str, *, from_scratch: bool = False, seed: int = 0) -> "Encoder":
        """A pre-trained encoder (folder or Hub id) with a new head; `from_scratch` draws all weights anew."""
        torch.manual_seed(seed)
        labels = {
            "num_labels": len(LABELS),
            "id2label": dict(enumerate(LABELS)),
            "label2id": {name: i for i, name in enumerate(LABELS)},
            "problem_type": "single_label_classification" if config == "primary" else "multi_label_classification",
        }
        try:
            tokenizer = AutoTokenizer.from_pretrained(path)
            settings = AutoConfig.from_pretrained(path, **labels)
            if from_scratch:
                model = AutoModelForSequenceClassification.from_config(settings)
            else:
                model = AutoModelForSequenceClassification.from_pretrained(path, config=settings, dtype=torch.float32)
        except (OSError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            raise BadData(
                f"{path}: no encoder could be loaded ({reason}); model.path= takes a local folder with "
                "config.json, tokenizer.json and model.safetensors, or a Hub id when the Hub can be reached"
            ) from None
        normalise_for(tokenizer)
        return cls(model.float(), tokenizer, config)

    @property
    def max_length(self) -> int:
        limit = self.model.config.max_position_embeddings
        if "roberta" in self.model.config.model_type:
            limit -= self.model.config.pad_token_id + 1
        return min(limit, self.tokenizer.model_max_length)

    def encode(self, texts: Sequence[str]) -> tuple[list[torch.Tensor], int]:
        """Token ids a text, each at most `max_length`, and how many texts had to be cut."""
        backend = self.tokenizer.backend_tokenizer
        backend.no_truncation()
        backend.no_padding()
        ids = [encoding.ids for encoding in backend.encode_batch_fast(list(texts))]
        limit = self.max_length
        cut = sum(len(i) > limit for i in ids)
        return [torch.tensor(i if len(i) <= limit else [*i[: limit - 1], i[-1]]) for i in ids], cut

    def sentence_of_tokens(self, texts: Sequence[str], ends: Sequence[Sequence[int]]) -> list[torch.Tensor]:
        """For each text (tokens,) the number of the sentence a token stands in, -1 for special tokens.

        `ends` are the sentences' end offsets in characters; the tokens are those of `encode`.
        """
        backend = self.tokenizer.backend_tokenizer
        backend.no_truncation()
        backend.no_padding()
        numbers = []
        for encoding, stops in zip(backend.encode_batch(list(texts)), ends, strict=True):
            starts = np.array([start for start, _ in encoding.offsets])
            number = np.searchsorted(np.asarray(stops, dtype=int), starts, side="right")
            number[(np.array(encoding.special_tokens_mask) == 1) | (number >= len(stops))] = -1
            if len(number) > self.max_length:
                number = np.append(number[: self.max_length - 1], -1)
            numbers.append(torch.from_numpy(number))
        return numbers

    def logits(self, sequences: list[torch.Tensor]) -> torch.Tensor:
        """(n, 4) logits of one batch; flat where the architecture allows it, else padded."""
        return self.logits_and_states(sequences)[0]

    def logits_and_states(self, sequences: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, 4) logits of one batch, and the last states (tokens, hidden) of all its tokens in order."""
        if self.flat:
            return flat.classify(self.model, sequences)
        padded = torch.nn.utils.rnn.pad_sequence(sequences, True, self.tokenizer.pad_token_id)
        lengths = torch.tensor([len(s) for s in sequences])
        mask = torch.arange(padded.shape[1])[None] < lengths[:, None]
        output = self.model(input_ids=padded, attention_mask=mask.long(), output_hidden_states=True)
        return output.logits, output.hidden_states[-1][mask]

    @torch.inference_mode()
    def predict_logits(self, texts: Sequence[str], batch_size: int | None = None) -> np.ndarray:
        """(n, 4) logits; `batch_size` is the most paragraphs a batch may hold."""
        self.model.eval()
        sequences, self.cut = self.encode(texts)
        lengths = [len(sequence) for sequence in sequences]
        # padded batches waste least among equals; the flat path wastes nothing in any order
        order = range(len(sequences)) if self.flat else sorted(range(len(sequences)), key=lengths.__getitem__)
        result = np.zeros((len(texts), len(LABELS)), np.float32)
        for batch in token_batches(lengths, order, TOKEN_BUDGET, batch_size):
            result[batch] = self.logits([sequences[i] for i in batch]).numpy()
        return result

    def predict_proba(self, texts: Sequence[str], batch_size: int | None = None) -> np.ndarray:
        """(n, 4) probabilities: softmax for `primary`, sigmoid for `functions`."""
        from scipy.special import expit, softmax

        logits = self.predict_logits(texts, batch_size).astype(float)
        return softmax(logits, axis=1) if self.config == "primary" else expit(logits)

    def scale(self, temperature: float) -> None:
        """Fold a temperature into the last layer, so that plain `pipeline` is calibrated too."""
        last = [m for m in self.model.classifier.modules() if isinstance(m, torch.nn.Linear)][-1]
        with torch.no_grad():
            last.weight /= temperature
            last.bias /= temperature

    def save(self, folder: Path) -> None:
        """`config.json`, `model.safetensors`, `tokenizer.json`: loads with plain transformers."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.flat:
            self.model.set_attn_implementation("sdpa")
        self.model.save_pretrained(folder)
        if self.flat:
            flat.use_flat(self.model)
        self.tokenizer.save_pretrained(folder)
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        config |= {"dtype": "float32", "thresholds": self.thresholds}
        write_atomic(folder / "config.json", json.dumps(config, indent=2, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, folder: Path) -> "Encoder":
        record = read_config(folder)
        try:
            model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32)
            tokenizer = AutoTokenizer.from_pretrained(folder)
        except Exception as error:  # safetensors, transformers and tokenizers raise what they like
            raise BadData(f"{folder}: not a whole model ({str(error).strip().splitlines()[0]})") from None
        return cls(model, tokenizer, config_of(record), record.get("thresholds"))
