"""Sessions of ONNX Runtime, as all models that serve use them."""

from __future__ import annotations

from typing import Any


def open_session(model: bytes, *, threads: int = 1) -> Any:
    """Return a session on the CPU for a serialised *model*.

    Threads beside the first sleep while there is nothing for them: by default they wait busily, at the cost of whoever
    else has work for a core. A model comes as bytes and never as a path, from which it could name other files to read.
    The session's own copy of the bytes, kept to start again on another device, is let go: it is as large as the model.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    session._model_bytes = None
    return session
