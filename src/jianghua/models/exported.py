"""An encoder without torch: exported to ONNX once, then run by ONNX Runtime, one paragraph at a time.

One paragraph a run, on as many workers as there are cores, each run on one thread: nothing is padded, no
thread waits for another at a barrier, and no paragraph sees another. So a text gets the same numbers alone,
in any batch and in any order. With int8 that is not so where paragraphs share a batch: dynamic quantisation takes
one scale for all that a layer reads at once, and a row moves with its batch-mates.

int8: the layers' weights to 7 bits, a scale a column (`reduce_range`: AVX2 saturates when it adds products of 8
bits), activations to 8 bits as they come. Two things stay in fp32. The pooler and the head, which read one row a
paragraph: that costs nothing, and in int8 they moved as many decisions as all layers together. And the product that
reads a layer's wide inner activations, whose range one scale covers badly: hardly more time, and a smaller error. Its
answers differ from fp32's; by how much, benchmarks/predict.py prints.

Importing this module, and running a graph that is there, loads neither torch nor transformers.
"""

import os
from array import array
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from jianghua.files import file_sha256, read_json, write_atomic
from jianghua.models.classifier import WITHOUT_ENCODER, config_of, first_line, read_config
from jianghua.models.overlong import mean_of_windows, most_positions, read_windows, special_ends
from jianghua.models.tokenizer import encodings
from jianghua.schema import LABELS, BadData, BadUsage

GRAPHS = {"onnx": "model.onnx", "onnx_int8": "model_int8.onnx"}
EXTRA = "engine=onnx and engine=onnx_int8 need ONNX and its runtime: pip install 'jianghua[serve]'"
RECIPE = 3  # of the export; another number makes every cached graph stale
WEIGHTS = "weights"  # the entry of a graph's metadata that says what it was made from
TOLERANCE = 1e-3  # of logits, exported against torch: single precision sums in another order
OPSET = 17


class Exported:
    """A graph of ONNX Runtime and its tokenizer; `predict_proba` as every classifier's."""

    def __init__(self, session, tokenizer, record: dict, max_length: int, workers: int):
        self.session, self.tokenizer, self.max_length, self.workers = session, tokenizer, max_length, workers
        self.config = config_of(record)
        self.thresholds = list(record.get("thresholds") or [0.5] * len(LABELS))
        self.overlong = record.get("overlong", "truncate")
        self.cut = 0  # texts of the last call that were longer than the model reads

    def encode(self, texts: Sequence[str]) -> tuple[list[np.ndarray], list[int]]:
        """Token ids (1, tokens) a window, each at most `max_length`, as `Encoder` reads them; which text each is of."""
        ids = [array("i", encoding.ids) for encoding in encodings(self.tokenizer, texts)]
        found, owner, cut = read_windows(ids, self.max_length, self.overlong, special_ends(self.tokenizer))
        self.cut = 0 if self.overlong == "split" else cut
        return [np.array([window], np.int64) for window in found], owner

    def predict_logits(self, texts: Sequence[str], batch_size: int | None = None) -> np.ndarray:
        """(n, 4) logits; `batch_size` is there for the protocol's sake, every batch is one paragraph."""

        def run(ids: np.ndarray) -> np.ndarray:
            return self.session.run(None, {"input_ids": ids})[0][0]

        sequences, owner = self.encode(texts)
        if len(sequences) < 2 or self.workers < 2:
            rows = map(run, sequences)
        else:
            with ThreadPoolExecutor(self.workers) as pool:  # a run holds no Python lock
                rows = list(pool.map(run, sequences))
        logits = np.array([*rows], np.float32).reshape(-1, len(LABELS))
        return logits if len(logits) == len(texts) else mean_of_windows(logits, owner)

    def predict_proba(self, texts: Sequence[str], batch_size: int | None = None) -> np.ndarray:
        """(n, 4) probabilities: softmax for `primary`, sigmoid for `functions`."""
        logits = self.predict_logits(texts, batch_size).astype(float)
        if self.config == "functions":  # numpy: importing scipy takes longer than a page of paragraphs
            return 1 / (1 + np.exp(-logits))
        powers = np.exp(logits - logits.max(1, keepdims=True, initial=-np.inf))
        return powers / powers.sum(1, keepdims=True)


def load_exported(folder: Path, engine: str, say: Callable[[str], None] = lambda line: None) -> Exported:
    """The encoder in `folder` on ONNX Runtime; a graph that is missing or stale is made first, and `say` told so.

    `engine` is "onnx" (fp32) or "onnx_int8". `BadUsage` for another engine, a missing extra, or a model that is
    not an encoder; `BadData` for a folder that holds no whole one.
    """
    if engine not in GRAPHS:
        raise BadUsage(f"engine={engine}: the engines are torch, {', '.join(GRAPHS)}")
    record = read_config(folder)
    if record.get("model_type") in WITHOUT_ENCODER:
        raise BadUsage(f"engine={engine}: {folder} is a {record['model_type']} model; only encoders are exported")
    try:
        from onnxruntime import InferenceSession  # noqa: F401
        from tokenizers import Tokenizer
    except ImportError:
        raise BadUsage(EXTRA) from None
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # tokenizers raises plain Exception
        raise BadData(f"{folder / 'tokenizer.json'}: not a tokenizer ({error})") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    path = folder / "onnx" / GRAPHS[engine]
    made_from = _fingerprint(folder)
    session = _open(path)
    if session is None or session.get_modelmeta().custom_metadata_map.get(WEIGHTS) != made_from:
        say(f"{'exporting' if session is None else 'out of date; exporting again'} to {path}, once")
        export(folder, engine)
        session = _open(path)
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Exported(session, tokenizer, record, _max_length(folder, record), workers)


