#!/usr/bin/python3
"""The benchmark's own arithmetic, words and lines; nothing is measured here (measure.py, bench.py)."""
import contextlib
import io
import json
import pathlib
import tempfile
import unittest
import unittest.mock

import bench as driver
import measure

MACHINE = {"memcpy_gb_s": 5.0, "qsort_ms": 180.0, "fsync_ms": 1.0, "pingpong_us": 15.0}
PAGE = pathlib.Path(__file__).resolve().parent.parent.parent / "docs/benchmarks.md"


class Lines(unittest.TestCase):
    def run_group(self, names, function, quick=False, wanted=None):
        """The lines that a group of these names gives; failures are in self.bench."""
        out = io.StringIO()
        self.bench = measure.Bench("/source", "/build", "/scratch", quick, wanted, out)
        self.bench.machine = dict(MACHINE)
        with contextlib.redirect_stderr(io.StringIO()):
            self.bench.run(measure.Group(names=tuple(names), run=function))
        return [json.loads(line) for line in out.getvalue().splitlines()]

    def row(self, quick=False, **arguments):
        lines = self.run_group(["x"], lambda bench: bench.row("x", **arguments), quick)
        self.assertEqual(len(lines), 1)
        return lines[0]

    def test_ratios_and_goals(self):
        for value, unit, other, goal, ratio, met, why in (
                (10.0, "ms", 50.0, ">=5", 5.0, True, "a time: other by value"),
                (10.0, "ms", 49.9, ">=5", 4.99, False, "just missed"),
                (120.0, "MB/s", 100.0, ">=1.2", 1.2, True, "a rate: value by other"),
                (100.0, "/s", 120.0, ">=1.2", 0.8333, False, "a rate without a unit of its own"),
                (17.0, "ms", 10.0, "<=1.7", 1.7, True, "at most: value by other"),
                (18.0, "ms", 10.0, "<=1.7", 1.8, False, "at most, missed"),
                (90.0, "/s", 100.0, "<=1", 0.9, True, "at most, of a rate: value by other too"),
                (44.9, "MB", None, "<=45 MB", None, True, "of the value itself"),
                (45.1, "MB", 90.0, "<=45 MB", 0.5011, False, "of the value, a peer beside it"),
                (23.0, ":1", None, ">=15 :1", None, True, "at least, of the value"),
                (10.0, "ms", 20.0, None, 2.0, None, "no goal: how many times better")):
            with self.subTest(why):
                line = self.row(value=value, unit=unit, against="peer", other=other, goal=goal)
                self.assertEqual(line.get("ratio"), ratio)
                self.assertEqual(line.get("met"), met)
                self.assertEqual("other" in line, other is not None)

    def test_the_documented_line(self):
        self.assertEqual(
            self.row(value=32.6, unit="ms", against="igraph-python 1 metric", other=172.1, goal=">=5", pids=3),
            {"name": "x", "value": 32.6, "unit": "ms", "against": "igraph-python 1 metric", "other": 172.1,
             "ratio": 5.279, "goal": ">=5", "met": True, "pids": 3})

    def test_absolute_goals_scale_with_the_machine(self):
        for bound, goal, unit, limit in (("qsort_ms", "<=60 ms", "ms", 120.0), ("memcpy_gb_s", "<=60 ms", "ms", 120.0),
                                         ("fsync_ms", "<=60 ms", "ms", 60.0), ("qsort_ms", ">=100 /s", "/s", 50.0)):
            with self.subTest(bound=bound, goal=goal):
                self.assertEqual(self.row(value=limit, unit=unit, goal=goal, bound=bound)["limit"], limit)
                self.assertTrue(self.row(value=limit, unit=unit, goal=goal, bound=bound)["met"])

    def test_a_ratio_does_not_scale(self):
        self.assertNotIn("limit", self.row(value=1.0, unit="ms", other=1.0, against="y", goal="<=1", bound="qsort_ms"))

    def test_a_quick_run_judges_nothing(self):
        line = self.row(quick=True, value=100.0, unit="MB", against="peer", other=1.0, goal="<=45 MB")
        self.assertEqual(line, {"name": "x", "value": 100.0, "unit": "MB", "quick": True})

    def test_four_digits_and_whole_counts(self):
        self.assertEqual(self.row(value=12.34567, unit="ms")["value"], 12.35)
        self.assertEqual(self.row(value=1234567, unit="pairs")["value"], 1234567)

    def test_mistakes_of_a_row_are_failures(self):
        for arguments, text in (
                ({"goal": "<45 MB"}, "goal '<45 MB': \">=5\", \"<=1.7\" or \"<=45 MB\" expected"),
                ({"goal": "<=45 kB"}, "x: the goal '<=45 kB' is in kB, the value in MB"),
                ({"goal": "<=1.7"}, "x: the goal '<=1.7' is a ratio, and there is no other figure")):
            with self.subTest(arguments):
                line = self.row(value=1.0, unit="MB", **arguments)
                self.assertEqual(line, {"name": "x", "failed": f"ValueError: {text}"})
                self.assertEqual(self.bench.failures, 1)

    def test_a_group_that_raises_fails_only_what_it_has_not_printed(self):
        def run(bench):
            bench.row("a", 1.0, "ms")
            raise RuntimeError("nginx left")
        self.assertEqual(self.run_group("ab", run),
                         [{"name": "a", "value": 1.0, "unit": "ms"}, {"name": "b", "failed": "RuntimeError: nginx left"}])

    def test_a_group_that_forgets_a_row_fails_it(self):
        self.assertEqual(self.run_group("a", lambda bench: None),
                         [{"name": "a", "failed": "its group ended without it"}])

    def test_a_row_that_is_printed_twice_is_one_line(self):
        def run(bench):
            bench.row("a", 1.0, "ms")
            bench.row("a", 2.0, "ms")
        self.assertEqual(len(self.run_group("a", run)), 1)

    def test_skips(self):
        def run(bench):
            bench.skip("a", "not today")
            raise measure.Skip("nginx is not installed")
        self.assertEqual(self.run_group("ab", run), [{"name": "a", "skipped": "not today"},
                                                     {"name": "b", "skipped": "nginx is not installed"}])
        self.assertEqual(self.bench.failures, 0)

    def test_only_wanted_rows_are_printed_or_missed(self):
        def run(bench):
            bench.row("a", 1.0, "ms")
            bench.row("b", 2.0, "ms")
        self.assertEqual(self.run_group("ab", run, wanted={"b"}), [{"name": "b", "value": 2.0, "unit": "ms"}])
        self.assertEqual(self.run_group("ab", run, wanted={"c"}), [])

    def test_medians_of_interleaved_rounds(self):
        order, figures = [], iter([5.0, 1.0, 9.0, 2.0, 3.0])
        ours = lambda: order.append("ours") or next(figures)
        theirs = lambda: order.append("theirs") or 7.0
        bench = measure.Bench("/", "/", "/")
        self.assertEqual(bench.interleave(ours, theirs), (3.0, 7.0))
        self.assertEqual(order, ["ours", "theirs"] * 5)

    def test_a_quick_run_leaves_peers_out(self):
        bench = measure.Bench("/", "/", "/", quick=True)
        self.assertEqual(bench.interleave(lambda: 1.0, self.fail, self.fail), (1.0, None, None))

    def test_a_slow_peer_is_measured_once(self):
        clock = iter(range(0, 1000, measure.SLOW_PEER_S + 1))
        calls = []
        with unittest.mock.patch("measure.time.monotonic", lambda: next(clock)):
            measure.Bench("/", "/", "/").interleave(lambda: calls.append("ours") or 1.0,
                                                    lambda: calls.append("theirs") or 1.0)
        self.assertEqual(calls, ["ours", "theirs"])

    def test_inputs_of_equal_sizes_are_one(self):
        bench = measure.Bench("/", "/", "/scratch", quick=True)
        self.assertIs(bench.input(), bench.input(routers=1000))
        self.assertIsNot(bench.input(), bench.input(paths="all"))
        self.assertEqual((bench.input().routers, bench.input().routes), (100, 120_000))

    def test_an_input_is_never_too_small_for_its_generator(self):
        bench = measure.Bench("/", "/", "/scratch", quick=True, divisor=100)
        self.assertEqual((bench.input(ipv4=100, ipv6=10).routers, bench.input(ipv4=100, ipv6=10).routes), (20, 120))

    def test_a_program_that_fails_says_why(self):
        bench = measure.Bench("/", "/", "/")
        for call in (lambda words: bench.command(words), lambda words: bench.process(words)):
            with self.assertRaisesRegex(RuntimeError, "^sh: exit status 3: no such backbone$"):
                call(["sh", "-c", "echo no such backbone >&2; exit 3"])

    def test_a_process_is_timed_and_its_memory_known(self):
        took, peak = measure.Bench("/", "/", "/").process(["true"])
        self.assertGreater(took, 0)
        self.assertGreater(peak, 0.1)


