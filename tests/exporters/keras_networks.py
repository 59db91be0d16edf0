"""Networks of Keras for the survey, with the weights that they begin with. Not a script. As in `torch_networks`; only the rows are open, and
the steps of sequences.
"""

import keras
from keras import layers

IMAGE, STEPS, TABLE, WORDS = (32, 32, 3), (None, 8), (8,), (None,)


def sequential(*stack):
    return lambda: keras.Sequential([keras.Input(stack[0]), *(make() for make in stack[1:])])


def functional(shape, forward, dtype="float32"):
    def make():
        given = keras.Input(shape, dtype=dtype)
        return keras.Model(given, forward(given))

    return make


def attention(x):
    attended = layers.MultiHeadAttention(2, 4)(x, x)
    return layers.LayerNormalization()(layers.Add()([x, attended]))


def networks():
    yield "dense", sequential(TABLE, lambda: layers.Dense(16, "relu"), layers.BatchNormalization, lambda: layers.Dropout(0.2), lambda: layers.Dense(3, "softmax")), TABLE, "float32"
    yield "convolutions", sequential(IMAGE, lambda: layers.Rescaling(1 / 255), lambda: layers.Conv2D(8, 3, padding="same", activation="relu"), layers.BatchNormalization, lambda: layers.MaxPooling2D(2), lambda: layers.SeparableConv2D(8, 3, strides=2, padding="same"), lambda: layers.AveragePooling2D(2), layers.Flatten, lambda: layers.Dense(4)), IMAGE, "float32"
    yield "transposed convolutions", sequential(IMAGE, lambda: layers.Conv2D(4, 3, 2, "same"), lambda: layers.Conv2DTranspose(3, 3, 2, "same"), lambda: layers.UpSampling2D(interpolation="bilinear"), lambda: layers.ZeroPadding2D(1), lambda: layers.Cropping2D(1)), IMAGE, "float32"
    yield "Conv1D", sequential(STEPS, lambda: layers.Conv1D(8, 3, padding="causal", activation="elu"), layers.GlobalMaxPooling1D, lambda: layers.Dense(2)), STEPS, "float32"
    for kind in ("LSTM", "GRU", "SimpleRNN"):
        yield kind, sequential(STEPS, lambda kind=kind: getattr(layers, kind)(6, return_sequences=True), lambda kind=kind: getattr(layers, kind)(5), lambda: layers.Dense(2)), STEPS, "float32"
    yield "LSTM, both directions", sequential(STEPS, lambda: layers.Bidirectional(layers.LSTM(6, return_sequences=True)), layers.GlobalAveragePooling1D), STEPS, "float32"
    yield "GRU over words", sequential(WORDS, lambda: layers.Embedding(99, 6), lambda: layers.GRU(5), lambda: layers.Dense(1, "sigmoid")), WORDS, "int32"
    yield "embedding, mean", sequential(WORDS, lambda: layers.Embedding(99, 6), layers.GlobalAveragePooling1D, lambda: layers.Dense(1, "sigmoid")), WORDS, "int32"
    yield "attention", functional(STEPS, attention), STEPS, "float32"
    yield "activations", functional(TABLE, lambda x: [layers.Activation(name)(x) for name in ("relu", "silu", "softplus", "softsign", "selu", "elu", "tanh", "hard_sigmoid", "mish", "leaky_relu", "log_softmax", "relu6", "exponential")]), TABLE, "float32"
    yield "ConvLSTM1D", sequential((4, 8, 2), lambda: layers.ConvLSTM1D(3, 3, padding="same"), layers.Flatten), (4, 8, 2), "float32"
    yield "MobileNetV2", lambda: keras.applications.MobileNetV2(IMAGE, 0.35, weights=None, classes=4), IMAGE, "float32"
    yield "MobileNetV3Small", lambda: keras.applications.MobileNetV3Small(IMAGE, 0.35, weights=None, classes=4), IMAGE, "float32"
    yield "EfficientNetB0", lambda: keras.applications.EfficientNetB0(weights=None, input_shape=IMAGE, classes=4), IMAGE, "float32"
    yield "ResNet50V2", lambda: keras.applications.ResNet50V2(weights=None, input_shape=IMAGE, classes=4), IMAGE, "float32"