def export(folder: Path, engine: str) -> None:
    """Write the graph of `engine` beside the model in `folder`, whole or not at all; imports torch.

    fp32 first: the graph must give torch's own logits for a short, a middling and the longest paragraph, since
    tracing could have frozen a length. `BadData` if the architecture does not export so.
    """
    try:
        import onnx
    except ImportError:
        raise BadUsage(EXTRA) from None
    model = onnx.load_from_string(_traced(folder))
    if engine == "onnx_int8":
        model = _quantised(model)
    onnx.helper.set_model_props(model, {WEIGHTS: _fingerprint(folder)})
    path = folder / "onnx" / GRAPHS[engine]
    try:
        write_atomic(path, model.SerializeToString())
    except OSError as error:
        raise BadData(f"{path}: the exported model cannot be written there ({error.strerror})") from None


def _traced(folder: Path) -> bytes:
    """The fp32 graph: `input_ids` (1, tokens) → `logits` (1, 4), of any number of tokens."""
    import io
    import logging
    import warnings

    import torch

    from jianghua.models.encoder import Encoder

    encoder = Encoder.load(folder)
    encoder.model.eval()
    # its own attention: of one paragraph alone, with nothing to mask
    encoder.model.set_attn_implementation("sdpa" if encoder.flat else "eager")

    class Logits(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = encoder.model

        def forward(self, input_ids):
            # told to read all, a causal model does not look for several texts in a row, which would not export
            more = {} if encoder.flat else {"attention_mask": torch.ones_like(input_ids)}
            return self.model(input_ids=input_ids, **more).logits

    generator = torch.Generator().manual_seed(0)
    words = encoder.model.config.vocab_size
    lengths = {3, min(130, encoder.max_length), encoder.max_length}
    samples = [torch.randint(words // 2, words, (1, n), generator=generator) for n in sorted(lengths)]
    buffer = io.BytesIO()
    try:
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tracer's doubts, which the comparison below settles
            logging.getLogger("torch.onnx").setLevel(logging.ERROR)
            expected = [encoder.model(input_ids=ids).logits.numpy() for ids in samples]
            # the older exporter: the newer one needs another package (onnxscript)
            torch.onnx.export(
                Logits(),
                (samples[1],),
                buffer,
                input_names=["input_ids"],
                output_names=["logits"],
                dynamic_axes={"input_ids": {1: "tokens"}},
                opset_version=OPSET,
                dynamo=False,
            )
        session = _open(buffer.getvalue())
        found = [session.run(None, {"input_ids": ids.numpy()})[0] for ids in samples]
    except Exception as error:  # an architecture that the exporter does not know can fail anywhere
        raise BadData(f"{folder}: this architecture does not export ({first_line(error)}); use engine=torch") from None
    worst = max(float(np.abs(a - b).max()) for a, b in zip(expected, found, strict=True))
    if not worst <= TOLERANCE:
        raise BadData(f"{folder}: the exported model's logits are {worst:.2g} off; use engine=torch")
    return buffer.getvalue()


def _quantised(model):
    """The layers' multiplications with weights in int8, apart from the inner layers' way back; all else stays fp32."""
    import logging
    import re
    import tempfile

    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    products = []
    for node in model.graph.node:
        # in numbered layers, by name: a head's products can be Gemm here, which the library would quantise as well
        if node.op_type == "MatMul" and re.search(r"\.\d+/", node.name) and node.input[1] in shapes:
            rows, columns = shapes[node.input[1]]
            if rows <= columns:  # not what reads the wide inner layer
                products.append(node.name)

    def no_advice(record) -> bool:
        return "pre-processing" not in record.getMessage()

    logging.getLogger().addFilter(no_advice)
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            quantize_dynamic(
                model,
                path,
                op_types_to_quantize=["MatMul"],
                nodes_to_quantize=products,
                per_channel=True,
                reduce_range=True,
                weight_type=QuantType.QInt8,
                extra_options={"MatMulConstBOnly": True},
            )
            return onnx.load(path)
    finally:
        logging.getLogger().removeFilter(no_advice)


def _open(graph: Path | bytes):
    """A session of one thread, or None where there is no graph or a broken one."""
    import onnxruntime

    if isinstance(graph, Path) and not graph.is_file():
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(
            graph if isinstance(graph, bytes) else str(graph), options, providers=["CPUExecutionProvider"]
        )
    except Exception:  # onnxruntime's errors share no class
        if isinstance(graph, bytes):
            raise
        return None


def _fingerprint(folder: Path) -> str:
    """What a graph is made from: the weights' SHA-256 and the recipe's number."""
    path = folder / "model.safetensors"
    try:
        return f"{RECIPE}:{file_sha256(path)}"
    except OSError:
        raise BadData(f"{path}: no such file; only encoders saved as one safetensors file are exported") from None


def _max_length(folder: Path, record: dict) -> int:
    """Tokens the model reads at most, as `Encoder.max_length` has it, from the two JSON files."""
    limit = most_positions(record["model_type"], record["max_position_embeddings"], record.get("pad_token_id"))
    path = folder / "tokenizer_config.json"
    try:
        return int(min(limit, read_json(path).get("model_max_length", limit)))
    except (TypeError, ValueError) as error:
        raise BadData(f"{path}: cannot be read ({error})") from None
