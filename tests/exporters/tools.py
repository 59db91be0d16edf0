"""What tools make of exported networks: ONNX Runtime's quantiser, its optimisers and its conversion to FP16. Run by `survey.py tools`, after its exports.

Each case is answered by ONNX Runtime without optimisation. Quantised networks may differ by a fiftieth of the largest answer, those of FP16 by a hundredth.
"""

import base64
import json
import logging
import pathlib
import re
import tempfile

import numpy
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.optimizer import optimize_model

from survey import DATATYPES, described

# Of the exports, by name: one of each kind that such tools are used for.
NETWORKS = [
    "mobilenet_v3_small, any size, TorchScript", "squeezenet1_1, any size, TorchScript", "resnet18, any size, torch.export", "U-Net, upsampled.*TorchScript", "Conv1d, TorchScript",
    "transformers: BERT, ", "BERT, classification, TorchScript", "DistilBERT, TorchScript", "GPT-2, TorchScript", "RoBERTa, torch.export", "transformers: ViT, TorchScript",
    "Whisper encoder, TorchScript", "TransformerEncoder, torch.export", "modules: attention, TorchScript", "modules: LSTM, TorchScript", "modules: GRU, TorchScript",
    "keras: dense", "keras: LSTM, Keras", "keras: GRU over words", "MobileNetV3Small, Keras",
]
TYPES = {name: numpy.dtype(dtype) for dtype, name in DATATYPES.items()}
TOLERANCES = {"dynamic": 2e-2, "static": 2e-2, "FP16": 1e-2}


class Samples(CalibrationDataReader):
    """What a network is calibrated with: what it is asked, and a little beside."""

    def __init__(self, feeds):
        random = numpy.random.default_rng(3)
        beside = lambda value: (value + random.normal(size=value.shape) * 0.1).astype(value.dtype) if value.dtype.kind == "f" else value
        self.left = iter([{name: beside(value) for name, value in feeds.items()} for _ in range(4)])

    def get_next(self):
        return next(self.left, None)


def saved(source, target, level):
    options = session_options(level)
    options.optimized_model_filepath = target
    onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def session_options(level):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level, options.log_severity_level = level, 4
    return options


def tools(name, source, feeds, folder):
    """What each tool is called, and what it does with a file."""
    ready = str(folder / "ready.onnx")
    try:
        quant_pre_process(source, ready, skip_symbolic_shape=True)
    except Exception:
        ready = source
    static = lambda target, **settings: quantize_static(ready, target, Samples(feeds), weight_type=QuantType.QInt8, **settings)
    half = lambda target, **settings: onnx.save(convert_float_to_float16(onnx.load(source), **settings), target)
    level = onnxruntime.GraphOptimizationLevel
    yield "dynamic", lambda target: quantize_dynamic(ready, target, weight_type=QuantType.QInt8)
    yield "dynamic, UINT8", lambda target: quantize_dynamic(ready, target, weight_type=QuantType.QUInt8)
    yield "static", lambda target: static(target, quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8)
    yield "static, INT8", lambda target: static(target, quant_format=QuantFormat.QDQ, activation_type=QuantType.QInt8)
    yield "static, operators", lambda target: static(target, quant_format=QuantFormat.QOperator, activation_type=QuantType.QUInt8)
    yield "FP16", half
    yield "FP16 inside", lambda target: half(target, keep_io_types=True)
    yield "optimised, basic", lambda target: saved(source, target, level.ORT_ENABLE_BASIC)
    yield "optimised, extended", lambda target: saved(source, target, level.ORT_ENABLE_EXTENDED)
    if re.search("BERT|GPT|ViT|Whisper", name):
        kind = "gpt2" if "GPT" in name else "vit" if "ViT" in name else "bert"
        yield "fused", lambda target: optimize_model(source, model_type=kind, opt_level=1).save_model_to_file(target)


def answered(path, feeds):
    session = onnxruntime.InferenceSession(path, session_options(onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL), providers=["CPUExecutionProvider"])
    given = {info.name: feeds[info.name].astype(numpy.float16) if info.type == "tensor(float16)" else feeds[info.name] for info in session.get_inputs()}
    found = dict(zip([info.name for info in session.get_outputs()], session.run(None, given)))
    return [described(*item) for item in given.items()], found


def case(export, tool, make, feeds, folder):
    """A record of what a tool makes, or of why it makes nothing that ONNX Runtime runs."""
    record = {"name": f"{export['name']}: {tool}", "network": export["name"], "tool": tool}
    target = folder / "made.onnx"
    target.unlink(missing_ok=True)
    try:
        make(str(target))
        inputs, found = answered(str(target), feeds)
    except Exception as error:
        return record | {"failed": (str(error).strip() or type(error).__name__).splitlines()[0][:200]}
    largest = max((float(numpy.abs(value.astype(numpy.float64)).max()) for value in found.values() if value.size and value.dtype.kind == "f"), default=1.0)
    atol = TOLERANCES.get(re.split("[ ,]", tool)[0], 1e-3) * largest
    outputs = [described(*item) for item in found.items()]
    return record | {"rtol": 1e-3, "atol": atol, "model": base64.b64encode(target.read_bytes()).decode(), "sets": [{"inputs": inputs, "outputs": outputs}]}


def cases(folder):
    """Every tool applied to each of the networks."""
    logging.disable(logging.WARNING)
    onnxruntime.set_default_logger_severity(4)
    for name in ("torch", "keras"):
        for line in (folder / f"{name}.jsonl").open(encoding="utf-8"):
            # The name is at the beginning; most lines are long, and not asked for.
            if not re.search("|".join(NETWORKS), line[:160].split('", "')[0]):
                continue
            export = json.loads(line)
            with tempfile.TemporaryDirectory() as made:
                made = pathlib.Path(made)
                source = made / "network.onnx"
                source.write_bytes(base64.b64decode(export["model"]))
                feeds = {value["name"]: numpy.frombuffer(base64.b64decode(value["data"]), TYPES[value["datatype"]]).reshape(value["shape"]) for value in export["sets"][0]["inputs"]}
                yield from (case(export, tool, make, feeds, made) for tool, make in tools(export["name"], str(source), feeds, made))
