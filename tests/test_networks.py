"""The drawings of networks: they stand alone, and say what the models that are built have."""

import re
from xml.etree import ElementTree

import pytest

from course_utils.plotting import networks, style

SVG = "{http://www.w3.org/2000/svg}"
NAMES = sorted(file.name.removesuffix(".svg") for file in networks.FIGURES.iterdir())


def drawing(name):
    source = networks.FIGURES.joinpath(f"{name}.svg").read_text(encoding="utf-8")
    return source, ElementTree.fromstring(source)


def texts(parent):
    return [" ".join(text.itertext()) for text in parent.iter(f"{SVG}text")]


@pytest.mark.parametrize("name", NAMES)
def test_a_drawing_stands_alone(name):
    source, svg = drawing(name)
    said = svg.findtext(f"{SVG}desc")
    assert svg.findtext(f"{SVG}title") and 40 < len(said) <= style.LONGEST and said.endswith(".")
    assert not set("×·−→") & set(said)  # a screen reader leaves them out
    # What sites strip or take for their own: styles, scripts, references, a class or an id's name.
    assert not re.search(r"<style|<script|href=|url\(|class=", source)
    assert {part.get("id") for part in svg.iter()} - {None} == set(
        svg.get("aria-labelledby").split()
    )
    paper = svg.find(f"{SVG}rect")  # else black text on a dark page
    assert (paper.get("width"), paper.get("height"), paper.get("fill")) == ("100%", "100%", "#fff")
    assert min(float(size) for size in re.findall(r'font-size="([\d.]+)"', source)) >= 10
    assert len(source.encode()) < 15_000 and len(texts(svg)) > 3


def test_the_text_goes_with_the_drawing(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *args, **kw: shown.append((*args, kw)))
    networks.show("fcn")
    ((data, options),) = shown
    source, svg = drawing("fcn")
    said = svg.findtext(f"{SVG}desc")
    assert (data["image/svg+xml"], data["text/plain"]) == (source, said)
    assert data["text/html"].startswith(f'<img alt="{said}" src="data:image/svg+xml;base64,')
    assert options == {"metadata": {"image/svg+xml": {"alt": said}}, "raw": True}
    networks.show("fcn", "unet", folded=True)
    fcn, unet = (each["text/html"] for each, _ in shown[1:])
    assert fcn == f"<details><summary>FCN</summary>{data['text/html']}</details>"
    assert "<summary>U-Net</summary>" in unet


def test_an_unknown_drawing_is_answered_by_those_there_are():
    with pytest.raises(ValueError, match=r"'resnet'; there are: deeplab, fastfcn, .*unetpp_pruned"):
        networks.show("resnet")


def test_padded_unet_has_the_shapes_of_the_model():
    from course_utils import models

    model = models.unet((256, 256, 1))
    names = ["image", "logits", *(f"down_{level}" for level in range(5))]
    names += [f"up_{level}{part}" for level in range(4) for part in ("_up", "_join", "")]
    expected = [" × ".join(map(str, model.get_layer(name).output.shape[1:])) for name in names]
    shapes = map(re.compile(r"\d+ × \d+ × \d+").fullmatch, texts(drawing("unet_padded")[1]))
    assert sorted(shape[0] for shape in shapes if shape) == sorted(expected)


def nodes(parent):
    return {text for text in texts(parent) if re.fullmatch(r"X\(\d, \d\)", text)}


def test_unetpp_has_the_nodes_and_channels_of_the_model():
    from course_utils import models

    model = models.unetpp((16, 16, 3), deep_supervision=True)
    built = {f"X({i}, {j})": f"x_{i}_{j}" for i in range(5) for j in range(5 - i)}
    widths = [model.get_layer(f"x_{level}_0").output.shape[-1] for level in range(5)]
    for name in ("unetpp", "unetpp_node", "unetpp_pruned"):
        svg = drawing(name)[1]
        assert nodes(svg) == set(built)
        rows = [f"level {level}: {width} filters" for level, width in enumerate(widths)]
        assert set(rows) <= set(texts(svg))
    joined = model.get_layer("x_0_3_join").output.shape[-1]
    assert f"X(0, 3) sees 32 + 32 + 32 + 64 = {joined} channels." in texts(
        drawing("unetpp_node")[1]
    )

    svg = drawing("unetpp_pruned")[1]
    pale = set().union(*(nodes(group) for group in svg.iter(f"{SVG}g") if group.get("opacity")))
    kept = {layer.name for layer in models.prune(model, 2).layers}
    assert nodes(svg) - pale == {node for node, name in built.items() if name in kept}
    assert f"The output of X(0, 2) needs {len(built) - len(pale)} of 15 nodes." in texts(svg)
