"""A BERT sentence encoder as an ONNX graph, written from its weights.

Inputs ``input_ids`` and ``attention_mask`` (int64, batch x length), output ``embedding`` (float32,
batch x hidden): mean pooling and L2 normalisation are part of the graph. Only standard operators
are used, so any ONNX runtime can read it; onnxruntime fuses them itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 20
IR_VERSION = 9
MASKED = -1e4  # added to the scores of padding: far below any real score, and finite


@dataclass(frozen=True, slots=True)
class BertShape:
    """The numbers of a BERT configuration that the graph depends on."""

    layers: int
    hidden: int
    heads: int
    epsilon: float


def read_shape(config: Mapping[str, Any]) -> BertShape:
    """Take the shape from a ``config.json``; raises ``ValueError`` on an unsupported variant."""
    if config.get("hidden_act") != "gelu":
        raise ValueError("only BERT encoders with the exact GELU activation are supported")
    if config.get("position_embedding_type", "absolute") != "absolute":
        raise ValueError("only BERT encoders with absolute positions are supported")
    return BertShape(
        layers=int(config["num_hidden_layers"]),
        hidden=int(config["hidden_size"]),
        heads=int(config["num_attention_heads"]),
        epsilon=float(config["layer_norm_eps"]),
    )


class _Graph:
    """Collects nodes and constants; every method returns the name of the value it adds."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output


