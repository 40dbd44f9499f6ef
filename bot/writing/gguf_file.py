"""Reads the weights of a base model and of an adapter, and writes their sum, as GGUF files.

The gguf package does so too, but takes five seconds for the vocabulary alone, which is copied here
as it stands (the format: ggml's docs/gguf.md). Knows what a Llama in Q4_1 and its adapter need.
"""

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # numpy is imported when it is needed: the engine itself does without
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float32]]
    Bytes = np.ndarray[Any, np.dtype[np.uint8]]

_HEADER = struct.Struct("<4sIQQ")  # magic, version, tensors, fields
_STRING, _ARRAY = 8, 9  # the types of values that say their size themselves
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # of the others
_F32, _F16, _Q4_1, _Q8_0 = 0, 1, 3, 8  # types of tensors
_BYTES = {_F32: (1, 4), _F16: (1, 2), _Q4_1: (32, 20), _Q8_0: (32, 34)}  # weights, in bytes
_ALIGNMENT = 32


@dataclass(frozen=True, slots=True)
class Tensor:
    """A matrix in a file: `shape` is that of the format, columns first."""

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int  # in the file

    @property
    def size(self) -> int:
        """Bytes it takes."""
        count = 1
        for side in self.shape:
            count *= side
        weights, size = _BYTES[self.kind]
        return count // weights * size


class GgufFile:
    """A file's fields, as they stand, and its tensors."""

    def __init__(self, file: Path) -> None:
        with file.open("rb") as opened:
            self._data = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        magic, version, tensors, fields = _HEADER.unpack_from(self._data)
        if magic != b"GGUF" or version != 3:
            raise ValueError(f"{file} is no GGUF file of version 3")
        self._at = _HEADER.size
        self.values: dict[str, int] = {}  # where each field's value begins
        for _ in range(fields):
            name, kind = self._string().decode(), self._take("I")
            self.values[name] = self._at
            self._skip(kind)
        self.fields = self._data[_HEADER.size : self._at]
        self.fields_count = fields
        found = [self._tensor() for _ in range(tensors)]
        start = -(-self._at // _ALIGNMENT) * _ALIGNMENT
        self.tensors = [Tensor(t.name, t.shape, t.kind, start + t.offset) for t in found]

    def float_value(self, name: str) -> float:
        """The value of a field of 32 bits."""
        return float(struct.unpack_from("<f", self._data, self.values[name])[0])

    def bytes_of(self, tensor: Tensor) -> "Bytes":
        """A tensor as it stands."""
        import numpy as np  # noqa: PLC0415

        return np.frombuffer(self._data, np.uint8, tensor.size, tensor.offset)

    def floats_of(self, tensor: Tensor) -> "Floats":
        """A matrix, rows first."""
        import numpy as np  # noqa: PLC0415

        stored = self.bytes_of(tensor)
        if tensor.kind == _Q4_1:
            blocks = stored.reshape(-1, 20)
            scales = blocks[:, :4].copy().view("<f2").astype(np.float32)
            values = np.empty((len(blocks), 32), np.float32)
            values[:, :16], values[:, 16:] = blocks[:, 4:] & 15, blocks[:, 4:] >> 4
            values *= scales[:, :1]
            values += scales[:, 1:]
        else:
            values = stored.view({_F32: "<f4", _F16: "<f2"}[tensor.kind]).astype(np.float32)
        return values.reshape(tensor.shape[::-1])

    def _take(self, layout: str) -> int:
        value: int = struct.unpack_from(f"<{layout}", self._data, self._at)[0]
        self._at += struct.calcsize(layout)
        return value

    def _string(self) -> bytes:
        size = self._take("Q")
        self._at += size
        return self._data[self._at - size : self._at]

    def _skip(self, kind: int) -> None:
        if kind == _STRING:
            self._string()
        elif kind == _ARRAY:
            inner, count = self._take("I"), self._take("Q")
            if inner in _SIZES:
                self._at += count * _SIZES[inner]
            else:
                for _ in range(count):
                    self._skip(inner)
        else:
            self._at += _SIZES[kind]

    def _tensor(self) -> Tensor:
        name = self._string().decode()
        shape = tuple(self._take("Q") for _ in range(self._take("I")))
        return Tensor(name, shape, self._take("I"), self._take("Q"))


def write_merged(base: Path, adapter: Path, file: Path) -> None:
    """Write the model of both: the matrices that the adapter changes as Q8_0, all else as it is.

    Raises ValueError, KeyError or struct.error if one of them is not what it should be.
    """
    model, added = GgufFile(base), GgufFile(adapter)
    sides = {tensor.name: tensor for tensor in added.tensors}
    alpha = added.float_value("adapter.lora.alpha")
    if unknown := sides.keys() - {f"{t.name}.lora_{s}" for t in model.tensors for s in "ab"}:
        raise ValueError(f"{adapter} changes what {base} has not: {min(unknown)}")
    changed = {t.name for t in model.tensors if f"{t.name}.lora_a" in sides}
    with file.open("wb") as out:
        out.write(_HEADER.pack(b"GGUF", 3, len(model.tensors), model.fields_count) + model.fields)
        offset = 0
        for tensor in model.tensors:
            kind = _Q8_0 if tensor.name in changed else tensor.kind
            name, sides_count = tensor.name.encode(), len(tensor.shape)
            layout = f"<Q{len(name)}sI{sides_count}QIQ"
            out.write(
                struct.pack(layout, len(name), name, sides_count, *tensor.shape, kind, offset)
            )
            size = Tensor(tensor.name, tensor.shape, kind, 0).size
            offset += -(-size // _ALIGNMENT) * _ALIGNMENT
        for tensor in model.tensors:
            out.write(bytes(-out.tell() % _ALIGNMENT))
            if tensor.name in changed:
                a, b = (added.floats_of(sides[f"{tensor.name}.lora_{side}"]) for side in "ab")
                matrix = model.floats_of(tensor)
                matrix += (b * (alpha / len(a))) @ a
                out.write(eight_bits(matrix).tobytes())
            else:
                out.write(model.bytes_of(tensor).tobytes())
        out.write(bytes(-out.tell() % _ALIGNMENT))


def eight_bits(matrix: "Floats") -> "Bytes":
    """A matrix as Q8_0: for each 32 weights a scale, and whole numbers up to 127 to multiply."""
    import numpy as np  # noqa: PLC0415

    blocks = matrix.reshape(-1, 32)
    scales = np.abs(blocks).max(axis=1, keepdims=True) / np.float32(127)
    out = np.empty((len(blocks), 34), np.uint8)
    out[:, :2] = scales.astype("<f2").view(np.uint8)
    scales[scales == 0] = 1
    out[:, 2:] = np.rint(blocks / scales).astype(np.int8).view(np.uint8)
    return out.reshape(-1)
