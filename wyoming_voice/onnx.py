"""Opens ONNX models: the one importer of onnxruntime.

Rule: one thread each; more cost more than models as small as ours take.
"""

import os
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

# From 1.29 on it reports to its maker, and keeps a device's number in the user's cache, unless this is
# set before it is loaded (https://github.com/microsoft/onnxruntime/pull/27379).
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state

FAILURES: tuple[type[Exception], ...] = (
    ValueError,
    *(
        raised
        for raised in vars(onnxruntime_pybind11_state).values()
        if isinstance(raised, type) and issubclass(raised, Exception)
    ),
)
"""What onnxruntime raises, for a file as for an input; its own have no class in common."""

Tensor = npt.NDArray[np.float32]


class Model(Protocol):
    """What a model does, once it is open."""

    def run(self, outputs: tuple[str, ...] | None, inputs: dict[str, Tensor]) -> list[Tensor]:
        """The tensors of these names, or all that it gives, from tensors by name."""


def open_model(path: Path) -> Model:
    """The model in a file, on the processor. Raises one of FAILURES for a file that is no model."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    model: Model = onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )
    return model
