"""A pre-trained checkpoint, from a folder or the Hub, opened so that nothing about it goes wrong in silence.

What is checked, because each has bitten somebody: that the classes are those of the weights (hfl's Chinese
“RoBERTa” models are BERT and want BERT's classes), that no code of the checkpoint's own runs, that every
weight of the encoder was found, that the tokenizer reads Chinese, that a classification head made for other
labels is not taken over, and that padding is not mistaken for the end of a text.
"""

import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedConfig, PreTrainedTokenizerBase
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.utils import cached_file, extract_commit_hash
from transformers.utils.hub import is_offline_mode

from jianghua.models.classifier import first_line, label_fields, names_by_id
from jianghua.models.tokenizer import VOCABULARIES, normalise_for, unknown_share
from jianghua.schema import LABELS, BadData, BadUsage, check_number

SAMPLE = "我们要把这件事情办好。"
OTHER = "大会现在开始，请坐𪚥。"  # with a character that hardly any vocabulary has
# what a file may hold beside the network: heads of pre-training, poolers, and tables that are computed
SPARE = re.compile(
    r"^(?:cls|lm_head|generator_lm_head|decoder|head|classifier|sop_classifier|score|pooler|qa_outputs|vocab_\w+"
    r"|\w*predictions)\.|\.pooler\."
    r"|position_ids$|inv_freq$"
)
SHORTEST = 8  # tokens; less would hold little but the marks at both ends


@dataclass(frozen=True)
class Checkpoint:
    """Where a pre-trained encoder lies, and by which classes it is read; conf/model gives each a why."""

    path: str
    revision: str | None = None
    architecture: str | None = None
    tokenizer: str | None = None
    max_length: int | None = None

    def __post_init__(self):
        if not isinstance(self.path, str) or not self.path.strip():
            raise BadUsage(f"model.path={self.path}: takes a folder with an encoder, or a Hub id")
        for name in ("revision", "architecture", "tokenizer"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or not value.strip()):
                raise BadUsage(f"model.{name}={value}: takes a name, or null")
        if self.max_length is not None:
            check_number("model.max_length", self.max_length, SHORTEST, whole=True)


def open_checkpoint(checkpoint: Checkpoint, config: str, *, from_scratch: bool, identity: bool):
    """(model, tokenizer, commit) with a head of four labels, a new one unless the files hold one of this benchmark's
    classifiers; all weights drawn anew if `from_scratch`.

    `commit`: of the repository on the Hub that the files are of, None for a folder.

    `identity`: square layers of the head that the checkpoint does not hold become the identity instead of
    random, since a frozen encoder's head has no chance to learn them.
    """
    path, where = checkpoint.path, {"revision": checkpoint.revision, "trust_remote_code": False}
    local = Path(path).is_dir()
    if local and checkpoint.revision:
        print(f"note: {path} is a folder, in which model.revision={checkpoint.revision} pins nothing", file=sys.stderr)
    if not local and not is_offline_mode():
        print(f"note: {path} is no folder here; asking the Hub for it", file=sys.stderr)
    try:
        record = PreTrainedConfig.get_config_dict(path, revision=checkpoint.revision)[0]
    except Exception as error:  # huggingface_hub and transformers raise what they like
        raise _not_found(checkpoint, error) from None
    _check_record(path, record)
    if local and not any(file.is_file() for name in VOCABULARIES for file in Path(path).glob(name)):
        raise BadData(f"{path}: holds no tokenizer (tokenizer.json or vocab.txt); copy the encoder's own beside it")
    settings_class = CONFIG_MAPPING[_architecture(checkpoint, record)]
    if not from_scratch:
        _refuse_other_labels(path, record)
    labels = {"num_labels": len(LABELS)} | label_fields(config)
    try:
        settings = settings_class.from_pretrained(path, revision=checkpoint.revision, **labels)
        tokenizer = _tokenizer_class(checkpoint.tokenizer).from_pretrained(path, **where)
        _check_tokenizer(path, tokenizer, settings.vocab_size)
        normalise_for(tokenizer)
        if from_scratch:
            model = AutoModelForSequenceClassification.from_config(settings, trust_remote_code=False)
        else:
            model, found = AutoModelForSequenceClassification.from_pretrained(
                path,
                config=settings,
                dtype=torch.float32,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are refused below, by name
                **where,
            )
    except (BadData, BadUsage):
        raise
    except Exception as error:
        raise _not_found(checkpoint, error) from None
    if not from_scratch:
        _check_weights(path, model, found)
        if identity:
            _open_head(model, found["missing_keys"])
        elif any("pooler." in key for key in found["missing_keys"]):
            print(f"note: {path} holds no pooler; it is drawn anew and learned with the head", file=sys.stderr)
    _separate_padding(model, tokenizer)
    if checkpoint.max_length:
        tokenizer.model_max_length = min(tokenizer.model_max_length, checkpoint.max_length)
    commit = None if local else _commit(path, checkpoint.revision)
    if not local and not checkpoint.revision:
        print(f"note: {path} is not pinned; model.revision={commit} makes the run repeatable", file=sys.stderr)
    return model.float(), tokenizer, commit


