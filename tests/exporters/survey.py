"""What exporters write: real architectures, small, with the weights that they begin with and open dimensions, exported and answered by ONNX Runtime.

    python -m venv target/exporters-venv && target/exporters-venv/bin/pip install -r tests/exporters/requirements.txt
    target/exporters-venv/bin/python tests/exporters/survey.py torch     # keras; then tools, which go on from these
    target/release/examples/node_tests target/exporters/torch.jsonl > target/exporters/torch.tsv     # and each other; cargo xtask node-tests builds it
    target/exporters-venv/bin/python tests/exporters/survey.py write

After `torch` or `keras` there may be a pattern: only the networks whose names match are exported again.

The first writes target/exporters/torch.jsonl, a case a line as those of the node tests; the last docs/exporters.md. Exports are asked for other
sizes than they were made with. None is committed.
"""

import base64
import inspect
import io
import json
import os
import pathlib
import re
import signal
import sys
import warnings

os.environ |= {"HF_HUB_OFFLINE": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
warnings.filterwarnings("ignore")

import numpy
import onnx
import onnxruntime

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FOLDER = ROOT / "target/exporters"
SECONDS_EACH = 240
DATATYPES = {"float32": "FP32", "float16": "FP16", "float64": "FP64", "int64": "INT64", "int32": "INT32", "bool": "BOOL", "uint8": "UINT8", "int8": "INT8"}

# What the sizes are when a network is exported, when it is asked, and when its batch normalisations are set.
EXPORTED = {"batch": 2, "sequence": 6, "height": 5, "width": 7, "boxes": 4, "tall": 33, "wide": 47, "eights_tall": 24, "eights_wide": 40, "samples": 1000}
ASKED = {"batch": 3, "sequence": 9, "height": 11, "width": 6, "boxes": 5, "tall": 48, "wide": 37, "eights_tall": 40, "eights_wide": 32, "samples": 1537}
SETTLED = EXPORTED | {"batch": 32}
RANDOM = numpy.random.default_rng(7)


def numbers(datatype, dims, sizes):
    """What is sent: words, places, masks, boxes or numbers."""
    shape = [sizes.get(dim, dim) for dim in dims]
    if datatype in ("int64", "int32"):
        return RANDOM.integers(3, 99, shape).astype(datatype)
    if datatype == "index":
        return RANDOM.integers(0, min(sizes["sequence"], 8), shape)
    if datatype == "mask":
        lengths = RANDOM.integers(2, shape[1] + 1, (shape[0], 1))
        return (numpy.arange(shape[1])[None] < lengths).astype("int64")
    if datatype == "box":
        corners = RANDOM.uniform(0, 4, (shape[0], 2))
        return numpy.concatenate([corners, corners + RANDOM.uniform(1, 4, (shape[0], 2))], 1).astype("float32")
    return RANDOM.normal(size=shape).astype("float32")


def operators(graph):
    for node in graph.node:
        yield (node.domain + "." if node.domain else "") + node.op_type
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from operators(attribute.g)


def described(name, array):
    data = base64.b64encode(numpy.ascontiguousarray(array).tobytes()).decode()
    return {"name": name, "datatype": DATATYPES.get(array.dtype.name, array.dtype.name), "shape": list(array.shape), "data": data}


def case(family, exporter, name, model, inputs):
    used = sorted(set(operators(model.graph)) | {op for function in model.functions for op in operators(function)})
    record = {"name": f"{family}: {name}, {exporter}", "family": family, "network": name, "exporter": exporter, "operators": used, "rtol": 1e-3, "atol": 1e-4}
    types = {value.name: onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type) for value in model.graph.input}
    given = {name: value.astype(types[name]) for name, value in zip(types, inputs)}
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        found = session.run(None, given)
    except Exception as error:
        return record | {"failed": "ONNX Runtime: " + first_line(error)}
    outputs = [described(value.name, numpy.asarray(array)) for value, array in zip(session.get_outputs(), found)]
    sets = [{"inputs": [described(*pair) for pair in given.items()], "outputs": outputs}]
    return record | {"model": base64.b64encode(model.SerializeToString()).decode(), "sets": sets}


def first_line(error):
    lines = [line for line in str(error).strip().splitlines() if line.strip()] or [""]
    return f"{type(error).__name__}: {lines[0]}"[:200]


