# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Exports networks of public libraries as graphs without weights:
`cd test && python -m support.export_public_networks`.

It needs segmentation_models_pytorch, timm, torchvision and transformers, which the tests do not:
they read the graphs in public_graphs, and fill in weights of their own (public_networks.py).
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import onnx
import torch
from support.public_networks import FOLDER, KEPT

SIZE = (64, 96)


def lenient_register_fake() -> None:
    """Let a torchvision that was built for GPUs load beside a CPU torch: its operators are missing,
    but no network here uses them."""
    real = torch.library.register_fake

    def register(op, *rest, **options):
        if str(op).startswith("torchvision::"):
            return lambda function: function
        return real(op, *rest, **options)

    torch.library.register_fake = register


def segformer():
    from transformers.models.segformer.configuration_segformer import SegformerConfig
    from transformers.models.segformer.modeling_segformer import SegformerForSemanticSegmentation

    small = {"depths": [1] * 4, "hidden_sizes": [8, 16, 40, 64], "decoder_hidden_size": 32}
    network = SegformerForSemanticSegmentation(SegformerConfig(num_labels=150, **small))
    return network, lambda out: out.logits, ["logits"], {"dynamo": True}


def fpn():
    import segmentation_models_pytorch as smp

    network = smp.FPN("tu-test_resnet", encoder_weights=None, classes=19)
    return network, lambda out: out, ["scores"], {"dynamo": True}


def deeplab():
    from torchvision.models import mobilenet_v3_small
    from torchvision.models.segmentation.deeplabv3 import _deeplabv3_mobilenetv3

    backbone = mobilenet_v3_small(weights=None, dilated=True, reduced_tail=True)
    network = _deeplabv3_mobilenetv3(backbone, num_classes=21, aux=True)
    free = {"image": {0: "n", 2: "h", 3: "w"}}
    old = {"dynamo": False, "opset_version": 11, "dynamic_axes": free}
    return network, lambda out: (out["out"], out["aux"]), ["out", "aux"], old


def classifier():
    import timm

    network = timm.create_model("test_resnet", pretrained=False)
    return network, lambda out: out, ["classes"], {"dynamo": True}


def detector():
    from transformers.models.yolos.configuration_yolos import YolosConfig
    from transformers.models.yolos.modeling_yolos import YolosForObjectDetection

    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = YolosConfig(
        intermediate_size=16, image_size=list(SIZE), num_detection_tokens=10, **small
    )
    outputs = ["logits", "pred_boxes"]
    network = YolosForObjectDetection(config)
    return network, lambda out: (out.logits, out.pred_boxes), outputs, {"dynamo": True}


def depth():
    from transformers.models.glpn.configuration_glpn import GLPNConfig
    from transformers.models.glpn.modeling_glpn import GLPNForDepthEstimation

    small = {"depths": [1] * 4, "hidden_sizes": [8, 16, 40, 64], "decoder_hidden_size": 16}
    network = GLPNForDepthEstimation(GLPNConfig(**small))
    return network, lambda out: out.predicted_depth, ["predicted_depth"], {"dynamo": True}


class Plain(torch.nn.Module):
    """A network that returns tensors only."""

    def __init__(self, network, tensors):
        super().__init__()
        self.network, self.tensors = network, tensors

    def forward(self, image):
        return self.tensors(self.network(image))


def without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Remove what names folders of this machine, and every large constant."""
    model.doc_string = model.graph.doc_string = ""
    del model.graph.value_info[:], model.graph.metadata_props[:], model.metadata_props[:]
    for part in (*model.graph.node, *model.graph.input, *model.graph.output):
        part.doc_string = ""
        del part.metadata_props[:]
    for tensor in model.graph.initializer:
        tensor.doc_string = ""
        del tensor.metadata_props[:]
        if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.raw_data) > 4 * KEPT:
            tensor.ClearField("raw_data")
    return model


def export(name: str, make) -> None:
    network, tensors, outputs, options = make()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "whole.onnx"
        torch.onnx.export(
            Plain(network, tensors).eval(),
            (torch.randn(1, 3, *SIZE),),
            str(file),
            input_names=["image"],
            output_names=outputs,
            **({"external_data": False, "verbose": False} if options["dynamo"] else {}),
            **options,
        )
        model = without_weights(onnx.load(file))
    (FOLDER / f"{name}.onnx").write_bytes(model.SerializeToString())


if __name__ == "__main__":
    lenient_register_fake()
    for make in (segformer, fpn, deeplab, classifier, detector, depth):
        export(make.__name__, make)
