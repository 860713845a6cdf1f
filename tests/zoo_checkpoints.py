"""Tiny checkpoints with random weights, laid out as the Hub serves the models of conf/model.

One builder an architecture and tokenizer type: the names of the weights, the file that holds them and the files of
the tokenizer are those of the model it stands for, and config.json holds the keys of `KINDS` as they were published,
old names included (`rope_theta`), not as today's library would write them; only the sizes are small.
"""

import json
from pathlib import Path

import pyarrow.parquet as pq
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
from tokenizers import models as kinds
from transformers import AutoModelForMaskedLM, AutoTokenizer
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_MAPPING

ROOT = Path(__file__).resolve().parents[1]
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
SMALL |= {"initializer_range": 0.3}  # far apart answers, so that a wrong one shows
MARKS = "，。、；：？！（）《》〔〕【】"  # the usual 21,128 entries lack “ ” ‘ ’ — …


def texts() -> list[str]:
    table = pq.read_table(ROOT / "data/jianghua/primary/train-00000-of-00001.parquet")
    return table["text"].to_pylist()[:400]


def _write(folder: Path, name: str, record: dict) -> None:
    (folder / name).write_text(json.dumps(record, ensure_ascii=False), "utf-8")


def wordpiece(folder: Path, **settings) -> int:
    """A vocab.txt of characters, as Google's Chinese BERT and all that took it over."""
    characters = sorted({c for text in texts() for c in text if "\u4e00" <= c <= "\u9fff"})
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *MARKS, *"\"'-.,:;!?()%", *"0123456789"]
    words += [f"##{digit}" for digit in range(10)] + ["##,", "##."] + characters
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", "utf-8")
    if settings:
        _write(folder, "tokenizer_config.json", settings)
    return len(words)


def _special(names: str, **more) -> dict:
    """`pad=<pad>` … → the keys of tokenizer_config.json."""
    return {f"{kind}_token": token for kind, _, token in (pair.partition("=") for pair in names.split())} | more


def sentencepiece(folder: Path) -> int:
    """XLM-R's tokenizer.json: unigram pieces with ▁, normalised by a rule of the file's own."""
    tokenizer = Tokenizer(kinds.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(
        texts(),
        trainers.UnigramTrainer(vocab_size=3000, special_tokens=special, unk_token="<unk>", show_progress=False),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.save(str(folder / "tokenizer.json"))
    names = "bos=<s> cls=<s> eos=</s> sep=</s> pad=<pad> unk=<unk> mask=<mask>"
    _write(
        folder, "tokenizer_config.json", _special(names, tokenizer_class="XLMRobertaTokenizer", model_max_length=512)
    )
    return tokenizer.get_vocab_size()


def byte_level(folder: Path, kind: str) -> int:
    """Byte-level pairs. `qwen`: the end token that every text gets is the padding too; `bert`: [CLS] and [SEP]."""
    tokenizer = Tokenizer(kinds.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] if kind == "bert" else []
    tokenizer.train_from_iterator(
        texts(),
        trainers.BpeTrainer(vocab_size=2000, initial_alphabet=alphabet, special_tokens=special, show_progress=False),
    )
    tokenizer.decoder = decoders.ByteLevel()
    if kind == "bert":
        ids = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=ids
        )
        names = "pad=[PAD] unk=[UNK] cls=[CLS] sep=[SEP] mask=[MASK]"
        more = {"tokenizer_class": "PreTrainedTokenizerFast"}
    else:
        tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|fim_pad|>"])
        end = tokenizer.token_to_id("<|endoftext|>")
        template = processors.TemplateProcessing(
            single="$A <|endoftext|>", pair="$A $B <|endoftext|>", special_tokens=[("<|endoftext|>", end)]
        )
        tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])
        names = "eos=<|im_end|> pad=<|endoftext|>"
        more = {"tokenizer_class": "Qwen2Tokenizer", "padding_side": "left", "model_max_length": 131072}
    tokenizer.save(str(folder / "tokenizer.json"))
    _write(folder, "tokenizer_config.json", _special(names, **more))
    return tokenizer.get_vocab_size()


def byte_fallback(folder: Path) -> int:
    """Gemma 2's kind, which mmBERT took over: pairs with ▁, and bytes for what the vocabulary lacks."""
    tokenizer = Tokenizer(kinds.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *[f"<0x{byte:02X}>" for byte in range(256)]]
    tokenizer.train_from_iterator(
        texts(),
        trainers.BpeTrainer(vocab_size=2500, limit_alphabet=1200, special_tokens=special, show_progress=False),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A <eos>", pair="<bos> $A <eos> $B <eos>", special_tokens=[("<bos>", 2), ("<eos>", 1)]
    )
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    record = json.loads(tokenizer.to_str())
    record["added_tokens"] = [token for token in record["added_tokens"] if not token["content"].startswith("<0x")]
    _write(folder, "tokenizer.json", record)
    names = "bos=<bos> cls=<bos> eos=<eos> sep=<eos> pad=<pad> unk=<unk> mask=<mask>"
    _write(folder, "tokenizer_config.json", _special(names, tokenizer_class="PreTrainedTokenizerFast"))
    return tokenizer.get_vocab_size()