def by_torch(network, inputs, dims, is_new):
    import onnx_ir
    import torch

    names = [f"x{idx}" for idx in range(len(inputs))]
    tensors = tuple(torch.from_numpy(value) for value in inputs)
    open_dims = [{axis: dim for axis, dim in enumerate(each[1:]) if isinstance(dim, str)} for each in dims]
    if not is_new:
        buffer = io.BytesIO()
        torch.onnx.export(network, tensors, buffer, dynamo=False, opset_version=17, input_names=names, dynamic_axes=dict(zip(names, open_dims)))
        return onnx.load_from_string(buffer.getvalue())
    takes_any = any(parameter.kind == parameter.VAR_POSITIONAL for parameter in inspect.signature(network.forward).parameters.values())
    dynamic = tuple(open_dims)
    with torch.no_grad():
        program = torch.onnx.export(network, tensors, dynamo=True, dynamic_shapes=(dynamic,) if takes_any else dynamic, input_names=names, verbose=False)
    model = onnx_ir.to_proto(program.model)
    for node in model.graph.node:
        node.ClearField("metadata_props")
    return model


def settle(network, inputs):
    """Gives batch normalisations the means and variances of what they are given. With those that they begin with, deep networks answer nearly nothing."""
    import torch

    def of(module, given):
        x, axes = given[0], [axis for axis in range(given[0].ndim) if axis != 1]
        if x.numel() > x.shape[1]:
            module.running_mean.copy_(x.mean(axes))
            module.running_var.copy_(x.var(axes))

    found = [module for module in network.modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)]
    hooks = [module.register_forward_pre_hook(of) for module in found]
    if found:
        with torch.no_grad():
            network(*map(torch.from_numpy, inputs))
    for hook in hooks:
        hook.remove()


def torch_cases():
    import torch
    import torch_networks

    for family, networks in [("modules", torch_networks.modules()), ("torchvision", torch_networks.torch_vision()), ("transformers", torch_networks.hugging_face())]:
        for name, make, dims in networks:
            for is_new in (True, False):
                exporter = "torch.export" if is_new else "TorchScript"

                def export(make=make, dims=dims, is_new=is_new):
                    torch.manual_seed(0)
                    network = make().eval()
                    settle(network, [numbers(each[0], each[1:], SETTLED) for each in dims])
                    return by_torch(network, [numbers(each[0], each[1:], EXPORTED) for each in dims], dims, is_new)

                yield family, exporter, name, export, [numbers(each[0], each[1:], ASKED) for each in dims]


def settle_keras(network, given):
    """As `settle`."""
    import keras

    found = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in found:
        layer.momentum = 0.0
    if found:
        network(given, training=True)


def keras_cases():
    import keras
    import keras_networks

    def exported(make, given):
        keras.utils.set_random_seed(0)
        path = FOLDER / "keras.onnx"
        network = make()
        network(given)
        settle_keras(network, numbers(given.dtype.name, [SETTLED["batch"], *given.shape[1:]], {}))
        network.export(path, format="onnx", verbose=False)
        return onnx.load(path)

    for name, make, shape, datatype in keras_networks.networks():
        sizes = [ASKED["batch"], *(ASKED["sequence"] if size is None else size for size in shape)]
        given = numbers(datatype, sizes, {})
        yield "keras", "Keras", name, lambda make=make, given=given: exported(make, given), [given]


def timed_out(*_):
    raise TimeoutError(f"takes longer than {SECONDS_EACH} s")


def kept(path, pattern):
    """The lines of networks that are not asked for."""
    lines = path.read_text().splitlines(keepends=True) if path.exists() and pattern else []
    return [line for line in lines if not re.search(pattern, json.loads(line)["network"])]


def export_all(name, cases, pattern):
    FOLDER.mkdir(parents=True, exist_ok=True)
    onnxruntime.set_default_logger_severity(4)
    signal.signal(signal.SIGALRM, timed_out)
    paths = FOLDER / f"{name}.jsonl", FOLDER / f"{name}-failed.jsonl"
    before = [kept(path, pattern) for path in paths]
    with paths[0].open("w") as file, paths[1].open("w") as failures:
        file.writelines(before[0])
        failures.writelines(before[1])
        for family, exporter, network, export, inputs in cases:
            if not re.search(pattern, network):
                continue
            signal.alarm(SECONDS_EACH)
            try:
                record = case(family, exporter, network, export(), inputs)
            except Exception as error:
                record = {"name": f"{family}: {network}, {exporter}", "family": family, "network": network, "exporter": exporter, "failed": first_line(error)}
            signal.alarm(0)
            print(record["name"], record.get("failed", "is exported"), flush=True)
            print(json.dumps(record), file=failures if "failed" in record else file, flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    asked, pattern = sys.argv[1:2], "".join(sys.argv[2:3])
    if asked == ["torch"]:
        export_all("torch", torch_cases(), pattern)
    elif asked == ["keras"]:
        export_all("keras", keras_cases(), pattern)
    elif asked == ["tools"]:
        import tools

        with (FOLDER / "tools.jsonl").open("w") as file, (FOLDER / "tools-failed.jsonl").open("w") as failed:
            for record in tools.cases(FOLDER):
                print(json.dumps(record), file=failed if "failed" in record else file, flush=True)
    elif asked == ["write"]:
        import page

        page.write(ROOT, FOLDER)
    else:
        sys.exit(__doc__)
