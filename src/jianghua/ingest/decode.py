"""Bytes → text, with the encoding found instead of assumed."""

import re

from jianghua.schema import BadData

# the most frequent characters of modern Chinese, simplified and traditional: a wrong decoding has few of them
_COMMON = frozenset(
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学"
    "法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天"
    "政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者"
    "最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期"
    "根论运农指几九区强放决西被干做必战先回则任取据处队南给色光门即保治北造百规热领七海口东导器压志世金增争济阶油思术极交受"
    "這個為時來們國會對發動過說產種後學經進體當點從業應開還無與關間樣數長題黨問義總現實設見計運農決戰處隊給門規領導壓爭濟階術極"
)
_META = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([A-Za-z0-9_-]+)""", re.IGNORECASE)
_SUPERSETS = {"gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "gb_2312-80": "gb18030", "big5": "big5hkscs"}


def _likeness(text: str) -> float:
    """How much decoded text looks like Chinese or plain Latin: share of common characters, less what is odd."""
    letters = [c for c in text if not c.isspace() and not (c.isascii() and not c.isalnum())]
    if not letters:
        return 0.0
    common = sum(c in _COMMON or (c.isascii() and c.isalnum()) for c in letters)
    odd = sum("\ue000" <= c <= "\uf8ff" or c == "\ufffd" or "\x80" <= c <= "\x9f" for c in letters)
    return (common - 10 * odd) / len(letters)


_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\0\0", "utf-32"),  # begins like UTF-16
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_CONTROL = bytes(byte for byte in range(32) if byte < 9 or 13 < byte < 27 or byte > 27)


def decode(raw: bytes, where: str) -> tuple[str, str]:
    """The text of `raw` and the name of its encoding; `BadData` for binary junk and unknown encodings.

    A byte order mark settles it; else UTF-8 if valid; else of what the page declares, UTF-8 with losses,
    GB18030, Big5 and, if none of them fits, what charset-normalizer proposes, the decoding that looks most
    like Chinese.
    """
    if not raw.strip(b"\x00\xef\xbb\xbf\xff\xfe \t\r\n"):
        raise BadData(f"{where}: the file is empty")
    for mark, name in _MARKS:
        if raw.startswith(mark):
            try:
                return raw.decode(name), name
            except UnicodeDecodeError as error:
                raise BadData(f"{where}: starts like {name} but is not valid at byte {error.start}") from None
    sample = raw[:20000]
    if len(sample) - len(sample.translate(None, _CONTROL)) > len(sample) / 100:
        raise BadData(f"{where}: binary data, not a text; convert it to txt, html, docx or pdf first")
    if b"\0" in raw:  # of the encodings without a mark none has any
        line = raw[: raw.index(b"\0")].count(b"\n") + 1
        raise BadData(f"{where}, line {line}: holds a NUL byte, so it is damaged, or no text; save it again as UTF-8")
    try:
        return raw.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    declared = _META.search(raw[:4096])
    names = [declared[1].decode("ascii").lower()] if declared else []
    names = [_SUPERSETS.get(name, name) for name in [*names, "utf-8", "gb18030", "big5hkscs"]]
    found = _decodings(raw, names)
    if max(found, default=(0.0,))[0] < 0.5:
        found += _decodings(raw, _proposed(sample))
    if max(found, default=(0.0,))[0] < 0.25:
        raise BadData(f"{where}: unknown encoding; save it as UTF-8")
    _, name, text = max(found, key=lambda item: item[0])
    return text, name


def _proposed(sample: bytes) -> list[str]:
    """What charset-normalizer takes a sample for; it is asked last, for it takes its time."""
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    return [best.encoding] if best else []


def _decodings(raw: bytes, names: list[str]) -> list[tuple[float, str, str]]:
    """(likeness to Chinese, encoding, text) for every encoding that fits `raw`, give or take a few lost bytes.

    A page that was cut in mid-character, or lost a byte on its way, is still what it was; the lost bytes
    become zero-width spaces.
    """
    found = []
    for name in dict.fromkeys(names):
        try:
            text = raw.decode(name, errors="replace")
        except (LookupError, ValueError):  # no such encoding, or a codec that is none for text
            continue
        lost = text.count("\ufffd")
        if lost <= max(2, len(text) // 500):
            # a clean decoding wins over one that loses something
            found.append((_likeness(text.replace("\ufffd", "")) - 0.01 * lost, name, text.replace("\ufffd", "\u200b")))
    return found
