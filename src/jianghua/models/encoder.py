"""A sequence classifier of transformers, BERT or another: probabilities for texts, a plain `from_pretrained` folder."""

from array import array
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from jianghua.files import read_json, write_json
from jianghua.models import flat
from jianghua.models.baselines import probabilities
from jianghua.models.batching import token_batches
from jianghua.models.checkpoint import Checkpoint, check_finite, open_checkpoint
from jianghua.models.classifier import config_of, first_line, read_config
from jianghua.models.device import choose_device, forward_precision, one_thread_each
from jianghua.models.overlong import mean_of_windows, most_positions, read_windows, special_ends, windows
from jianghua.models.quiet import quiet_transformers
from jianghua.models.tokenizer import encodings, unknown_ids
from jianghua.schema import LABELS, BadData

quiet_transformers()
TOKEN_BUDGET = 4096  # tokens a batch at inference
CORE_BUDGET = 1024  # where a core has a batch to itself: what its caches hold; the answer does not depend on it


class Encoder:
    """A sequence classifier of the transformers library and its tokenizer."""

    def __init__(
        self, model, tokenizer, config: str, thresholds: Sequence[float] | None = None, overlong: str = "truncate"
    ):
        self.model, self.tokenizer, self.config, self.overlong = model, tokenizer, config, overlong
        self.thresholds = list(thresholds or [0.5] * len(LABELS))
        self.cut = 0  # texts of the last call that were longer than the model reads
        self.commit: str | None = None  # of the Hub's repository it was started from
        # token ids of every text seen, uncut; a model in training reads the same few thousand again and again
        self._known: dict[str, array] | None = None
        self.flat = model.config.model_type in flat.FLAT_ARCHITECTURES  # others take padded batches
        if self.flat:
            flat.use_flat(model)

    @classmethod
    def start(
        cls,
        path: str,
        config: str,
        *,
        from_scratch: bool = False,
        seed: int = 0,
        overlong: str = "truncate",
        head: str = "classifier",
        device: str = "cpu",
        **checkpoint,
    ) -> "Encoder":
        """A pre-trained encoder (folder or Hub id) with a new head; `from_scratch` draws all weights anew.

        `checkpoint`: the other fields of `Checkpoint`; `head` is "probe" where the encoder will stay frozen.
        Weights are drawn on the CPU, whatever the `device` (see `choose_device`).
        """
        where = choose_device(device)
        torch.manual_seed(seed)
        model, tokenizer, commit = open_checkpoint(
            Checkpoint(path, **checkpoint), config, from_scratch=from_scratch, identity=head == "probe"
        )
        encoder = cls(model.to(where), tokenizer, config, overlong=overlong)
        encoder.commit, encoder._known = commit, {}
        return encoder

    @property
    def device(self) -> torch.device:
        return self.model.device

    @property
    def max_length(self) -> int:
        config = self.model.config
        padding = getattr(config, "pad_token_id", None)
        limit = most_positions(config.model_type, config.max_position_embeddings, padding)
        return min(limit, self.tokenizer.model_max_length)

    def _encodings(self, texts: Sequence[str], offsets: bool = False) -> Iterator:
        backend = self.tokenizer.backend_tokenizer
        backend.no_truncation()
        backend.no_padding()
        for text, encoding in zip(texts, encodings(backend, texts, offsets), strict=True):
            if self._known is not None:
                self._known[text] = array("i", encoding.ids)
            yield encoding

    def _tokens(self, texts: Sequence[str]) -> list[Sequence[int]]:
        if self._known is None:
            return [array("i", encoding.ids) for encoding in self._encodings(texts)]
        for _ in self._encodings([text for text in dict.fromkeys(texts) if text not in self._known]):
            pass  # known from now on
        return [self._known[text] for text in texts]

    def _windows(self, texts: Sequence[str], way: str) -> tuple[list[Sequence[int]], list[int], int]:
        ends = special_ends(self.tokenizer.backend_tokenizer)
        return read_windows(self._tokens(texts), self.max_length, way, ends)

    @property
    def _one_window(self) -> str:
        return "truncate" if self.overlong == "split" else self.overlong

    def encode(self, texts: Sequence[str]) -> tuple[list[torch.Tensor], int]:
        """Token ids a text, each at most `max_length`, and how many texts were longer than that."""
        found, _, cut = self._windows(texts, self._one_window)
        return [_ids(window) for window in found], cut

    def reads(self, texts: Sequence[str]) -> dict:
        """What the model sees of `texts`: their tokens, how many it cannot read whole, the share of `[UNK]`."""
        found = self._tokens(texts)
        lengths = [len(ids) for ids in found]
        # of the tokens of the texts themselves: a special one at their ends may double as the unknown one
        first, last = special_ends(self.tokenizer.backend_tokenizer)
        inside = [ids[first : len(ids) - last] for ids in found]
        unknown = unknown_ids(self.tokenizer)
        return {
            "paragraphs": len(lengths),
            "tokens": sum(lengths),
            "longest": max(lengths, default=0),
            "max_length": self.max_length,
            "overlong": sum(length > self.max_length for length in lengths),
            "overlong_way": self.overlong,
            "unknown_share": sum(i in unknown for ids in inside for i in ids) / max(1, sum(map(len, inside))),
        }

    def sentence_of_tokens(self, texts: Sequence[str], ends: Sequence[Sequence[int]]) -> list[torch.Tensor]:
        """For each text (tokens,) the number of the sentence a token stands in, -1 for special tokens.

        `ends` are the sentences' end offsets in characters; the tokens are those of `encode`.
        """
        numbers, edges, limit = [], special_ends(self.tokenizer.backend_tokenizer), self.max_length
        for encoding, stops in zip(self._encodings(texts, offsets=True), ends, strict=True):
            starts = [start for start, _ in encoding.offsets]
            number = np.searchsorted(stops, starts, side="right")
            number[(np.array(encoding.special_tokens_mask) == 1) | (number >= len(stops))] = -1
            read = windows(len(number), limit, self._one_window, edges)[0]
            numbers.append(torch.from_numpy(number[read]))
        return numbers

    def logits(self, sequences: list[torch.Tensor]) -> torch.Tensor:
        """(n, 4) fp32 logits of one batch; flat where the architecture allows it, else padded."""
        return self.logits_and_states(sequences)[0]

    def logits_and_states(self, sequences: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, 4) logits of one batch, and the last states (tokens, hidden) of all its tokens in order.

        `sequences` lie on the CPU; both results are fp32 and on the model's device.
        """
        with forward_precision(self.device):
            logits, states = flat.classify(self.model, sequences) if self.flat else self._padded(sequences)
        return logits.float(), states.float()

    def _padded(self, sequences: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        side = self.tokenizer.padding_side
        padded = torch.nn.utils.rnn.pad_sequence(sequences, True, self.tokenizer.pad_token_id, side)
        lengths = torch.tensor([len(s) for s in sequences])
        mask = torch.arange(padded.shape[1])[None] < lengths[:, None]
        if side == "left":
            mask = mask.flip(1)
        device = self.device
        row, column = (index.to(device) for index in mask.nonzero(as_tuple=True))
        output = self.model(
            input_ids=padded.to(device), attention_mask=mask.long().to(device), output_hidden_states=True
        )
        return output.logits, output.hidden_states[-1][row, column]

    def _rows(self, texts: Sequence[str], batch_size: int | None) -> np.ndarray:
        """(n, outputs) what the last layer gives for each text; the mean over its windows where it has several."""
        self.model.eval()
        found, owner, cut = self._windows(texts, self.overlong)
        self.cut = 0 if self.overlong == "split" else cut
        lengths = [len(ids) for ids in found]
        # padded batches waste least among equals; the flat path wastes nothing in any order
        order = range(len(found)) if self.flat else sorted(range(len(found)), key=lengths.__getitem__)
        # threads that share a batch wait for each other at every layer; with a batch each they do not
        each = self.device.type == "cpu"
        budget = min(CORE_BUDGET, -(-sum(lengths) // torch.get_num_threads())) if each else TOKEN_BUDGET
        batches = list(token_batches(lengths, order, budget, batch_size))

        @torch.inference_mode()
        def run(batch: list[int]) -> np.ndarray:
            return self.logits([_ids(found[i]) for i in batch]).cpu().numpy()

        with one_thread_each() if each else nullcontext(map) as spread:
            outputs = list(spread(run, batches))
        rows: list = [None] * len(found)
        for batch, output in zip(batches, outputs, strict=True):
            for i, row in zip(batch, output, strict=True):
                rows[i] = row
        stacked = np.array(rows, np.float32)
        return stacked if len(rows) == len(texts) else mean_of_windows(stacked, owner)

    def predict_logits(self, texts: Sequence[str], batch_size: int | None = None) -> np.ndarray:
        """(n, 4) logits; `batch_size` is the most paragraphs a batch may hold."""
        return self._rows(texts, batch_size).reshape(-1, len(LABELS))

    def features(self, texts: Sequence[str]) -> np.ndarray:
        """(n, d) what the model's last linear layer reads, pooled as the model pools."""
        name, layer = self._last_layer()
        parent = self.model.get_submodule(name.rpartition(".")[0])
        setattr(parent, name.rpartition(".")[2], torch.nn.Identity())
        try:
            return self._rows(texts, None).reshape(len(texts), layer.in_features)
        finally:
            setattr(parent, name.rpartition(".")[2], layer)

    def _last_layer(self) -> tuple[str, torch.nn.Linear]:
        """The layer that gives the logits: `score` of a model that pools the last token, else in `classifier`."""
        return [
            (name, module)
            for name, module in self.model.named_modules()
            if name.split(".")[0] in ("classifier", "score") and isinstance(module, torch.nn.Linear)
        ][-1]

    def set_last_layer(self, weight: np.ndarray, bias: np.ndarray | None) -> None:
        """Give the last layer (4, d) weights and a bias where it has one."""
        layer = self._last_layer()[1]
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weight))
            if layer.bias is not None:
                layer.bias.copy_(torch.from_numpy(bias))

    @property
    def has_bias(self) -> bool:
        return self._last_layer()[1].bias is not None

    def predict_proba(self, texts: Sequence[str], batch_size: int | None = None) -> np.ndarray:
        """(n, 4) probabilities: softmax for `primary`, sigmoid for `functions`."""
        return probabilities(self.predict_logits(texts, batch_size).astype(float), self.config)

    def scale(self, temperature: float) -> None:
        """Fold a temperature into the last layer, so that plain `pipeline` is calibrated too."""
        layer = self._last_layer()[1]
        with torch.no_grad():
            layer.weight /= temperature
            if layer.bias is not None:
                layer.bias /= temperature

    def save(self, folder: Path) -> None:
        """`config.json`, `model.safetensors`, `tokenizer.json`: loads with plain transformers."""
        folder.mkdir(parents=True, exist_ok=True)
        device = self.device
        self.model.cpu()
        for parameter in self.model.parameters():  # safetensors refuses a transposed view
            parameter.data = parameter.data.contiguous()
        if self.flat:
            self.model.set_attn_implementation("sdpa")
        try:
            self.model.save_pretrained(folder)
        finally:  # with another attention, paragraphs of a batch would see each other
            if self.flat:
                flat.use_flat(self.model)
            self.model.to(device)
        self.tokenizer.save_pretrained(folder)
        more = {"dtype": "float32", "thresholds": self.thresholds, "overlong": self.overlong}
        _amend(folder / "config.json", more)
        # BertTokenizer, XLMRobertaTokenizer and Qwen2Tokenizer build their normaliser anew when they are loaded and
        # pass over the one in tokenizer.json; this class reads the file as it is
        as_it_is = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": self.max_length}
        _amend(folder / "tokenizer_config.json", as_it_is)

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> "Encoder":
        record, where = read_config(folder), choose_device(device)
        if not (folder / "tokenizer.json").is_file():
            raise BadData(f"{folder / 'tokenizer.json'}: no such file, so {folder} is not a whole model")
        try:
            model, found = AutoModelForSequenceClassification.from_pretrained(
                folder, dtype=torch.float32, trust_remote_code=False, output_loading_info=True
            )
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        except Exception as error:  # safetensors, transformers and tokenizers raise what they like
            raise BadData(f"{folder}: not a whole model ({first_line(error)})") from None
        # the library would draw the ones at random, and pass over the others
        for keys, what in (("missing_keys", "are missing"), ("unexpected_keys", "have no place in its network")):
            if loose := sorted(found[keys]):
                raise BadData(f"{folder}: not a whole model ({len(loose)} weights {what}, {loose[0]} for one)")
        check_finite(folder, model)
        overlong = record.get("overlong", "truncate")
        return cls(model.to(where), tokenizer, config_of(record), record.get("thresholds"), overlong)


def _ids(window: Sequence[int]) -> torch.Tensor:
    return torch.from_numpy(np.array(window, np.int64))  # of an array of machine integers in one go


def _amend(path: Path, more: dict) -> None:
    write_json(path, read_json(path) | more, indent=2)