class _BertBuilder:
    def __init__(self, weights: Mapping[str, NDArray[np.float32]], shape: BertShape) -> None:
        self.weights = weights
        self.shape = shape
        self.graph = _Graph()

    def build(self, *, pooled: bool) -> onnx.ModelProto:
        """Write the whole graph, from token ids to unit vectors or to one vector a token."""
        g = self.graph
        g.constant("axis_length", np.array([1], np.int64))
        g.constant("axes_heads", np.array([1, 2], np.int64))
        head_width = self.shape.hidden // self.shape.heads
        g.constant("split_heads", np.array([0, 0, self.shape.heads, head_width], np.int64))
        g.constant("join_heads", np.array([0, 0, self.shape.hidden], np.int64))
        g.constant("score_scale", np.array(head_width**-0.5, np.float32))
        g.add("Cast", ["attention_mask"], "mask", to=TensorProto.FLOAT)
        self._add_mask_bias()
        hidden = self._add_embeddings()
        for layer in range(self.shape.layers):
            hidden = self._add_layer(layer, hidden)
        if pooled:
            self._add_pooling(hidden)
            return self._finish("embedding", ["batch", self.shape.hidden])
        self.graph.add("Identity", [hidden], "last_hidden_state")
        return self._finish("last_hidden_state", ["batch", "length", self.shape.hidden])

    def _add_mask_bias(self) -> None:
        g = self.graph
        g.add("Unsqueeze", ["mask", "axes_heads"], "mask_per_head")
        g.add("Sub", [g.constant("one", np.array(1, np.float32)), "mask_per_head"], "padding")
        g.add("Mul", ["padding", g.constant("masked", np.array(MASKED, np.float32))], "mask_bias")

    def _add_embeddings(self) -> str:
        g, w = self.graph, self.weights
        words = g.constant("words", w["embeddings.word_embeddings.weight"])
        g.add("Gather", [words, "input_ids"], "word_vectors")
        # Every token has type 0, so its type vector can be added to the positions once.
        positions = w["embeddings.position_embeddings.weight"]
        types = w["embeddings.token_type_embeddings.weight"]
        g.constant("positions", positions + types[0])
        g.add("Shape", ["input_ids"], "length", start=1, end=2)
        start = g.constant("first_position", np.array([0], np.int64))
        g.add("Slice", ["positions", start, "length"], "position_vectors")
        g.add("Add", ["word_vectors", "position_vectors"], "summed_vectors")
        return self._add_norm("summed_vectors", "embeddings.LayerNorm", "layer0")

    def _add_layer(self, layer: int, hidden: str) -> str:
        g, prefix = self.graph, f"encoder.layer.{layer}"
        context = self._add_attention(f"{prefix}.attention", hidden)
        attended = self._add_linear(context, f"{prefix}.attention.output.dense")
        g.add("Add", [attended, hidden], f"{prefix}.attention.sum")
        norm = f"{prefix}.attention.output.LayerNorm"
        middle = self._add_norm(f"{prefix}.attention.sum", norm, f"{prefix}.attention.out")
        wide = self._add_linear(middle, f"{prefix}.intermediate.dense")
        activated = g.add("Gelu", [wide], f"{prefix}.gelu")
        narrow = self._add_linear(activated, f"{prefix}.output.dense")
        g.add("Add", [narrow, middle], f"{prefix}.sum")
        return self._add_norm(f"{prefix}.sum", f"{prefix}.output.LayerNorm", f"{prefix}.out")

    def _add_attention(self, prefix: str, hidden: str) -> str:
        g = self.graph
        for part, order in (
            ("query", [0, 2, 1, 3]),
            ("key", [0, 2, 3, 1]),
            ("value", [0, 2, 1, 3]),
        ):
            flat = self._add_linear(hidden, f"{prefix}.self.{part}")
            g.add("Reshape", [flat, "split_heads"], f"{prefix}.{part}.split")
            g.add("Transpose", [f"{prefix}.{part}.split"], f"{prefix}.{part}", perm=order)
        g.add("MatMul", [f"{prefix}.query", f"{prefix}.key"], f"{prefix}.scores")
        g.add("Mul", [f"{prefix}.scores", "score_scale"], f"{prefix}.scaled")
        g.add("Add", [f"{prefix}.scaled", "mask_bias"], f"{prefix}.biased")
        g.add("Softmax", [f"{prefix}.biased"], f"{prefix}.weights", axis=-1)
        g.add("MatMul", [f"{prefix}.weights", f"{prefix}.value"], f"{prefix}.context")
        g.add("Transpose", [f"{prefix}.context"], f"{prefix}.rows", perm=[0, 2, 1, 3])
        return g.add("Reshape", [f"{prefix}.rows", "join_heads"], f"{prefix}.joined")

    def _add_linear(self, value: str, name: str) -> str:
        g = self.graph
        weight = g.constant(f"{name}.weight", self.weights[f"{name}.weight"].T)
        bias = g.constant(f"{name}.bias", self.weights[f"{name}.bias"])
        g.add("MatMul", [value, weight], f"{name}.product")
        return g.add("Add", [f"{name}.product", bias], f"{name}.sum")

    def _add_norm(self, value: str, name: str, output: str) -> str:
        g = self.graph
        scale = g.constant(f"{name}.weight", self.weights[f"{name}.weight"])
        bias = g.constant(f"{name}.bias", self.weights[f"{name}.bias"])
        inputs = [value, scale, bias]
        return g.add("LayerNormalization", inputs, output, axis=-1, epsilon=self.shape.epsilon)

    def _add_pooling(self, hidden: str) -> None:
        g = self.graph
        g.add("Unsqueeze", ["mask", "axis_length"], "mask_row")
        g.add("MatMul", ["mask_row", hidden], "token_sum_row")
        g.add("Squeeze", ["token_sum_row", "axis_length"], "token_sum")
        g.add("ReduceSum", ["mask", "axis_length"], "token_count", keepdims=1)
        g.add("Div", ["token_sum", "token_count"], "mean")
        g.add("LpNormalization", ["mean"], "embedding", axis=-1, p=2)

    def _finish(self, output: str, shape: list[str | int]) -> onnx.ModelProto:
        def describe(name: str, kind: int, shape: list[str | int]) -> onnx.ValueInfoProto:
            return helper.make_tensor_value_info(name, kind, shape)

        graph = helper.make_graph(
            self.graph.nodes,
            "sentence_encoder",
            [
                describe("input_ids", TensorProto.INT64, ["batch", "length"]),
                describe("attention_mask", TensorProto.INT64, ["batch", "length"]),
            ],
            [describe(output, TensorProto.FLOAT, shape)],
            self.graph.constants,
        )
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)


def build_encoder(
    weights: Mapping[str, NDArray[np.float32]], *, config: Mapping[str, Any], pooled: bool = True
) -> onnx.ModelProto:
    """Return the encoder's graph for BERT ``weights`` (names as in a safetensors file).

    Without ``pooled`` its output is ``last_hidden_state`` (batch x length x hidden) instead.
    Raises ``KeyError`` when a weight is absent and ``ValueError`` on an unsupported variant.
    """
    return _BertBuilder(weights, read_shape(config)).build(pooled=pooled)
