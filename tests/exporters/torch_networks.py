"""Networks of PyTorch for the survey, with the weights that they begin with. Not a script.

Each is a name, a function that makes the module, and for each input its datatype and sizes: a number, or the name of an open one.
"""

import torch
import torchvision
import transformers
from torch import nn
from torch.nn import functional

TEXT = {"vocab_size": 99, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 37, "max_position_embeddings": 64}
WORDS = ("int64", "batch", "sequence")
IMAGE = ("float32", "batch", 3, 64, 64)
ANY_IMAGE, SOUND = ("float32", "batch", 3, "tall", "wide"), ("float32", "batch", 1, "samples")
VISION = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 37, "image_size": 64, "patch_size": 16}


class Called(nn.Module):
    """A model of transformers, called by names of its inputs; its answer is a tuple of tensors."""

    def __init__(self, model, names):
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *inputs):
        answer = self.model(**dict(zip(self.names, inputs)), return_dict=True, **({"use_cache": False} if self.caches() else {}))
        return tuple(value for value in answer.values() if isinstance(value, torch.Tensor))

    def caches(self):
        return bool(getattr(self.model.config, "use_cache", False))


class Of(nn.Module):
    """A function as a module."""

    def __init__(self, function, *parts):
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(parts)

    def forward(self, *inputs):
        return self.function(*self.parts, *inputs)


class UNet(nn.Module):
    """Halves an image twice and doubles it again; `meet` makes the doubled the size of what it is joined with."""

    def __init__(self, doubled, meet):
        super().__init__()
        self.first, self.second, self.third = self.block(3, 6), self.block(6, 8), self.block(8, 12)
        self.up, self.up_again = doubled(12, 8), doubled(8, 6)
        self.fourth, self.fifth = self.block(16, 8), self.block(12, 6)
        self.head, self.meet = nn.Conv2d(6, 2, 1), meet

    @staticmethod
    def block(n_in, n_out):
        return nn.Sequential(nn.Conv2d(n_in, n_out, 3, padding=1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU())

    def forward(self, x):
        first = self.first(x)
        second = self.second(functional.max_pool2d(first, 2))
        x = self.up(self.third(functional.max_pool2d(second, 2)))
        x = self.up_again(self.fourth(torch.cat([second, self.meet(x, second)], 1)))
        return self.head(self.fifth(torch.cat([first, self.meet(x, first)], 1)))


class Residual(nn.Module):
    def __init__(self, *stack):
        super().__init__()
        self.stack = nn.Sequential(*stack)

    def forward(self, x):
        return x + self.stack(x)


class Context(nn.Module):
    """Looks at an image from several distances and at the whole of it, at an eighth of its size, and answers in its size."""

    def __init__(self):
        super().__init__()
        self.small = nn.Sequential(*(layer for n_in in (3, 8, 8) for layer in (nn.Conv2d(n_in, 8, 3, 2, 1), nn.ReLU())))
        self.near, self.far = nn.Conv2d(8, 4, 1), nn.Conv2d(8, 4, 3, padding=2, dilation=2)
        self.whole = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 4, 1), nn.ReLU())
        self.head = nn.Conv2d(12, 3, 1)

    def forward(self, x):
        small = self.small(x)
        whole = functional.interpolate(self.whole(small), size=small.shape[-2:], mode="bilinear", align_corners=False)
        found = self.head(torch.cat([self.near(small), self.far(small), whole], 1))
        return functional.interpolate(found, size=x.shape[-2:], mode="bilinear", align_corners=False)


