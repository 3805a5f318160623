"""One shim for either inference library, and one model in it: shapes and types checked once, nothing left in the input.

The library's own buffers behind the input cannot be promised wiped; they die with the process.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillroom.errors import InputError, SetupError
from stillroom.eye.weights import Weights

Floats = NDArray[np.float32]
CHATTER = (b"INFO: ", b"VERBOSE: ")
"""How lines begin that tell of nothing wrong."""
LIBRARIES = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter")


def library() -> Callable[..., Any]:
    """The Interpreter of ai-edge-litert, else of tflite-runtime. Raises SetupError where there is neither."""
    from importlib import import_module

    reasons = []
    for name in LIBRARIES:
        try:
            interpreter: Callable[..., Any] = import_module(name).Interpreter
        except (ImportError, AttributeError, RuntimeError) as error:
            reasons.append(f"{name.split('.')[0]}: {error}")
        else:
            return interpreter
    raise SetupError(f"no library that runs models: pip install ai-edge-litert ({'; '.join(reasons)})")


@contextmanager
def without_chatter() -> Iterator[None]:
    """Standard error without the lines of mere information that the library writes there whenever it loads a model.

    It has no switch for them. All else is passed on as it came, a moment later; what would be written if the process
    were killed meanwhile is lost, and that it was killed is said by who started it.
    """
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)  # a library that says more than a pipe holds must not wait for us
    before = os.dup(2)
    try:
        os.dup2(writing, 2)
        yield
    finally:
        os.dup2(before, 2)
        os.close(writing)
        with suppress(BlockingIOError):
            lines = os.read(reading, 65_536).splitlines(keepends=True)
            os.write(2, b"".join(line for line in lines if not line.startswith(CHATTER)))
        os.close(reading)
        os.close(before)


class Net:
    """One model, one thread. Raises InputError for a model whose tensors are not as `Weights` says, SetupError."""

    def __init__(self, weights: Weights, content: bytes) -> None:
        make = library()
        try:
            with without_chatter():
                self._interpreter = make(model_content=content, num_threads=1)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise InputError(f"{weights.file}: not a model that this library runs: {error}") from None
        except Exception as error:  # tflite-runtime with numpy 2 ends here, in an error of its C module
            raise SetupError(f"{make.__module__} cannot run models here: {error}") from None
        self._source, self._outputs = self._checked(weights)
        self.side_px = weights.source[1]

    def _checked(self, weights: Weights) -> tuple[int, list[int]]:
        sources = self._interpreter.get_input_details()
        found = [(tuple(map(int, d["shape"])), np.dtype(d["dtype"])) for d in sources]
        if found != [(weights.source, np.dtype(np.float32))]:
            raise InputError(f"{weights.file}: input {found}, must be {weights.source} float32")
        given = self._interpreter.get_output_details()
        outputs = []
        for shape in weights.outputs:
            like = [
                d
                for d in given
                if tuple(map(int, d["shape"])) == shape and d["dtype"] == np.dtype(np.float32)
            ]
            if len(like) != 1:
                raise InputError(f"{weights.file}: {len(like)} outputs of shape {shape} float32, must be 1")
            outputs.append(int(like[0]["index"]))
        return int(sources[0]["index"]), outputs

    def run(self, picture: NDArray[np.uint8], low: float) -> list[Floats]:
        """picture: (side, side, 3) uint8 RGB, mapped to `low` (0 or -1) to 1. The outputs asked for, as copies.

        The picture's copy in the input is overwritten before this returns, however it returns.
        """
        try:
            view = self._view()
            np.multiply(picture, np.float32((1.0 - low) / 255.0), out=view, casting="unsafe")
            if low:
                view += np.float32(low)
            del view  # the library refuses to run while somebody holds a view
            self._interpreter.invoke()
            return [self._interpreter.get_tensor(index)[0] for index in self._outputs]
        finally:
            self._view()[...] = 0

    def blank(self) -> None:
        """Run once on nothing: what the library kept of the last picture is overwritten as far as it writes."""
        self._view()[...] = 0
        self._interpreter.invoke()

    def _view(self) -> Floats:
        view: Floats = self._interpreter.tensor(self._source)()[0]
        return view