def _commit(path: str, revision: str | None) -> str | None:
    """The commit whose files the Hub's client has just read, by the folder in which it keeps them."""
    found = cached_file(path, "config.json", revision=revision, local_files_only=True)
    return extract_commit_hash(found, None)


def _not_found(checkpoint: Checkpoint, error: Exception) -> BadData:
    path, pin = checkpoint.path, f" --revision {checkpoint.revision}" if checkpoint.revision else ""
    if Path(path).is_dir():
        return BadData(
            f"{path}: no encoder could be loaded ({first_line(error)}); the folder needs, each of them whole, "
            "config.json, the weights (model.safetensors or pytorch_model.bin) and the tokenizer (tokenizer.json or "
            "vocab.txt)"
        )
    if os.path.isabs(path) or path.startswith(".") or path.count("/") > 1:  # no Hub id looks like that
        return BadData(f"{path}: no such folder; model.path= takes a folder with an encoder, or a Hub id")
    return BadData(
        f"{path}: no encoder could be loaded: no such folder, and the Hub has no such model"
        f"{' at that revision' if pin else ''} or cannot be reached ({first_line(error)}); where it can, "
        f"`hf download {path}{pin} --local-dir FOLDER` fetches it, and model.path=FOLDER "
        "reads it from there"
    )


def _architecture(checkpoint: Checkpoint, record: dict) -> str:
    path, told, wanted = checkpoint.path, record.get("model_type"), checkpoint.architecture
    if told and wanted and told != wanted:
        raise BadData(f"{path}: its config.json says model_type {told}, but model.architecture={wanted}")
    kind = told or wanted
    if not kind:  # transformers would guess by the folder's name, and take hfl's chinese-roberta-* for RoBERTa
        raise BadData(f"{path}: its config.json names no model_type; model.architecture= does, for instance bert")
    if kind not in CONFIG_MAPPING:
        raise BadData(
            f"{path}: model_type {kind} is none of the transformers library's, and code that comes with a model "
            "is never run (trust_remote_code stays off)"
        )
    if kind == "modernbert" and "rms" in json.dumps(record).lower():
        raise BadData(
            f"{path}: its config.json names RMSNorm, but the library's ModernBERT computes LayerNorm: the weights "
            "would load and mean something else"
        )
    return kind


def _check_record(path: str, record: dict) -> None:
    """Refuse a config.json whose fields are of other kinds than the library writes."""
    if not isinstance(record, dict):
        raise BadData(f"{path}: its config.json holds no object, so it is not what transformers writes")
    kinds = {"model_type": str, "architectures": list, "id2label": dict}
    wrong = [name for name, kind in kinds.items() if not isinstance(record.get(name), kind | None)]
    if not wrong and any(not str(key).isdecimal() for key in record.get("id2label") or {}):
        wrong = ["id2label"]
    if wrong:
        raise BadData(f"{path}: {wrong[0]} in its config.json is {record[wrong[0]]!r}, not what transformers writes")


def _refuse_other_labels(path: str, record: dict) -> None:
    names = names_by_id(record.get("id2label") or {})
    classes = record.get("architectures") or []
    classifies = any(str(name).endswith("ForSequenceClassification") for name in classes)
    named = any(not re.fullmatch(r"LABEL_\d+", str(name)) for name in names)  # what the library calls them otherwise
    if (classifies or named) and names != list(LABELS):
        raise BadData(
            f"{path}: holds a classifier whose labels are {names or 'not named'}, not {list(LABELS)}; model.path= "
            "takes an encoder, or a classifier with these labels in this order"
        )


