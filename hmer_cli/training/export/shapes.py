"""Sizes that the exporter computes in a graph -> constants, so that a short run takes less time.

Input and output: an ONNX model. PyTorch writes every size that it reads off a tensor as nodes
(Shape, Gather, Unsqueeze, Concat), even where it never changes; one step of the decoder of a graph
model has a hundred of them. Method: shape inference; a size that it finds is a constant, and the
target of a `Reshape` names sizes that stay where they are as 0, as ONNX provides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx
from onnx import NodeProto, helper, numpy_helper, shape_inference

from hmer_cli.models.embedded import packed, unpacked

Size = int | str | None
"""A number, the name of one that is given when the model is run, or unknown."""

_ROUNDS = 8  # each makes shapes known for the next
_INTEGERS: dict[str, Callable[[int, int], int]] = {
    "Add": int.__add__,
    "Sub": int.__sub__,
    "Mul": int.__mul__,
    "Div": int.__floordiv__,
}


def fold_shapes(model: onnx.ModelProto) -> None:
    """Replace what computes known sizes by constants, and drop the nodes that nobody needs then.

    Parameters stay, also unused ones, which further training begins with.
    """
    for _ in range(_ROUNDS):
        graph = _Shapes(model)
        nodes = [each for node in model.graph.node for each in graph.folded(node)]
        changed = graph.changed
        del model.graph.node[:]
        model.graph.node.extend(nodes)
        _drop_unused(model.graph)
        if not changed:
            return


def fold_embedded(text: str) -> str:
    """The same of a model that is embedded in a file, which an older version may have written."""
    model = onnx.load_from_string(unpacked(text))
    fold_shapes(model)
    return packed(model.SerializeToString(deterministic=True))


class _Shapes:
    """The sizes of the tensors of a model, as far as they are known, and what they fold."""

    def __init__(self, model: onnx.ModelProto) -> None:
        graph = shape_inference.infer_shapes(model, data_prop=True).graph
        self.changed = False
        self._made = {name: node for node in graph.node for name in node.output}
        self._stored = {tensor.name: tensor for tensor in graph.initializer}
        self._sizes: dict[str, list[Size]] = {
            tensor.name: list(tensor.dims) for tensor in graph.initializer
        }
        for value in (*graph.value_info, *graph.input, *graph.output):
            if value.type.tensor_type.HasField("shape"):
                dims = value.type.tensor_type.shape.dim
                self._sizes[value.name] = [
                    dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None
                    for dim in dims
                ]

    def folded(self, node: NodeProto) -> list[NodeProto]:
        """The node, or what takes its place."""
        if node.op_type == "Gather" and self._is_shape(node.input[0]):
            sizes = [size for size in self._elements(node.output[0]) or [] if isinstance(size, int)]
            index = self._constant(node.input[1])
            if index is not None and len(sizes) == index.size:
                value = np.array(sizes, np.int64).reshape(index.shape)
                return [self._kept(node.output[0], value)]
        elif node.op_type == "Reshape" and self._constant(node.input[1]) is None:
            target = self._target(node)
            if target is not None:
                name = f"{node.output[0]}.shape"
                node.input[1] = name
                return [self._kept(name, np.array(target, np.int64)), node]
        return [node]

    def _kept(self, name: str, value: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> NodeProto:
        self.changed = True
        return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value))

    def _target(self, node: NodeProto) -> list[int] | None:
        """The shape that a node gives: 0 where a size stays, -1 for one that is not known."""
        wanted, given = self._elements(node.input[1]), self._sizes.get(node.input[0], [])
        if wanted is None or 0 in wanted:
            return None
        target = []
        for i, size in enumerate(wanted):
            stays = isinstance(size, str) and i < len(given) and given[i] == size
            target.append(size if isinstance(size, int) else 0 if stays else -1)
        return target if target.count(-1) <= 1 else None

    def _is_shape(self, name: str) -> bool:
        return name in self._made and self._made[name].op_type == "Shape"

    def _constant(self, name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]] | None:
        if name in self._stored:
            return numpy_helper.to_array(self._stored[name])
        node = self._made.get(name)
        if node is None or node.op_type != "Constant":
            return None
        return numpy_helper.to_array(node.attribute[0].t)

    def _elements(self, name: str) -> list[Size] | None:
        """Those of a tensor of sizes; None where it is none."""
        value = self._constant(name)
        if value is not None:
            whole = value.dtype == np.int64 and value.ndim <= 1
            return [int(each) for each in value.reshape(-1)] if whole else None
        node = self._made.get(name)
        if node is None:
            return None
        if node.op_type == "Shape" and not node.attribute:
            return self._sizes.get(node.input[0])
        whole = node.op_type == "Cast" and node.attribute[0].i == onnx.TensorProto.INT64
        if whole or node.op_type in ("Unsqueeze", "Squeeze", "Gather", "Concat", *_INTEGERS):
            inputs = [self._elements(each) for each in node.input]
            known = [each for each in inputs if each is not None]
            return _computed(node.op_type, known) if len(known) == len(inputs) else None
        return None


def _computed(operator: str, inputs: Sequence[list[Size]]) -> list[Size] | None:
    """What an operator makes of tensors of sizes."""
    if operator == "Concat":
        return [size for each in inputs for size in each]
    if operator == "Gather":
        sizes, places = inputs
        return [sizes[place] if isinstance(place, int) else None for place in places]
    if operator in _INTEGERS:
        one, other = inputs
        if len(one) != 1 or len(other) != 1:
            return None
        (a,), (b,) = one, other
        both = isinstance(a, int) and isinstance(b, int)
        return [_INTEGERS[operator](a, b) if both else None]  # type: ignore[arg-type]
    return inputs[0]


def _drop_unused(graph: onnx.GraphProto) -> None:
    count = -1
    while count != len(graph.node):
        count = len(graph.node)
        used = {name for node in graph.node for name in node.input}
        used |= {value.name for value in graph.output}
        kept = [node for node in graph.node if not used.isdisjoint(node.output)]
        del graph.node[:]
        graph.node.extend(kept)
