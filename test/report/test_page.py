# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parts of a report say what they were given, and are sound HTML and SVG."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from markupsafe import Markup

from nightseg_ros.labels.label_set import label_set
from nightseg_ros.metrics.confusion import ConfusionMatrix
from nightseg_ros.report import charts
from nightseg_ros.report.live import live_section
from nightseg_ros.report.page import Card, Chapter, Report, Section, Shot, page, strip
from nightseg_ros.report.tables import confusion, iou_table, listing, measures, table

JOINT11 = label_set("joint11")

VOID = {"meta", "link", "input", "img", "br"}


class Page(HTMLParser):
    """Checks that every element is closed, and collects attributes and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and self.open[-1] not in ("style", "script"):
            self.text.append(data.strip())


def scores(seed: int = 0) -> dict:
    rng = np.random.default_rng(seed)
    matrix = ConfusionMatrix("joint11")
    for _ in range(6):
        truth = rng.integers(0, 9, (20, 20)).astype(np.uint8)
        guess = np.where(rng.random(truth.shape) < 0.7, truth, 7).astype(np.uint8)
        matrix.update(truth, guess)
    return matrix.compute().to_dict(bootstrap=50)


def rows(html: str) -> list[list[str]]:
    """Return the text of the cells of a table, row by row."""
    found = []
    for row in re.findall(r"<tr[^>]*>(.*?)</tr>", html, re.DOTALL):
        cells = re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)
        found.append([re.sub(r"<[^>]+>", " ", cell).strip() for cell in cells])
    return found


def svgs(html: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", html)]


def test_the_page_holds_everything_and_needs_nothing():
    shot = Shot("1 s", {"image": ("jpg", b"abc"), "mask": ("png", b"def")}, {"fact": "42"}, "night")
    chapter = Chapter(
        "Drive <1>", "lead & more", ["a note"], [Card("frames", "12", "of 13")],
        [Section("Strip", strip("s1", [shot, shot])), Section("Words", listing({"a": "b"}))],
    )  # fmt: skip
    html = page(Report("All & sundry", chapters=[chapter, Chapter("Second")]))
    found = Page(html)
    for said in ("All & sundry", "Drive <1>", "lead & more", "a note", "12", "of 13", "Second"):
        assert said in found.text
    links = [v for _, a in found.seen for k, v in a.items() if k in ("src", "href") and v]
    assert links
    assert all(link.startswith(("data:", "#")) for link in links)
    assert not re.search(r"https?://|@import|url\(", html)
    identifiers = [a["id"] for _, a in found.seen if "id" in a]
    assert len(identifiers) == len(set(identifiers))
    assert [a["hidden"] for _, a in found.seen if "hidden" in a] == [None]


def test_nothing_that_was_read_can_become_html():
    bad = '"><script>alert(1)</script>'
    shot = Shot(bad, {"image": ("jpg", b"")}, {bad: bad})
    axis = charts.Axis(0, 1, ((0.5, bad),))
    parts = [
        strip(bad, [shot]),
        table([bad], [[bad]]),
        listing({bad: bad}, [bad]),
        charts.plot(bad, axis, axis, [], keys={bad: "red"}, note=bad),
        charts.spread({bad: []}, axis, title=bad),
    ]
    report = Report(
        bad, bad, [bad], [Card(bad, bad, bad)], [Section(bad, Markup().join(parts), bad)]
    )
    html = page(report)
    assert [tag for tag, _ in Page(html).seen].count("script") == 1
    assert "alert(1)</script>" not in html.replace("&lt;/script&gt;", "")


def test_iou_table_and_measures():
    both = {"day": scores(0), "night": scores(1)}
    found = rows(iou_table(both, JOINT11))
    assert [row[0] for row in found] == ["class", *JOINT11.names[:9], "mean"]
    road = both["day"]["per_class"]["road"]
    low, high = road["iou_95"]
    assert low < road["iou"] < high
    assert found[1][2] == f"{road['iou']:.1f} {low:.1f}–{high:.1f}"
    assert found[-1][2:4] == [f"{s['miou']:.1f}" for s in both.values()]
    assert iou_table(both, JOINT11).count('<b style="left:') == 18
    summary = {row[0]: row[1:] for row in rows(measures(both))}
    assert summary["pixel accuracy"] == [f"{s['pixel_accuracy']:.1f}" for s in both.values()]


def test_confusion_is_in_percent_of_what_is_there():
    data = scores()
    found = rows(confusion(data, JOINT11))
    assert found[0][1:] == [*JOINT11.names[:9]]
    counts = np.array(data["confusion"])
    for i, row in enumerate(found[1:]):
        assert row[0] == JOINT11.names[i]
        expected = 100 * counts[i, :9] / counts[i].sum()
        assert [float(cell or 0) for cell in row[1:]] == pytest.approx(expected, abs=0.51)


def test_pixels_without_a_class_have_a_column():
    matrix = ConfusionMatrix("joint11")
    matrix.update(np.zeros((2, 2), np.uint8), np.array([[0, 255], [0, 0]], np.uint8))
    found = rows(confusion(matrix.compute().to_dict(), JOINT11))
    assert found == [["", "road", "no class"], ["road", "75", "25"]]


def test_charts_draw_every_value_in_place():
    x, y = charts.time_axis(10.0), charts.value_axis(100.0)
    layers = [charts.line([(0, 0), (5, 100), (10, 50)], x, y, "red"), charts.mark(y, 50)]
    runs = [(0, 2, "day"), (2, 5, "day"), (5, 10, "night")]
    html = charts.plot("title", x, y, layers, below=charts.band(runs, x, "route"))
    Page(html)
    drawing, band = svgs(html)
    line = next(e for e in drawing if e.tag.endswith("polyline"))
    assert line.get("points") == "0.0,1000.0 500.0,0.0 1000.0,500.0"
    assert [(r.get("x"), r.get("width")) for r in band] == [("0.0", "500.0"), ("500.0", "500.0")]
    assert re.findall(r'bottom:([\d.]+)%">(\d+)<', html)[-1] == ("100.00", "100")


def test_values_outside_an_axis_stay_inside_the_drawing():
    x, y = charts.time_axis(1.0), charts.value_axis(10.0)
    svg = charts.drawing("t", [charts.line([(0, 1e9), (2, -5)], x, y, "red")])
    assert 'points="0.0,0.0 1000.0,1000.0"' in svg


@pytest.mark.parametrize("seconds", [0.0, 0.05, 1, 7, 59, 125, 3600, 90000, 1e7])
def test_time_axes_have_few_names_and_reach_the_end(seconds):
    axis = charts.time_axis(seconds)
    assert 1 <= len(axis.ticks) <= 8
    assert len({name for _, name in axis.ticks}) == len(axis.ticks)
    assert axis.high >= seconds


@pytest.mark.parametrize("top", [0.0, 1e-9, 0.03, 1, 37, 100, 123456])
def test_value_axes_hold_their_values(top):
    axis = charts.value_axis(top)
    assert axis.high >= top
    assert 2 <= len(axis.ticks) <= 6


def live() -> dict:
    run = {
        "sent": 20, "masks": 19, "missed": 1, "missed_share": 0.05, "masks_per_s": 9.5,
        "latency_ms": dict.fromkeys(("min", "mean", "p50", "p95", "p99", "max"), 33.3),
        "jitter_ms": {"mean": 1.5}, "cpu_percent": 80.0, "memory_mb": 300.0, "player_late_ms": 0.1,
    }  # fmt: skip
    return {
        "bag": "a.mcap", "frames": 20, "input_hz": 10.0, "rate": 1.0, "runs_asked": 2,
        "runs_kept": 2, "summary": run, "runs": [run, run], "damage": "", "unreadable": 0,
        "loaded": True,
        "node": {"models": {"day": "tiny"}, "engines": {"day": "CPU"}, "fallback": "no GPU"},
        "series": [[0.0, 30.0], [0.1, None], [0.2, 40.0]], "max_rate": None, "route": "day",
    }  # fmt: skip


def test_live_figures_are_shown():
    section = live_section(live())
    found = Page(section.body)
    assert ["all", "19 of 20", "5.0 %", "9.5", *["33.3"] * 6, "1.5", "80", "300"] in rows(
        section.body
    )
    assert "fallback: no GPU" in found.text
    assert "tiny (day) on CPU" in found.text
    assert "no mask" in found.text  # one frame had none: a line in the chart
    assert "2 runs only" in section.note
    rate = {"hz": 25.0, "limit": "node", "trials": []}
    said = Page(live_section({**live(), "max_rate": rate}).body).text
    assert any(text.startswith("25.0 images per second") for text in said)