def _tokenizer_class(name: str | None):
    if name is None:
        return AutoTokenizer
    found = getattr(transformers, name, None)
    if not (isinstance(found, type) and issubclass(found, PreTrainedTokenizerBase)):
        raise BadUsage(f"model.tokenizer={name}: no tokenizer class of the transformers library")
    return found


def _check_tokenizer(path: str, tokenizer, entries: int) -> None:
    if len(tokenizer) > entries:
        raise BadData(f"{path}: its tokenizer has {len(tokenizer)} entries, its model only {entries}")
    if not tokenizer.is_fast:
        raise BadData(f"{path}: {type(tokenizer).__name__} is a slow class; model.tokenizer= names a fast one")
    one, other = (tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids for text in (SAMPLE, OTHER))
    # a class that takes the file for another kind reads nothing, nothing known, or the same whatever the text
    if not one or one == other or unknown_share(tokenizer, [SAMPLE]) == 1:
        raise BadData(
            f"{path}: {type(tokenizer).__name__} reads no Chinese there; model.tokenizer= names the right class "
            "(a vocab.txt wants BertTokenizer, a tokenizer.json PreTrainedTokenizerFast)"
        )


def _check_weights(path: str, model, found: dict) -> None:
    """Every weight of the encoder was found, and none of its layers' weights was left over."""
    if found["mismatched_keys"]:
        key, there, here = sorted(found["mismatched_keys"])[0]
        raise BadData(
            f"{path}: {len(found['mismatched_keys'])} weights are of other shapes than its config.json makes them, "
            f"{key} for one: {list(there)} in the file, {list(here)} in the network"
        )
    prefix = model.base_model_prefix
    inside = [key for key in found["missing_keys"] if key.startswith(f"{prefix}.") and ".pooler." not in key]
    if inside:
        raise BadData(
            f"{path}: {len(inside)} weights of the encoder are not in the file, {sorted(inside)[0]} for one; "
            "its config.json describes another network"
        )
    left = [key for key in found["unexpected_keys"] if not SPARE.search(key)]
    if left:
        raise BadData(
            f"{path}: {len(left)} weights of the file have no place in a {model.config.model_type} network, "
            f"{sorted(left)[0]} for one"
        )
    check_finite(path, model)


def check_finite(path: str | Path, model) -> None:
    """Refuse a network with a weight that is no number: every score would be one of nothing."""
    for name, weight in model.named_parameters():
        if not weight.isfinite().all():
            raise BadData(f"{path}: the weights {name} hold numbers that are not finite; copy the file again")


def _open_head(model, missing) -> None:
    weights = dict(model.named_parameters())
    for key in missing:
        weight = weights.get(key)
        if weight is None or weight.shape[0] == len(LABELS):
            continue
        with torch.no_grad():
            if weight.ndim == 2 and weight.shape[0] == weight.shape[1]:
                torch.nn.init.eye_(weight)
            elif key.endswith("bias"):
                weight.zero_()


def _separate_padding(model, tokenizer) -> None:
    """Give a model that reads the last token's state a padding token that no text ends with.

    The library pools at the last token that is not padding; Qwen3-Embedding ends every text with
    `<|endoftext|>`, which is also its padding, so the state it was trained to pool would be passed over.
    """
    if not hasattr(model, "score"):
        if tokenizer.pad_token_id is None:
            raise BadData(f"{tokenizer.name_or_path}: the tokenizer has no padding token")
        return
    model.config.use_cache = False
    ids = tokenizer.backend_tokenizer.encode(SAMPLE).ids
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id in (ids[0], ids[-1]):
        special = {
            token.content: id
            for id, token in tokenizer.added_tokens_decoder.items()
            if token.special and id not in (ids[0], ids[-1], tokenizer.eos_token_id, tokenizer.bos_token_id)
        }
        if not special:
            raise BadData(f"{tokenizer.name_or_path}: the tokenizer has no token to pad with but its end token")
        tokenizer.pad_token = min(special, key=lambda name: ("pad" not in name, special[name]))
    model.config.pad_token_id = tokenizer.pad_token_id