def hugging_face():
    def of(config, model, names=("input_ids", "attention_mask"), **options):
        def make():
            made = getattr(transformers, config)(**options)
            return Called(getattr(transformers, model)(made), names)

        return make

    two = (WORDS, ("mask", "batch", "sequence"))
    yield "BERT", of("BertConfig", "BertModel", **TEXT), two
    yield "BERT, classification", of("BertConfig", "BertForSequenceClassification", **TEXT), two
    yield "RoBERTa", of("RobertaConfig", "RobertaModel", **TEXT), two
    yield "ALBERT", of("AlbertConfig", "AlbertModel", embedding_size=16, **TEXT), two
    yield "ELECTRA, tokens", of("ElectraConfig", "ElectraForTokenClassification", embedding_size=16, **TEXT), two
    yield "MPNet", of("MPNetConfig", "MPNetModel", **TEXT), two
    yield "DeBERTa v2", of("DebertaV2Config", "DebertaV2Model", relative_attention=True, pos_att_type=["p2c", "c2p"], **TEXT), two
    yield "DistilBERT", of("DistilBertConfig", "DistilBertModel", vocab_size=99, dim=32, n_layers=2, n_heads=4, hidden_dim=37), two
    yield "ModernBERT", of("ModernBertConfig", "ModernBertModel", pad_token_id=0, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2, **TEXT), two
    yield "GPT-2", of("GPT2Config", "GPT2LMHeadModel", vocab_size=99, n_embd=32, n_layer=2, n_head=4, n_positions=64), two
    yield "Llama", of("LlamaConfig", "LlamaForCausalLM", num_key_value_heads=2, **TEXT), two
    yield "Qwen2", of("Qwen2Config", "Qwen2ForCausalLM", num_key_value_heads=2, **TEXT), two
    yield "T5 encoder", of("T5Config", "T5EncoderModel", vocab_size=99, d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4), two
    yield "ViT", of("ViTConfig", "ViTModel", ("pixel_values",), **VISION), (IMAGE,)
    yield "DeiT, classification", of("DeiTConfig", "DeiTForImageClassification", ("pixel_values",), **VISION), (IMAGE,)
    yield "DINOv2", of("Dinov2Config", "Dinov2Model", ("pixel_values",), **VISION), (IMAGE,)
    yield "CLIP text", of("CLIPTextConfig", "CLIPTextModel", **TEXT), two
    yield "CLIP vision", of("CLIPVisionConfig", "CLIPVisionModel", ("pixel_values",), **VISION), (IMAGE,)
    yield "SegFormer", of("SegformerConfig", "SegformerForSemanticSegmentation", ("pixel_values",), hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], decoder_hidden_size=32), (IMAGE,)
    yield "Whisper encoder", whisper, (("float32", "batch", 8, 60),)
    yield "wav2vec 2.0", of("Wav2Vec2Config", "Wav2Vec2Model", ("input_values",), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=37, conv_dim=(16, 16), conv_stride=(5, 2), conv_kernel=(10, 3), num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2, apply_spec_augment=False), (("float32", "batch", 400),)
    yield "PatchTST", of("PatchTSTConfig", "PatchTSTForPrediction", ("past_values",), num_input_channels=2, context_length=32, patch_length=8, patch_stride=8, prediction_length=4, d_model=16, num_hidden_layers=2, num_attention_heads=2, ffn_dim=32, loss="mse"), (("float32", "batch", 32, 2),)


def whisper():
    config = transformers.WhisperConfig(
        vocab_size=99, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=37,
        decoder_ffn_dim=37, num_mel_bins=8, max_source_positions=30, pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
    )
    return Called(transformers.WhisperModel(config).encoder, ("input_features",))


def torch_vision():
    def of(name, **options):
        return lambda: getattr(torchvision.models, name)(weights=None, num_classes=10, **options)

    for name in ("resnet18", "resnet50", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "squeezenet1_1", "shufflenet_v2_x0_5", "mnasnet0_5", "regnet_y_400mf", "densenet121"):
        yield name, of(name), (IMAGE,)
    yield "googlenet", of("googlenet", aux_logits=False, init_weights=False), (IMAGE,)
    yield "vit", vit, (IMAGE,)
    yield "swin_t, small", lambda: torchvision.models.SwinTransformer([4, 4], 24, [2, 2], [2, 4], [4, 4], num_classes=10), (IMAGE,)
    yield "convnext, small", lambda: torchvision.models.ConvNeXt([torchvision.models.convnext.CNBlockConfig(16, 32, 2), torchvision.models.convnext.CNBlockConfig(32, None, 2)], num_classes=10), (IMAGE,)
    yield "lraspp_mobilenet_v3_large", segmentation, (IMAGE,)
    yield "ssdlite320_mobilenet_v3_large", detector, (("float32", 3, 96, 96),)
    for name in ("resnet18", "mobilenet_v2", "mobilenet_v3_small", "squeezenet1_1"):
        yield f"{name}, any size", of(name), (ANY_IMAGE,)
    yield "lraspp_mobilenet_v3_large, any size", segmentation, (ANY_IMAGE,)


def vit():
    network = torchvision.models.VisionTransformer(64, 16, 2, 4, 32, 64, num_classes=10)
    network.heads.head.reset_parameters()  # they begin as zeros
    return network


def segmentation():
    network = torchvision.models.segmentation.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=4)
    return Of(lambda network, x: network(x)["out"], network)


def detector():
    network = torchvision.models.detection.ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=4)
    return Of(lambda network, x: tuple(network([x])[0].values()), network)


