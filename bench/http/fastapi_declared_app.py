"""The same service as `fastapi_app.py` the way FastAPI's documentation writes it: the body and the answer are declared as models.

`MODEL` names the ONNX file.
"""

import numpy as np
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from fastapi_app import N_FEATURES, NAME, session


class Instance(BaseModel):
    key: str | int
    X: list[float]


class Instances(BaseModel):
    instances: list[Instance]


class Prediction(BaseModel):
    key: str | int
    label: int
    probabilities: list[float]


class Predictions(BaseModel):
    predictions: list[Prediction]


app = FastAPI()


@app.post(f"/v1/models/{NAME}:predict")
async def predict(body: Instances) -> Predictions:
    if any(len(instance.X) != N_FEATURES for instance in body.instances):
        raise HTTPException(422, f"expected rows of {N_FEATURES} numbers")
    keys = [instance.key for instance in body.instances]
    if len(set(keys)) != len(keys):
        raise HTTPException(422, "a key occurs twice")
    rows = np.array([instance.X for instance in body.instances], dtype=np.float32)
    labels, probabilities = session.run(["label", "probabilities"], {"X": rows})
    predictions = zip(keys, labels.tolist(), probabilities.tolist())
    return Predictions(predictions=[Prediction(key=k, label=l, probabilities=p) for k, l, p in predictions])
