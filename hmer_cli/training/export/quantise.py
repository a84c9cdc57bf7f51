"""INT8 quantisation of convolutions and matrix products; takes half the time.

Input and output: an ONNX model. After Jacob et al. (CVPR 2018, section 2): weights with a scale per
output channel, activations with one per tensor, batch norm folded into both. ONNX Runtime computes
in INT8 where a convolution stands between `DequantizeLinear` and `QuantizeLinear`. Inputs of matrix
products are quantised dynamically.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from hmer_cli.models.session import open_session

BYTES, STEPS = ".int8", ".step"
"""Suffixes of the names of a quantised matrix and of its scales."""

MOST = 63
"""Weights have seven bits; eight overflow on processors that add products in 16 bits."""

_SMALL = 4096
"""Smaller tensors are not quantised."""

_CONTRIBUTED = "com.microsoft"
"""The domain of the operators that ONNX Runtime adds to those of ONNX."""

_EPSILON = 1e-5
"""PyTorch's, which ONNX names only where it is another."""

Feed = Mapping[str, NDArray[np.generic]]
Range = tuple[float, float]


@dataclass(frozen=True)
class Block:
    """A convolution with its batch norm, and its ReLU if that is all that follows.

    ``weight`` names its weights, ``before`` what it sees, ``after`` what comes out of all three.
    """

    conv: NodeProto
    norm: NodeProto
    weight: str
    before: str
    after: str


