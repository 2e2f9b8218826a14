#!/usr/bin/python3
"""The curves over sizes: how they are drawn, and one whole run over two tiny networks.

    tests/bench/test_growth.py BUILD-DIRECTORY"""
import pathlib
import re
import sys
import tempfile
import unittest
import xml.etree.ElementTree

import curve
import growth

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg):
    return [element.text for element in xml.etree.ElementTree.fromstring(svg).iter(f"{SVG}text")]


class Curves(unittest.TestCase):
    def test_axes_are_logarithmic_over_whole_decades(self):
        axis = curve.Axis.over([3, 250], 400, 100)  # 1 to 1,000, upwards
        for value, place in ((1, 400), (10, 300), (1000, 100)):
            self.assertAlmostEqual(axis.place(value), place)
        self.assertEqual(axis.decades(), [1, 10, 100, 1000])
        self.assertEqual(curve.Axis.over([10, 10], 0, 1).decades(), [10, 100])  # never empty

    def test_numbers_are_short(self):
        for value, text in ((0.1, "0.1 ms"), (10, "10 ms"), (1000, "1 s"), (1e6, "1,000 s")):
            self.assertEqual(curve.short(value, ("ms", "s")), text)
        self.assertEqual(curve.short(3000), "3,000")

    def test_names_are_pushed_apart(self):
        places = curve.spread({"a": 100.0, "b": 101.0, "c": 102.0, "far": 300.0})
        self.assertEqual(places, {"a": 100.0, "b": 113.0, "c": 126.0, "far": 300.0})

    def test_every_series_has_its_name_and_points(self):
        panels = [curve.Panel("Time <1>", ("ms", "s"), {"load": [1.0, 10.0], "graph": [2.0, None], "none": [None, None]})]
        svg = curve.draw("title & more", panels, [100, 1000], "routers", ["1 k", "10 k"])
        root = xml.etree.ElementTree.fromstring(svg)
        self.assertEqual(len(list(root.iter(f"{SVG}polyline"))), 2)
        self.assertEqual(len(list(root.iter(f"{SVG}circle"))), 3)
        for text in ("Time <1>", "load", "graph", "100", "1,000", "10 k", "routers"):
            self.assertIn(text, texts(svg))
        self.assertIn("prefers-color-scheme: dark", svg)


class WholeRun(unittest.TestCase):
    def test_two_tiny_networks(self):
        growth.SIZES = ((20, 360), (40, 720))
        with tempfile.TemporaryDirectory() as directory:
            out = pathlib.Path(directory)
            self.assertEqual(growth.main(["--build", BUILD, "--out", directory]), 0)
            page, svg = (out / "growth.md").read_text(), (out / "growth.svg").read_text()
        for stage in growth.STAGES:
            self.assertIn(stage, texts(svg))
            self.assertRegex(page, rf"(?m)^\| {stage} \| .* \| [0-9,]+ ms, [0-9,]+ MB \| [0-9,]+ ms, [0-9,]+ MB \|$")
        self.assertTrue(re.search(r"^\| \| PIDs \| [0-9]+ \| [0-9]+ \|$", page, re.MULTILINE))


if __name__ == "__main__":
    BUILD = sys.argv.pop(1)
    unittest.main()
