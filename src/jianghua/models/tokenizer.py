"""The text normalisation a model needs, inside its `tokenizer.json`, and the vocabulary of the small BERT.

Stored text is as the source has it. What a model reads is normalised by rules that travel with the
tokenizer, so that plain `pipeline(...)` and our own scripts see the same tokens:

1. zero-width characters go;
2. NFKC (full-width digits and letters, the ideographic space, compatibility characters);
3. punctuation that NFKC or a careless keyboard made half-width becomes full-width again wherever it
   does not stand between Latin letters or digits: `成绩,也` → `成绩，也`, but `1,000` and `10:30` stay;
4. dots in a row become one ellipsis;
5. white space between two Chinese characters or marks goes (scans and careless typing are full of it);
6. characters that a vocabulary lacks though Chinese text is full of them (“ ” ‘ ’ — …, absent from the
   usual 21,128 entries) become the nearest that it has, instead of `[UNK]`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer
    from transformers import PreTrainedTokenizerBase

# patterns of the files that a tokenizer may be written in: its entries, and its settings
VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
TOKENIZER_FILES = (*VOCABULARIES, "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt")
SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
HALF_TO_FULL = {",": "，", ";": "；", ":": "：", "?": "？", "!": "！", "(": "（", ")": "）"}
NEAREST = {"“": '"', "”": '"', "‘": "'", "’": "'", "—": "-", "…": "...", "「": '"', "」": '"'}
AT_ONCE = 1000  # texts a call of the tokenizer, which gives back fifty times what is kept of it
PUNCTUATION = "，。、；：？！（）《》〈〉“”‘’「」『』【】〔〕—…·％%"


def normaliser_rules(vocabulary: Iterable[str] | None = None) -> list:
    """The rules above as `tokenizers` normalisers; rule 6 only for what `vocabulary` lacks."""
    from tokenizers import Regex, normalizers

    rules = [
        normalizers.Replace(Regex("[\u200b-\u200f\u2060\ufeff\u00ad]"), ""),
        normalizers.NFKC(),
    ]
    for half, full in HALF_TO_FULL.items():
        escaped = "\\" + half
        rules.append(normalizers.Replace(Regex(rf"(?<![0-9A-Za-z]){escaped}|{escaped}(?![0-9A-Za-z ])"), full))
    rules.append(normalizers.Replace(Regex(r"\.{3,}|…+"), "…"))
    chinese = "\u3001-\u303f\u4e00-\u9fff\uff01-\uff5e“”‘’—…"
    rules.append(normalizers.Replace(Regex(rf"(?<=[{chinese}])\s+(?=[{chinese}])"), ""))
    if vocabulary is not None:
        known = set(vocabulary)
        rules += [normalizers.Replace(char, near) for char, near in NEAREST.items() if char not in known]
        missing_full = {full: half for half, full in HALF_TO_FULL.items() if full not in known and half in known}
        rules += [normalizers.Replace(full, half) for full, half in missing_full.items()]
    return rules


def normalise_for(tokenizer: "PreTrainedTokenizerBase") -> None:
    """Put the rules in front of a loaded tokenizer's own normaliser, once; they are saved with it.

    Rule 6 goes by what the tokenizer can read, not by the spelling of its entries: a byte-level vocabulary
    (Qwen, ModernBERT) spells “，” as three bytes and would otherwise lose all Chinese punctuation.
    """
    from tokenizers import normalizers

    backend = tokenizer.backend_tokenizer
    if "u200b" in repr(backend.normalizer) or "\u200b" in repr(backend.normalizer):
        return
    unknown = unknown_ids(tokenizer)
    marks = {*NEAREST, *HALF_TO_FULL, *HALF_TO_FULL.values()}
    readable = {m for m in marks if not unknown & set(backend.encode(m, add_special_tokens=False).ids)}
    rules = normaliser_rules(readable)
    if backend.normalizer is not None:
        rules.append(backend.normalizer)
    backend.normalizer = normalizers.Sequence(rules)


def train_vocabulary(texts: Iterable[str], size: int = 16_000) -> "Tokenizer":
    """A byte-pair tokenizer (Sennrich et al. 2016, §3.2) of single characters and of words of up to four.

    Chinese official prose repeats its words; with words as tokens a paragraph is a good third shorter
    than in characters, and a small model need not learn which characters make one. At most two fifths
    of the entries are single characters, the most frequent ones; punctuation and digits stay apart.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    bert = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=True)
    tokenizer.normalizer = normalizers.Sequence([*normaliser_rules(), bert])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Punctuation("isolated"),
            pre_tokenizers.Digits(individual_digits=True),
        ]
    )
    tokenizer.decoder = decoders.Fuse()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        limit_alphabet=size * 2 // 5,
        initial_alphabet=list(PUNCTUATION),
        max_token_length=4,
        special_tokens=list(SPECIAL_TOKENS),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    ids = {token: tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]")}
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=list(ids.items()),
    )
    return tokenizer


def save_bert_tokenizer(tokenizer: "Tokenizer", folder: str, max_length: int) -> None:
    """Write `tokenizer.json` and `tokenizer_config.json` so that `AutoTokenizer` loads it as it is."""
    from transformers import PreTrainedTokenizerFast

    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=max_length,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **dict(zip(names, SPECIAL_TOKENS, strict=True)),
    ).save_pretrained(folder)


def encodings(tokenizer: "Tokenizer", texts: Sequence[str], offsets: bool = False) -> Iterator["Encoding"]:
    """What a tokenizer says of each text, some texts at a time: the encodings of a million would take 20 GB."""
    encode = tokenizer.encode_batch if offsets else tokenizer.encode_batch_fast
    for start in range(0, len(texts), AT_ONCE):
        yield from encode(list(texts[start : start + AT_ONCE]))


def unknown_ids(tokenizer: "PreTrainedTokenizerBase") -> set[int]:
    """Ids that stand for what the vocabulary lacks: `[UNK]`, and the single bytes of a byte-fallback vocabulary."""
    bytes_ = {id for token, id in tokenizer.get_vocab().items() if re.fullmatch(r"<0x[0-9A-F]{2}>", token)}
    return bytes_ | ({tokenizer.unk_token_id} if tokenizer.unk_token_id is not None else set())


def unknown_share(tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str]) -> float:
    """Share of tokens that are `[UNK]` (or fallback bytes), special tokens left out.

    0 by construction for a byte-level vocabulary, which has a token for every byte.
    """
    unknown = unknown_ids(tokenizer)
    encodings = tokenizer.backend_tokenizer.encode_batch(list(texts), add_special_tokens=False)
    total = sum(len(encoding.ids) for encoding in encodings)
    return sum(id in unknown for encoding in encodings for id in encoding.ids) / total if total else 0.0