def modules():
    sequence, table = ("float32", "batch", "sequence", 8), ("float32", "batch", 8)
    signal, square, cube = ("float32", "batch", 4, 16), ("float32", "batch", 4, 8, 8), ("float32", "batch", 2, 6, 6, 6)
    for kind in (nn.LSTM, nn.GRU, nn.RNN):
        yield kind.__name__, lambda kind=kind: Of(lambda layer, x: layer(x)[0], kind(8, 6, 2, batch_first=True, bidirectional=True)), (sequence,)
    layer = {"d_model": 8, "nhead": 2, "dim_feedforward": 16, "batch_first": True}
    yield "TransformerEncoder", lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(**layer), 2, enable_nested_tensor=False), (sequence,)
    yield "TransformerDecoder", lambda: nn.TransformerDecoder(nn.TransformerDecoderLayer(**layer), 1), (sequence, sequence)
    yield "Conv1d", lambda: nn.Sequential(nn.Conv1d(4, 6, 3, padding="same"), nn.BatchNorm1d(6), nn.GELU(), nn.MaxPool1d(2), nn.AdaptiveAvgPool1d(1), nn.Flatten()), (signal,)
    yield "Conv1d, causal", lambda: Of(lambda conv, x: conv(functional.pad(x, (4, 0))), nn.Conv1d(4, 4, 3, dilation=2)), (("float32", "batch", 4, "sequence"),)
    yield "Conv3d", lambda: nn.Sequential(nn.Conv3d(2, 4, 3, padding=1), nn.BatchNorm3d(4), nn.ReLU(), nn.AvgPool3d(2), nn.AdaptiveMaxPool3d(1), nn.Flatten()), (cube,)
    yield "ConvTranspose2d", lambda: nn.ConvTranspose2d(4, 3, 3, stride=2, padding=1, output_padding=1, groups=1), (square,)
    yield "PixelShuffle", lambda: nn.Sequential(nn.PixelShuffle(2), nn.PixelUnshuffle(2)), (square,)
    for mode in ("nearest", "bilinear", "bicubic"):
        corners = {} if mode == "nearest" else {"align_corners": mode == "bicubic"}
        yield f"interpolate, {mode}", lambda mode=mode, corners=corners: Of(lambda x: functional.interpolate(x, scale_factor=2, mode=mode, **corners)), (square,)
    yield "interpolate to a size, any size", lambda: Of(lambda x, y: functional.interpolate(x, size=y.shape[2:], mode="bilinear")), (square, ("float32", "batch", 1, "height", "width"))
    yield "pooling", lambda: Of(lambda x: (functional.max_pool2d(x, 3, 2, 1, ceil_mode=True), functional.avg_pool2d(x, 3, 2, 1, count_include_pad=False), functional.adaptive_avg_pool2d(x, (4, 2)), functional.lp_pool2d(x, 2, 2))), (square,)
    yield "max pooling with indices", lambda: Of(lambda x: functional.max_pool2d(x, 2, return_indices=True)), (square,)
    yield "padding", lambda: Of(lambda x: (functional.pad(x, (1, 2), "reflect"), functional.pad(x, (1, 1, 2, 0), value=2.0), functional.pad(x, (1, 1), "replicate"), functional.pad(x, (2, 1), "circular"))), (signal,)
    yield "unfold and fold", lambda: nn.Sequential(nn.Unfold(3, padding=1), nn.Fold((8, 8), 3, padding=1)), (square,)
    yield "grid_sample", lambda: Of(lambda x, theta: functional.grid_sample(x, functional.affine_grid(theta, (x.shape[0], 4, 8, 8), align_corners=False), align_corners=False)), (square, ("float32", "batch", 2, 3))
    yield "normalisations", lambda: Of(lambda a, b, c, x: (a(x), b(x), c(x), functional.normalize(x, dim=1), functional.local_response_norm(x, 2)), nn.LayerNorm([4, 8, 8]), nn.GroupNorm(2, 4), nn.InstanceNorm2d(4, affine=True)), (square,)
    yield "RMSNorm", lambda: nn.RMSNorm(8), (sequence,)
    yield "activations", lambda: Of(lambda prelu, x: tuple(f(x) for f in (prelu, functional.gelu, lambda x: functional.gelu(x, approximate="tanh"), functional.silu, functional.mish, functional.hardswish, functional.hardsigmoid, functional.softplus, lambda x: functional.celu(x, 2.0), lambda x: functional.elu(x, 1.5), functional.selu, functional.softsign, functional.relu6, lambda x: functional.leaky_relu(x, 0.2), lambda x: functional.glu(x, -1), functional.tanhshrink, functional.softshrink, functional.hardshrink, functional.logsigmoid, lambda x: functional.softmin(x, -1))), nn.PReLU(8)), (table,)
    yield "reductions", lambda: Of(lambda x: (x.amax(1), x.amin((1, 2)), x.std(1), x.var(-1, correction=0), torch.logsumexp(x, 1), x.norm(2, -1), x.norm(1, -1), x.prod(2), x.argmax(1))), (sequence,)
    yield "cumprod", lambda: Of(lambda x: x.cumprod(1)), (sequence,)
    yield "cumsum", lambda: Of(lambda x: x.cumsum(1)), (sequence,)
    yield "sorting", lambda: Of(lambda x: (*x.sort(1), *x.topk(3, 2), x.argsort(2, descending=True))), (sequence,)
    yield "indexing", lambda: Of(lambda x, at: (x.gather(1, at[..., None].expand(-1, -1, 8)), x.index_select(2, torch.tensor([0, 5])), x[:, -1], x[:, ::2], x[..., 1:4])), (sequence, ("index", "batch", "sequence"))
    yield "scattering", lambda: Of(lambda x, at: (x.scatter(1, at, 0.5), x.scatter_add(1, at, x), x.scatter_reduce(1, at, x, "amax"), x.index_fill(1, torch.tensor([1]), 7.0), x.masked_fill(x > 0, -1.0))), (table, ("index", "batch", 8))
    yield "masks", lambda: Of(lambda x: (torch.where(x > 0, x, x.neg()), x.tril(), x.triu(1), torch.nan_to_num(x), x.clamp(-0.5, 0.5), (x > 0) & (x < 1), torch.logical_xor(x > 0, x > 1))), (sequence,)
    yield "masked selection", lambda: Of(lambda x: x[x > 0]), (table,)
    yield "einsum", lambda: Of(lambda x, y: (torch.einsum("bsd,btd->bst", x, y), torch.einsum("bsd,bsd->bs", x, y), torch.bmm(x, y.transpose(1, 2)))), (sequence, sequence)
    yield "shapes", lambda: Of(lambda x: (x.reshape(x.shape[0], -1), x.view(-1, 8), x.permute(2, 0, 1), torch.stack([x, x], 1), *x.split([3, 5], 2), *x.chunk(2, 2), x.repeat(1, 2, 1), x.repeat_interleave(2, 2), x.flip(1), x.roll(1, 2), x.unflatten(2, (2, 4)), x.expand(x.shape), torch.arange(x.shape[1]), torch.zeros_like(x), torch.full((x.shape[0], 2), 3.0), x.unfold(2, 4, 2))), (sequence,)
    yield "attention", lambda: Of(lambda x, mask: (functional.scaled_dot_product_attention(x[:, None], x[:, None], x[:, None], mask[:, None, None].bool()), functional.scaled_dot_product_attention(x[:, None], x[:, None], x[:, None], is_causal=True))), (sequence, ("mask", "batch", "sequence"))
    yield "MultiheadAttention", lambda: Of(lambda layer, x: layer(x, x, x)[0], nn.MultiheadAttention(8, 2, batch_first=True)), (sequence,)
    yield "Embedding", lambda: Of(lambda layer, x: (layer(x), functional.one_hot(x, 99)), nn.Embedding(99, 4, padding_idx=0)), (WORDS,)
    yield "EmbeddingBag", lambda: nn.EmbeddingBag(99, 4, mode="mean"), (WORDS,)
    yield "mathematics", lambda: Of(lambda x, y: (torch.erf(x), torch.floor(x), torch.round(x), torch.remainder(x, 0.3), x // 0.3, x.sign(), torch.rsqrt(x.abs() + 1), torch.log1p(x.abs()), x.pow(3), torch.lerp(x, y, 0.3), torch.cosine_similarity(x, y, 1), torch.maximum(x, y), torch.isnan(x), x.int() // 2, x.long() % 3)), (table, table)
    yield "diagonal", lambda: Of(lambda x: torch.diagonal(x, dim1=1, dim2=2)), (("float32", "batch", 3, 3),)
    yield "cross and outer products", lambda: Of(lambda x: (torch.outer(x[0, 0], x[0, 1]), torch.cross(x, x + 1, dim=2))), (("float32", "batch", 3, 3),)
    yield "determinant", lambda: Of(torch.linalg.det), (("float32", "batch", 3, 3),)
    yield "spectrum", lambda: Of(lambda x: torch.stft(x, 16, 8, window=torch.hann_window(16), return_complex=True).abs()), (("float32", "batch", 64),)
    yield "fft", lambda: Of(lambda x: (torch.fft.rfft(x).abs(), torch.fft.fft(x).real, torch.fft.irfft(torch.fft.rfft(x)))), (("float32", "batch", 16),)
    yield "roi_align", lambda: Of(lambda x, boxes: torchvision.ops.roi_align(x, [boxes], 2)), (("float32", 1, 4, 8, 8), ("box", "boxes", 4))
    yield "nms", lambda: Of(lambda boxes, scores: torchvision.ops.nms(boxes, scores, 0.5)), (("box", "boxes", 4), ("float32", "boxes"))
    yield "quantised linear layers", lambda: torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2)), {nn.Linear}), (table,)
    yield from any_size()