def quantise(model: onnx.ModelProto) -> None:
    """Store matrices in INT8, with one scale per row.

    Products and LSTMs are computed in INT8; other uses are dequantised, which is folded at loading.
    """
    graph = model.graph
    multiplied, states = factors(graph), recurrent(graph)
    if any(math.prod(t.dims) < _SMALL for t in graph.initializer if t.name in states):
        states = set()
    in_bytes = states.union(multiplied.values())
    whole, unpacked = set(), []
    for tensor in list(graph.initializer):
        value = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or value.ndim < 2 or value.size < _SMALL:
            continue
        name = tensor.name
        whole.add(name)
        most = np.abs(value).max(axis=tuple(range(1, value.ndim)), keepdims=True)
        steps = MOST if name in in_bytes else 127
        step = np.where(most > 0, most / steps, 1).astype(np.float32)
        rounded = np.round(value / step).astype(np.int8)
        tensor.CopyFrom(numpy_helper.from_array(rounded, f"{name}{BYTES}"))
        graph.initializer.append(numpy_helper.from_array(step, f"{name}{STEPS}"))
        if name not in in_bytes:
            unpacked += [
                helper.make_node("Cast", [f"{name}{BYTES}"], [f"{name}.f"], to=TensorProto.FLOAT),
                helper.make_node("Mul", [f"{name}.f", f"{name}{STEPS}"], [name]),
            ]
    nodes = [*unpacked, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    quantise_products(model, {k: v for k, v in multiplied.items() if v in whole})
    if states:
        quantise_recurrent(model, states)


def quantise_convolutions(model: onnx.ModelProto, feeds: Iterable[Feed]) -> None:
    """Quantise the convolutions, by the ranges of their activations on ``feeds``.

    The first, of one channel, stays as it is: the ink would lose more than time is won. So do those
    without batch norm. The parameters stay in the file under their own names, as
    `hmer_cli.training.export.onnx.restore` asks.
    """
    blocks = list(_blocks(model.graph))
    ranges = _ranges(model, sorted({n for b in blocks for n in (b.before, b.after)}), feeds)
    tensors = {t.name: t for t in model.graph.initializer}
    # The exporter stores equal tensors once.
    same = {n.output[0]: n.input[0] for n in model.graph.node if n.op_type == "Identity"}
    added: dict[str, list[NodeProto]] = {}
    for block in blocks:
        gamma, beta, mean, variance = (
            numpy_helper.to_array(tensors[same.get(name, name)]) for name in block.norm.input[1:]
        )
        gain = gamma / np.sqrt(variance + _epsilon(block.norm))
        matrix = numpy_helper.to_array(tensors[block.weight])
        most = np.abs(matrix).max(axis=(1, 2, 3), keepdims=True)
        # Steps of the sign of the gain: those of the folded weights must be positive.
        step = np.where(most > 0, most / MOST, 1) * np.where(gain < 0, -1, 1)[:, None, None, None]
        whole = np.round(matrix / step).astype(np.int8)
        tensors[block.weight].CopyFrom(numpy_helper.from_array(whole, f"{block.weight}{BYTES}"))
        folded = np.maximum(step.reshape(-1) * gain, 1e-12).astype(np.float32)
        offset = folded * _step(ranges[block.before])[0]
        shift = np.clip(np.round((beta - mean * gain) / offset), -(2**31) + 1, 2**31 - 1)
        _keep(model, f"{block.weight}{STEPS}", step.astype(np.float32))
        added[block.conv.name] = [
            _float(model, f"{block.weight}{BYTES}", folded, f"{block.conv.name}.weight"),
            _float(model, f"{block.conv.name}.shift", offset, shift=shift.astype(np.int32)),
        ]
    _rewire(model, blocks, ranges, added)


def factors(graph: onnx.GraphProto) -> dict[str, str]:
    """Matrices that are only multiplied with: name in the product -> name in storage."""
    users, stored = _users(graph), {tensor.name for tensor in graph.initializer}
    found = {}
    for node in graph.node:
        if node.op_type == "Transpose" and node.input[0] in stored:
            (turned,), (matrix,) = node.output, node.input
            products = users.get(turned, [])
            if len(users[matrix]) == 1 and all(
                user.op_type == "MatMul" and user.input[1] == turned for user in products
            ):
                found[turned] = matrix
    return found


def quantise_products(model: onnx.ModelProto, matrices: Mapping[str, str]) -> None:
    """Quantise the products with ``matrices``, see `factors`.

    The matrices must be in the file as bytes and steps, of which none is beyond MOST.
    """
    rounded: dict[str, list[str]] = {}
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        if node.output[0] in matrices:
            matrix = matrices[node.output[0]]
            for end in (BYTES, STEPS):
                name = f"{matrix}{end}"
                nodes.append(helper.make_node("Transpose", [name], [f"{name}.turned"], perm=[1, 0]))
        elif node.op_type == "MatMul" and node.input[1] in matrices:
            nodes += _product(node, matrices[node.input[1]], rounded)
        else:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def recurrent(graph: onnx.GraphProto) -> set[str]:
    """The names of the weight matrices of LSTMs."""
    made = {name: node for node in graph.node for name in node.output}
    stored = {tensor.name for tensor in graph.initializer}
    found: set[str] = set()
    for node in graph.node:
        above = [*node.input[1:3]] if node.op_type == "LSTM" else []
        while above:
            name = above.pop()
            if name in stored:
                found.add(name)
            elif name in made:
                above += _rows_of(made[name])
    return found


def quantise_recurrent(model: onnx.ModelProto, matrices: Collection[str]) -> None:
    """Compute the LSTMs with ``matrices``, see `recurrent`, in INT8, inputs and states quantised
    dynamically.

    The matrices must be in the file as bytes and steps, of which none is beyond MOST.
    """
    made = {name: node for node in model.graph.node for name in node.output}
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        nodes += _lstm(node, made, matrices) if node.op_type == "LSTM" else [node]
    # What was copied is of no use in float, in which the matrices are no longer there.
    copied = {each.output[0].removesuffix(BYTES) for each in nodes if each.name.endswith(BYTES)}
    nodes = [each for each in nodes if copied.isdisjoint(each.output)]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    if not any(each.domain == _CONTRIBUTED for each in model.opset_import):
        model.opset_import.append(helper.make_opsetid(_CONTRIBUTED, 1))


def _lstm(
    node: NodeProto, made: Mapping[str, NodeProto], matrices: Collection[str]
) -> list[NodeProto]:
    """The nodes of an LSTM in INT8."""
    nodes: list[NodeProto] = []
    given = []
    for name in node.input[1:3]:
        whole, steps, zeros = (f"{node.output[0]}.{name}{end}" for end in (BYTES, STEPS, ".zero"))
        rows = _copied(name, BYTES, made, matrices, nodes)
        nodes.append(helper.make_node("Transpose", [rows], [whole], perm=[0, 2, 1]))
        column = _copied(name, STEPS, made, matrices, nodes)
        axis = numpy_helper.from_array(np.array([2], np.int64))
        nodes.append(helper.make_node("Constant", [], [f"{steps}.axis"], value=axis))
        nodes.append(helper.make_node("Squeeze", [column, f"{steps}.axis"], [steps]))
        nodes.append(helper.make_node("Sub", [steps, steps], [f"{zeros}.float"]))
        nodes.append(
            helper.make_node("Cast", [f"{zeros}.float"], [zeros], to=onnx.TensorProto.INT8)
        )
        given.append([whole, steps, zeros])
    (w, *w_scale), (r, *r_scale) = given
    rest = [*node.input[3:], "", "", "", "", ""][:5]
    lstm = helper.make_node(
        "DynamicQuantizeLSTM",
        [node.input[0], w, r, *rest, *w_scale, *r_scale],
        list(node.output),
        domain=_CONTRIBUTED,
    )
    lstm.attribute.extend(node.attribute)
    return [*nodes, lstm]


def _rows_of(node: NodeProto) -> list[str]:
    """The inputs of a node that rearranges rows."""
    return list(node.input if node.op_type == "Concat" else node.input[:1])


def _copied(
    name: str,
    end: str,
    made: Mapping[str, NodeProto],
    matrices: Collection[str],
    nodes: list[NodeProto],
) -> str:
    """The name of what rearranges the rows of matrices as ``name`` does, but of their ``end``."""
    if name in matrices:
        return f"{name}{end}"
    copy = NodeProto()
    copy.CopyFrom(made[name])
    for i, each in enumerate(_rows_of(made[name])):
        copy.input[i] = _copied(each, end, made, matrices, nodes)
    copy.name, copy.output[0] = f"{copy.name}{end}", f"{name}{end}"
    nodes.append(copy)
    return f"{name}{end}"


def _product(node: NodeProto, matrix: str, rounded: dict[str, list[str]]) -> list[NodeProto]:
    """The nodes of a product in INT8; ``rounded`` are activations that are quantised already."""
    (out,), factor = node.output, node.input[0]
    nodes = []
    if factor not in rounded:
        rounded[factor] = [f"{factor}.{end}" for end in ("bytes", "step", "zero")]
        nodes.append(helper.make_node("DynamicQuantizeLinear", [factor], rounded[factor]))
    whole, step, zero = rounded[factor]
    nodes += [
        helper.make_node(
            "MatMulInteger", [whole, f"{matrix}{BYTES}.turned", zero], [f"{out}.whole"]
        ),
        helper.make_node("Cast", [f"{out}.whole"], [f"{out}.float"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", [step, f"{matrix}{STEPS}.turned"], [f"{out}.steps"]),
        helper.make_node("Mul", [f"{out}.float", f"{out}.steps"], [out]),
    ]
    return nodes


def _users(graph: onnx.GraphProto) -> dict[str, list[NodeProto]]:
    users: dict[str, list[NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    return users


def _blocks(graph: onnx.GraphProto) -> Iterator[Block]:
    users = _users(graph)
    sizes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type != "Conv" or sizes.get(node.input[1], (0, 0))[1] == 1:
            continue
        follow = users.get(node.output[0], [])
        if [n.op_type for n in follow] != ["BatchNormalization"]:
            continue
        norm = follow[0]
        last = users.get(norm.output[0], [])
        after = last[0] if [n.op_type for n in last] == ["Relu"] else norm
        yield Block(node, norm, node.input[1], node.input[0], after.output[0])


def _ranges(model: onnx.ModelProto, names: list[str], feeds: Iterable[Feed]) -> dict[str, Range]:
    """The least and the greatest value of each tensor, 0 among them."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    del watched.graph.output[:]
    watched.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = open_session(watched.SerializeToString())
    low, high = np.zeros(len(names)), np.zeros(len(names))
    for feed in feeds:
        values = session.run(names, dict(feed))
        low = np.minimum(low, [value.min() for value in values])
        high = np.maximum(high, [value.max() for value in values])
    return dict(zip(names, zip(low.tolist(), high.tolist(), strict=True), strict=True))


def _step(bounds: Range) -> tuple[float, int]:
    """Scale and zero point of uint8 over this range."""
    step = max((bounds[1] - bounds[0]) / 255, 1e-12)
    return step, round(-bounds[0] / step)


def _epsilon(norm: NodeProto) -> float:
    return next((a.f for a in norm.attribute if a.name == "epsilon"), _EPSILON)


def _keep(model: onnx.ModelProto, name: str, value: NDArray[np.generic]) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))


def _float(
    model: onnx.ModelProto,
    name: str,
    steps: NDArray[np.float32],
    out: str = "",
    shift: NDArray[np.int32] | None = None,
) -> NodeProto:
    """The node that makes whole numbers float, row by row; ``shift`` are these if not yet kept."""
    if shift is not None:
        _keep(model, name, shift)
    out = out or f"{name}.float"
    _keep(model, f"{out}.steps", steps)
    return helper.make_node("DequantizeLinear", [name, f"{out}.steps"], [out], axis=0)


def _rewire(
    model: onnx.ModelProto,
    blocks: list[Block],
    ranges: Mapping[str, Range],
    added: Mapping[str, list[NodeProto]],
) -> None:
    """Insert the new nodes in order, and replace activations by quantised ones."""
    rounded = {name: f"{name}.rounded" for name in ranges}
    convs = {block.conv.name: block for block in blocks}
    gone = {block.norm.name for block in blocks}
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        if node.name in gone:
            continue
        for i, name in enumerate(node.input):
            node.input[i] = rounded.get(name, name)
        if node.name in convs:
            block, (weight, shift) = convs[node.name], added[node.name]
            node.input[1] = weight.output[0]
            node.input.append(shift.output[0])
            node.output[0] = block.norm.output[0]
            nodes += [weight, shift]
        nodes.append(node)
        for name in node.output:
            if name in ranges:
                nodes += _rounded(model, name, rounded[name], ranges[name])
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _rounded(model: onnx.ModelProto, name: str, rounded: str, bounds: Range) -> list[NodeProto]:
    step, zero = _step(bounds)
    _keep(model, f"{name}.step", np.array(step, np.float32))
    _keep(model, f"{name}.zero", np.array(zero, np.uint8))
    scale = [f"{name}.step", f"{name}.zero"]
    return [
        helper.make_node("QuantizeLinear", [name, *scale], [f"{name}.bytes"]),
        helper.make_node("DequantizeLinear", [f"{name}.bytes", *scale], [rounded]),
    ]
