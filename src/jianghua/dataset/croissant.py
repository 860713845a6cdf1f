"""Croissant metadata of a build (1.0, docs.mlcommons.org/croissant): what tools read without opening the files."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from jianghua.dataset.build import Build, parquet_path
from jianghua.files import file_sha256
from jianghua.schema import CONFIGS, LABELS, SPLITS, BadData

# the standard context of Croissant 1.0; most terms are their own name in its vocabulary
_TERMS = (
    "arrayShape citeAs column equivalentProperty extract field fileObject fileProperty fileSet format includes isArray "
    "isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace samplingRate "
    "separator source subField transform"
)
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
} | {term: f"cr:{term}" for term in _TERMS.split()}
_TEXT = ("id", "doc_id", "title", "text", "sha256", "source", "occasion", "level", "register", "noise")
ABOUT = {
    "id": "paragraph: document and place",
    "doc_id": "document",
    "position": "0-based place in the document",
    "title": "title of the speech",
    "text": "the paragraph",
    "sha256": "SHA-256 of the text",
    "source": "constructed or public",
    "occasion": "occasion of the speech, constructed speeches only",
    "level": "level of the speaker, constructed speeches only",
    "register": "formulaic, plain, spoken, blunt or warm; constructed speeches only",
    "year": "year of the speech",
    "noise": "realistic noise in the text, if any",
    "agreement": "share of votes for the gold label (functions: mean over the four functions)",
    "label": "primary function: " + ", ".join(f"{i} {name}" for i, name in enumerate(LABELS)),
    "functions": "all functions, maybe none: " + ", ".join(f"{i} {name}" for i, name in enumerate(LABELS)),
}


def release(data: Path) -> tuple[str, str]:
    """Version and date of the newest entry of `CHANGELOG.md` in `data` (`## 1.0.0 (2026-01-31)`)."""
    path = data / "CHANGELOG.md"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    found = re.search(r"^## (\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\)$", text, re.MULTILINE)
    if not found:
        raise BadData(f"{path}: no heading such as “## 1.0.0 (2026-01-31)” names the version of the data")
    return found[1], found[2]


def croissant(build: Build, folder: Path, data: Path, further: Mapping[str, tuple[str, Mapping[str, str]]] = {}) -> str:
    """`croissant.json` for the Parquet files that stand in `folder`, one FileObject each, as JSON text.

    `further` describes more split configurations: name → (`primary` or `functions`, split → file in
    `folder`); a file that two configurations share is one FileObject.
    """
    version, date = release(data)
    parts = {name: (name, {split: parquet_path(name, split) for split in SPLITS}) for name in CONFIGS} | dict(further)
    files, record_sets = {}, []
    for name, (config, paths) in parts.items():
        for split, path in paths.items():
            files.setdefault(
                path,
                {
                    "@type": "cr:FileObject",
                    "@id": f"{name}-{split}",
                    "name": f"{name}-{split}",
                    "description": f"{split} part of the configuration {name}",
                    "contentUrl": path,
                    "encodingFormat": "application/x-parquet",
                    "sha256": file_sha256(folder / path),
                },
            )
            record_set = f"{name}_{split}"
            record_sets.append(
                {
                    "@type": "cr:RecordSet",
                    "@id": record_set,
                    "name": record_set,
                    "description": f"paragraphs of {name}, {split}",
                    "field": [_field(record_set, files[path]["@id"], column) for column in _columns(config)],
                }
            )
    record = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": "jianghua",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "description": "What Chinese officials' speeches do, paragraph by paragraph: praise, criticism, directive, "
        f"anecdote, or none of these. The {build.name} build; labels are silver (voted on by a model).",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "inLanguage": "zh",
        "keywords": ["Chinese", "political speech", "text classification"],
        "version": version,
        "datePublished": date,
        "citeAs": "@misc{jianghua, title={Jianghua: what officials' speeches do}, author={Jianghua contributors}}",
        "creator": {"@type": "sc:Organization", "name": "Jianghua contributors"},
        "distribution": list(files.values()),
        "recordSet": record_sets,
    }
    return json.dumps(record, ensure_ascii=False, indent=1) + "\n"


def _columns(config: str) -> list[str]:
    return [*_TEXT, "position", "year", "agreement", "label" if config == "primary" else "functions"]


def _field(record_set: str, file: str, column: str) -> dict:
    kind = "sc:Text" if column in _TEXT else "sc:Float" if column == "agreement" else "sc:Integer"
    field = {
        "@type": "cr:Field",
        "@id": f"{record_set}/{column}",
        "name": column,
        "description": ABOUT[column],
        "dataType": kind,
        "source": {"fileObject": {"@id": file}, "extract": {"column": column}},
    }
    if column == "functions":
        field |= {"isArray": True, "arrayShape": "-1"}
    return field