class Words(unittest.TestCase):
    GROUPS = [measure.Group(names=("spf.2t", "spf.wide"), run=print), measure.Group(names=("ortc.time",), run=print)]
    PLANNED = ["spf.2t", "spf.wide", "ortc", "tips.edge"]

    def test_names_and_beginnings(self):
        for names, wanted in (((), None), (("spf",), {"spf.2t", "spf.wide"}), (("spf.2t",), {"spf.2t"}),
                              (("ortc", "spf.wide"), {"ortc.time", "spf.wide"})):
            with self.subTest(names):
                self.assertEqual(driver.select(self.GROUPS, self.PLANNED, names), wanted)

    def test_names_that_are_none(self):
        for name, text in (("sp", "no row 'sp'; --list shows them"), ("spf.2", "no row 'spf.2'; --list shows them"),
                           ("tips", "'tips' is planned, its part does not exist yet; --list shows which do")):
            with self.subTest(name), self.assertRaises(ValueError) as caught:
                driver.select(self.GROUPS, self.PLANNED, [name])
            self.assertEqual(str(caught.exception), text)

    def test_an_unknown_name_ends_with_status_2(self):
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            self.assertEqual(driver.main(["--build", "/nowhere", "nonsense"]), 2)
        self.assertEqual(said.getvalue(), "run.sh: no row 'nonsense'; --list shows them\n")

    def test_the_list_says_what_is_not_there(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            driver.list_rows([*self.GROUPS, measure.Group(names=("odd",), run=print)], self.PLANNED)
        self.assertEqual([line.split(maxsplit=1) for line in out.getvalue().splitlines()], [
            ["spf.2t"], ["spf.wide"], ["ortc.time"], ["odd", "not in docs/benchmarks.md"],
            ["tips.edge", "later: no part yet"]])

    def test_the_page_is_read(self):
        planned = driver.planned_rows(PAGE)
        for name in ("spf.3metrics.1t", "lpm.v4", "lpm.v6", "http.eps", "tips.edge", "collector.restart"):
            self.assertIn(name, planned)
        self.assertNotIn("name", planned)

    def test_every_row_is_on_the_page_and_once(self):
        planned = driver.planned_rows(PAGE)
        rows = [name for group in driver.read_groups(driver.HERE / "rows") for name in group.names]
        for row in rows:
            self.assertTrue(any(driver.is_under(row, plan) for plan in planned), f"{row} is not in {PAGE.name}")
        self.assertEqual(len(rows), len(set(rows)))

    def test_scratch_is_no_memory(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory)
            with unittest.mock.patch("bench.file_system_of", lambda place: "tmpfs" if place == path else "ext4"):
                self.assertEqual(driver.scratch_under(None, path), pathlib.Path("/var/tmp"))
                self.assertEqual(driver.scratch_under(path, pathlib.Path("/")), path)


if __name__ == "__main__":
    unittest.main()