def any_size():
    """Networks of images of any height and width, and of sounds of any length."""
    of_eights = ("float32", "batch", 3, "eights_tall", "eights_wide")
    yield "U-Net, transposed convolutions, any size", lambda: UNet(lambda n_in, n_out: nn.ConvTranspose2d(n_in, n_out, 2, 2), padded), (ANY_IMAGE,)
    yield "U-Net, upsampled to the size of each, any size", lambda: UNet(lambda n_in, n_out: nn.Conv2d(n_in, n_out, 1), lambda x, other: functional.interpolate(x, size=other.shape[2:])), (ANY_IMAGE,)
    yield "U-Net, doubled, any size", lambda: UNet(lambda n_in, n_out: nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(n_in, n_out, 1)), lambda x, _: x), (of_eights,)
    yield "style transfer, any size", style_transfer, (ANY_IMAGE,)
    yield "super-resolution, any size", lambda: nn.Sequential(nn.Conv2d(1, 8, 5, padding=2), nn.Tanh(), nn.Conv2d(8, 9, 3, padding=1), nn.PixelShuffle(3)), (("float32", "batch", 1, "tall", "wide"),)
    yield "context (ASPP), any size", Context, (ANY_IMAGE,)
    yield "pooling, any size", lambda: Of(lambda x: (functional.max_pool2d(x, 3, 2, ceil_mode=True), functional.max_pool2d(x, 2, ceil_mode=True), functional.avg_pool2d(x, 3, 2, 1), functional.avg_pool2d(x, 2, ceil_mode=True), functional.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False))), (ANY_IMAGE,)
    yield "pooling, convolved, any size", lambda: nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True), nn.Conv2d(8, 8, 3, padding="same"), nn.AvgPool2d(2), nn.Conv2d(8, 4, 1), nn.AdaptiveMaxPool2d(1), nn.Flatten()), (ANY_IMAGE,)
    yield "audio, any length", audio, (SOUND,)
    yield "audio, made again, any length", lambda: nn.Sequential(nn.Conv1d(1, 6, 8, 4, 2), nn.GELU(), nn.Conv1d(6, 12, 1), nn.GLU(1), nn.ConvTranspose1d(6, 1, 8, 4, 2)), (SOUND,)