MODERN = {"local_attention": 16, "global_attn_every_n_layers": 2, "norm_bias": False, "classifier_pooling": "mean"}
MODERN |= {"global_rope_theta": 160000.0, "local_rope_theta": 10000.0}


def build(kind: str, folder: Path, seed: int = 0, **changes) -> Path:
    """A checkpoint of `kind` (see `KINDS`) in `folder`; `changes` go into its config.json."""
    folder.mkdir(parents=True)
    model_type, tokenizer, settings, file = KINDS[kind]
    entries = tokenizer(folder)
    settings = SMALL | settings | {"vocab_size": entries}
    if model_type == "modernbert":
        ids = AutoTokenizer.from_pretrained(folder, config=CONFIG_MAPPING[model_type]())
        settings |= {"pad_token_id": ids.pad_token_id, "cls_token_id": ids.cls_token_id}
        settings |= {"sep_token_id": ids.sep_token_id, "bos_token_id": ids.cls_token_id}
        settings |= {"eos_token_id": ids.sep_token_id}
    config = CONFIG_MAPPING[model_type](**settings)
    torch.manual_seed(seed)
    # Qwen3-Embedding is published without its language-modelling head, and without the prefix that goes with it
    model = MODEL_MAPPING[type(config)](config) if kind == "qwen3" else AutoModelForMaskedLM.from_config(config)
    weights = {name: weight.clone().contiguous() for name, weight in model.state_dict().items()}
    if file == "pytorch_model.bin":
        torch.save(weights, folder / file)
    else:
        save_file(weights, folder / file, metadata={"format": "pt"})
    record = settings | {"model_type": model_type, "architectures": [type(model).__name__]} | changes
    _write(folder, "config.json", {key: value for key, value in record.items() if value is not None})
    return folder


# kind → architecture, tokenizer, config keys, file of the weights
KINDS = {
    "bert": ("bert", wordpiece, {"max_position_embeddings": 512, "pad_token_id": 0}, "model.safetensors"),
    "hfl_bert": (
        "bert",
        lambda folder: wordpiece(folder, do_lower_case=True, init_checkpoint="chinese-roberta-wwm-ext"),
        {"max_position_embeddings": 512, "pad_token_id": 0, "directionality": "bidi", "type_vocab_size": 2},
        "pytorch_model.bin",
    ),
    "ernie": (
        "ernie",
        lambda folder: wordpiece(folder, do_lower_case=True, model_max_length=2048),
        {"max_position_embeddings": 2048, "type_vocab_size": 4, "task_type_vocab_size": 3, "use_task_id": True},
        "pytorch_model.bin",
    ),
    "deberta": (
        "deberta-v2",
        wordpiece,
        {
            "max_position_embeddings": 512,
            "relative_attention": True,
            "position_buckets": 256,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_biased_input": False,
            "max_relative_positions": -1,
            "type_vocab_size": 0,
        },
        "pytorch_model.bin",
    ),
    "modernbert": (
        "modernbert",
        lambda folder: byte_level(folder, "bert"),
        MODERN | {"max_position_embeddings": 8192},
        "model.safetensors",
    ),
    "mmbert": ("modernbert", byte_fallback, MODERN | {"max_position_embeddings": 8192}, "model.safetensors"),
    "xlm_roberta": (
        "xlm-roberta",
        sentencepiece,
        {"max_position_embeddings": 514, "type_vocab_size": 1, "pad_token_id": 1},
        "model.safetensors",
    ),
    "qwen3": (
        "qwen3",
        lambda folder: byte_level(folder, "qwen"),
        {"max_position_embeddings": 32768, "num_key_value_heads": 1, "head_dim": 16, "rope_theta": 1000000},
        "model.safetensors",
    ),
}

# model of conf/model → the kind that stands for it
ZOO = {
    "bert_base_chinese": "bert",
    "roberta_wwm_ext": "hfl_bert",
    "roberta_wwm_ext_large": "hfl_bert",
    "macbert_base": "hfl_bert",
    "lert_base": "hfl_bert",
    "lert_small": "hfl_bert",
    "ernie3_base": "ernie",
    "deberta_v2_320m": "deberta",
    "modernbert_large_wwm": "modernbert",
    "mmbert_base": "mmbert",
    "xlmr_base": "xlm_roberta",
    "qwen3_embedding": "qwen3",
}
