"""Checks exported ONNX models and evaluates them node by node in NumPy. Exit code 77: python3-onnx is not installed.

    evaluate_onnx.py DIRECTORY     a folder for each model: policy.onnx, and rows of what goes in and comes out
"""
import pathlib
import sys

try:
    import numpy
    import onnx
    from onnx import numpy_helper
except ImportError:
    sys.exit(77)

TOLERANCE = 1e-5
TYPES = {onnx.TensorProto.FLOAT: numpy.float32, onnx.TensorProto.DOUBLE: numpy.float64}


def sigmoid(x):
    return (1 / (1 + numpy.exp(-x))).astype(x.dtype)


def reduce_mean(x, axes, keepdims):
    return x.mean(axis=tuple(axes), keepdims=bool(keepdims), dtype=x.dtype)


def slice_of(x, start, end, axis):
    where = [slice(None)] * x.ndim
    for first, last, dimension in zip(start, end, axis):
        where[dimension] = slice(first, last)
    return x[tuple(where)]


def arg_max(x, axis, keepdims):
    return numpy.expand_dims(x.argmax(axis=axis), axis) if keepdims else x.argmax(axis=axis)


def split(x, sizes, axis):
    return numpy.split(x, numpy.cumsum(sizes)[:-1], axis=axis)


OPERATORS = {
    "Add": lambda a, b: a + b,
    "ArgMax": arg_max,
    "Cast": lambda x, to: x.astype(TYPES[to]),
    "Clip": numpy.clip,
    "Concat": lambda *parts, axis: numpy.concatenate(parts, axis=axis),
    "Div": lambda a, b: a / b,
    "Gemm": lambda a, b, c, transB: a @ (b.T if transB else b) + c,
    "Max": numpy.maximum,
    "Min": numpy.minimum,
    "Mul": lambda a, b: a * b,
    "ReduceMean": reduce_mean,
    "ReduceSum": lambda x, axes, keepdims: x.sum(axis=tuple(axes), keepdims=bool(keepdims), dtype=x.dtype),
    "Relu": lambda x: numpy.maximum(x, x.dtype.type(0)),
    "Reshape": lambda x, shape: x.reshape(shape),
    "Sigmoid": sigmoid,
    "Slice": slice_of,
    "Split": split,
    "Sqrt": numpy.sqrt,
    "Sub": lambda a, b: a - b,
    "Tanh": numpy.tanh,
    "Where": numpy.where,
}


def evaluate(model, inputs):
    """The outputs by name. Constants are what an input is when it is left out."""
    values = {constant.name: numpy_helper.to_array(constant) for constant in model.graph.initializer}
    values.update(inputs)
    for node in model.graph.node:
        attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
        result = OPERATORS[node.op_type](*(values[name] for name in node.input), **attributes)
        for name, value in zip(node.output, result if len(node.output) > 1 else [result]):
            # A type that this reader chose would hide one that the model chose wrongly.
            assert value.dtype != numpy.float64 or values[node.input[0]].dtype == numpy.float64 or \
                node.op_type == "Cast", (node.op_type, name)
            values[name] = value
    return {output.name: values[output.name] for output in model.graph.output}


def width_of(value):
    return value.type.tensor_type.shape.dim[1].dim_value


def rows_of(folder, value):
    kind = bool if value.type.tensor_type.elem_type == onnx.TensorProto.BOOL else numpy.float32
    return numpy.fromfile(folder / value.name, dtype=kind).reshape(-1, width_of(value))


def outputs_of(model, inputs):
    """All rows at once, or one after another where each follows from what was remembered."""
    if "memory" not in inputs:
        return evaluate(model, inputs)
    memory, results = inputs["memory"], []
    for row in range(len(inputs["observation"])):
        step = {name: rows[row:row + 1] for name, rows in inputs.items() if name != "memory"}
        results.append(evaluate(model, {**step, "memory": memory}))
        memory = results[-1]["next_memory"]
    return {name: numpy.concatenate([each[name] for each in results]) for name in results[0]}


def check(folder):
    model = onnx.load(str(folder / "policy.onnx"))
    onnx.checker.check_model(model, full_check=True)
    assert [each.version for each in model.opset_import] == [13]
    assert {"environment", "network", "behaviour"} == {each.key for each in model.metadata_props}
    inputs = {}
    for value in model.graph.input:
        is_memory = value.name == "memory"
        inputs[value.name] = numpy.zeros((1, width_of(value)), numpy.float32) if is_memory else rows_of(folder, value)
    found = outputs_of(model, inputs)
    worst = 0
    for value in model.graph.output:
        expected = rows_of(folder, value)
        assert found[value.name].dtype == expected.dtype and found[value.name].shape == expected.shape, value.name
        size = numpy.maximum(1, numpy.abs(expected).max(axis=1, keepdims=True))
        worst = max(worst, float((numpy.abs(found[value.name] - expected) / size).max()))
    assert worst <= TOLERANCE, (folder, worst)
    # Without a mask everything is allowed.
    if "mask" in inputs:
        free = {name: rows for name, rows in inputs.items() if name != "mask"}
        all_allowed = {**free, "mask": numpy.ones_like(inputs["mask"])}
        assert (outputs_of(model, free)["action"] == outputs_of(model, all_allowed)["action"]).all()
    return worst


def main():
    folders = sorted(path for path in pathlib.Path(sys.argv[1]).iterdir() if path.is_dir())
    assert folders, sys.argv[1]
    worst = max(check(folder) for folder in folders)
    print(f"{len(folders)} ONNX models pass the checker, and are within {worst:.1e} of the library")


if __name__ == "__main__":
    main()
