"""Writes cases.json beside this file: networks of PyTorch as both of its exporters write them, answered by ONNX Runtime.

    python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python export.py

The first is trained on scikit-learn's digits; the others have the weights that they begin with. Any number of rows, and of steps where there
are steps.
"""

import io
import pathlib
import sys
import warnings

import numpy
import onnx
import onnx_ir
import torch
from sklearn.datasets import load_digits
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "crates/onnx-ml/golden"))

from cases import case, write

warnings.filterwarnings("ignore")
torch.manual_seed(0)
DIGITS = load_digits()
IMAGES = torch.tensor(DIGITS.images[:, None] / 16, dtype=torch.float32)
LABELS = torch.tensor(DIGITS.target)
STEPS = "steps"


def trained_cnn():
    cnn = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.1), nn.Linear(64, 10), nn.Softmax(1),
    )
    optimiser = torch.optim.Adam(cnn.parameters(), 0.01)
    for _ in range(60):
        optimiser.zero_grad()
        loss = nn.functional.nll_loss(torch.log(cnn(IMAGES[:1500]) + 1e-9), LABELS[:1500])
        loss.backward()
        optimiser.step()
    accuracy = (cnn.eval()(IMAGES[1500:]).argmax(1) == LABELS[1500:]).float().mean()
    assert accuracy > 0.9, accuracy
    return cnn


class Recurrent(nn.Module):
    def __init__(self, kind, **options):
        super().__init__()
        self.layers = kind(4, 6, batch_first=True, **options)
        self.head = nn.LazyLinear(3)

    def forward(self, x):
        states, _ = self.layers(x)
        return self.head(states), self.head(states[:, -1])


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1, groups=2)
        self.norm = nn.GroupNorm(1, 2)

    def forward(self, x):
        return nn.functional.silu(x + self.second(self.norm(nn.functional.gelu(self.first(x))))).mean((2, 3))


class Segmentation(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.up, self.last = nn.Conv2d(1, 4, 3, 2, 1), nn.ConvTranspose2d(4, 4, 2, 2), nn.Conv2d(5, 2, 1)

    def forward(self, x):
        small = nn.functional.leaky_relu(self.down(x))
        large = nn.functional.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)
        return torch.sigmoid(self.last(torch.cat([self.up(small) + large, x], 1)))


class Tabular(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.dense = nn.Embedding(7, 3), nn.Sequential(nn.Linear(5, 8), nn.LayerNorm(8), nn.ELU(), nn.Linear(8, 2))

    def forward(self, words, numbers):
        scores = self.dense(torch.cat([self.embedding(words), numbers], 1))
        return torch.log_softmax(scores, 1), scores.argmax(1)


def sequences(n_rows, n_steps, n_features):
    return torch.randn(n_rows, n_steps, n_features)


def networks():
    yield "convolutions on digits", trained_cnn(), (IMAGES[1500:1505],), False
    yield "residual block", Residual(), (torch.randn(3, 2, 6, 6),), False
    yield "segmentation", Segmentation(), (torch.randn(2, 1, 8, 8),), False
    yield "embedding and dense", Tabular(), (torch.tensor([0, 3, 6]), torch.randn(3, 2)), False
    for kind in (nn.LSTM, nn.GRU, nn.RNN):
        yield f"{kind.__name__}", Recurrent(kind), (sequences(3, 5, 4),), True
        yield f"{kind.__name__}, both directions, two layers", Recurrent(kind, bidirectional=True, num_layers=2), (sequences(3, 5, 4),), True
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation="gelu")
    yield "transformer", nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), (sequences(2, 5, 8),), True


def exported(network, inputs, has_steps, is_new):
    names = [f"x{idx}" for idx in range(len(inputs))]
    sizes = {0: "rows", 1: STEPS} if has_steps else {0: "rows"}
    if is_new:
        dims = tuple({axis: torch.export.Dim(name) for axis, name in sizes.items()} for _ in inputs)
        program = torch.onnx.export(network, inputs, dynamo=True, dynamic_shapes=dims, input_names=names, verbose=False)
        model = onnx_ir.to_proto(program.model)
        for node in model.graph.node:
            node.ClearField("metadata_props")
        return model
    buffer = io.BytesIO()
    n_outputs = len(outputs) if isinstance(outputs := network(*inputs), tuple) else 1
    axes = {name: sizes for name in names} | {f"y{idx}": {0: "rows"} for idx in range(n_outputs)}
    torch.onnx.export(
        network, inputs, buffer, dynamo=False, opset_version=17, input_names=names, output_names=[f"y{idx}" for idx in range(n_outputs)],
        dynamic_axes=axes,
    )
    return onnx.load_from_string(buffer.getvalue())


def main():
    cases = []
    for name, network, inputs, has_steps in networks():
        network.eval()(*inputs)
        for is_new in (False, True):
            exporter = "torch.export" if is_new else "TorchScript"
            if isinstance(network, nn.TransformerEncoder) and not is_new:
                continue  # It writes the number of steps into attention.
            try:
                model = exported(network, inputs, has_steps, is_new)
            except Exception as error:
                print(f"{name}, {exporter}: {type(error).__name__} {str(error)[:200]}")
                continue
            given = {each.name: value.numpy() for each, value in zip(model.graph.input, inputs)}
            cases.append(case(f"{name}, {exporter}", model, given))
    write(HERE / "cases.json", cases)


if __name__ == "__main__":
    main()