def padded(x, other):
    """What was halved and doubled, with what an odd size lost."""
    tall, wide = other.shape[2] - x.shape[2], other.shape[3] - x.shape[3]
    return functional.pad(x, [wide // 2, wide - wide // 2, tall // 2, tall - tall // 2])


def style_transfer():
    def convolved(n_in, n_out, size, stride=1):
        return nn.Sequential(nn.ReflectionPad2d(size // 2), nn.Conv2d(n_in, n_out, size, stride), nn.InstanceNorm2d(n_out, affine=True), nn.ReLU())

    return nn.Sequential(
        convolved(3, 6, 9), convolved(6, 8, 3, 2), convolved(8, 12, 3, 2), Residual(convolved(12, 12, 3), convolved(12, 12, 3)),
        nn.Upsample(scale_factor=2), convolved(12, 8, 3), nn.Upsample(scale_factor=2), convolved(8, 6, 3), nn.ReflectionPad2d(4), nn.Conv2d(6, 3, 9),
    )


def audio():
    def convolved(n_in, n_out, size, stride=1):
        return nn.Sequential(nn.Conv1d(n_in, n_out, size, stride), nn.BatchNorm1d(n_out), nn.ReLU(), nn.MaxPool1d(4))

    return nn.Sequential(convolved(1, 8, 16, 4), convolved(8, 8, 3), convolved(8, 16, 3), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(16, 5), nn.LogSoftmax(1))
