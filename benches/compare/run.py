#!/usr/bin/env python3
"""Compares Stormglass with general tools on one question about an audit log, and prints what each took as Markdown.

All tools are here at once and take turns, run by run, so that a machine that grows slower does so for all of them. One warm-up
run each comes first and isn't counted: what is compared is reading from the page cache. See README.md.
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile

import measure
import peers
import question


def main():
    options = parse()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="compare-", dir=options.scratch) as scratch:
        sections = [compare(options, options.log, scratch)]
        if options.gz:
            sections.append(compare(options, options.gz, None))
        print(machine(options, load))
        size = os.path.getsize(options.log)
        agree = [report(size, *section) for section in sections]
    return 0 if all(agree) else 1


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--log", required=True, help="an audit log of JSON lines")
    parser.add_argument("--gz", help="the same log, compressed with gzip; compared too")
    parser.add_argument("--stormglass", help="the stormglass binary")
    parser.add_argument("--duckdb", help="the DuckDB CLI; else it is looked for in PATH and beside --python")
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has duckdb, chdb and polars")
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each (default %(default)s)")
    parser.add_argument("--timeout", type=float, default=600, help="seconds after which a run is given up (default %(default)s)")
    parser.add_argument("--skip", action="append", default=[], metavar="TOOL", help="leave out a tool, such as jq")
    parser.add_argument("--scratch", help="where exports are written; deleted afterwards")
    options = parser.parse_args()
    for path in (options.log, options.gz):
        if path and not os.path.isfile(path):
            parser.error(f"{path} is no file")
    return options


def compare(options, log, scratch):
    """Runs all ways on one log. Returns the log, the tools, what is missing, and per way its costs or why it failed."""
    found, missing = peers.find(options, log, scratch)
    skipped = {name.lower() for name in options.skip}
    found = [tool for tool in found if not any(tool.tool.lower().startswith(name) for name in skipped)]
    ways = [way for tool in found for way in tool.ways]
    results = {}
    for turn in range(options.runs + 1):
        for at, way in enumerate(ways):
            if isinstance(results.get(at), str):
                continue
            note = "warm-up" if turn == 0 else f"run {turn} of {options.runs}"
            print(f"{os.path.basename(log)}: {note}: {way.tool}, {way.how}", file=sys.stderr, flush=True)
            cost = measure.run(way.argv, options.timeout)
            problem = failure(way, cost)
            if problem:
                print(f"  {problem}", file=sys.stderr)
                results[at] = problem
            elif turn > 0:
                results.setdefault(at, []).append(cost)
    return log, found, missing, [(way, results.get(at, [])) for at, way in enumerate(ways)]


def failure(way, cost):
    """Why a run doesn't count, or None."""
    if cost.code != 0:
        lines = [line for line in cost.stderr.strip().split("\n") if line.strip()] or ["no message"]
        return f"failed with {cost.code}: {lines[-1][:200]}"
    if way.task == "question" and not question.rows(cost.stdout):
        return "printed no rows"
    if way.task == "export" and not os.path.exists(way.output):
        return "wrote no file"
    return None


def machine(options, load):
    """The machine's shape, without its name; `load` is what it was at the start."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    facts = [
        f"- CPU: {cpu_model()}, {cores} cores to be used",
        f"- memory: {memory_gib():.0f} GiB",
        f"- kernel: {platform.system()} {platform.release()} {platform.machine()}",
        f"- load: {load:.1f} in the minute before, {os.getloadavg()[0]:.1f} at the end",
        f"- medians of {options.runs} runs in turns, after one warm-up each; MB/s are of the uncompressed log;"
        f" memory peaks below {measure.floor() / 1e6:.0f} MB can't be seen",
    ]
    return "\n".join(facts)


def cpu_model():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
        return names[0] if names else platform.machine()
    except OSError:
        return platform.processor() or platform.machine()


def memory_gib():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def report(size, log, found, missing, results):
    """Prints one log's tables; tells whether all answers are the same. `size` is that of the log uncompressed."""
    print(f"\n## {os.path.basename(log)}, {os.path.getsize(log) / 1e6:,.0f} MB\n")
    print("; ".join(f"{tool.tool}: {tool.version}" for tool in found) + "\n")
    for sentence in missing:
        print(f"- {sentence}")
    agree = check([(way, costs) for way, costs in results if way.task == "question"])
    print_table("The question", size, [entry for entry in results if entry[0].task != "export"])
    exports = [entry for entry in results if entry[0].task == "export"]
    if exports:
        print_table("25 columns to Parquet", size, exports)
    return agree


def check(results):
    """Compares all answers, of all runs, with the first; says loudly where they part."""
    answered = [(way, costs) for way, costs in results if not isinstance(costs, str) and costs]
    if not answered:
        return True
    expected = question.rows(answered[0][1][0].stdout)
    problems = []
    for way, costs in answered:
        found = {question.difference(expected, question.rows(cost.stdout)) for cost in costs} - {None}
        problems += [f"- **{way.tool}, {way.how}: {problem}**" for problem in found]
    if problems:
        print(f"\n# THE ANSWERS DIFFER from that of {answered[0][0].tool}, {answered[0][0].how}\n")
        print("\n".join(problems))
    else:
        print(f"\nAll {len(answered)} ways give the same {len(expected)} rows.")
    return not problems


def print_table(title, size, results):
    print(f"\n### {title}\n")
    print("| tool | how | wall s | min–max | CPU s | MB/s | peak RSS MB | file MB |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    done = [entry for entry in results if not isinstance(entry[1], str)]
    for way, costs in sorted(done, key=lambda entry: median(entry[1], "wall_s")):
        walls = [cost.wall_s for cost in costs]
        wall = median(costs, "wall_s")
        written = f"{os.path.getsize(way.output) / 1e6:,.1f}" if os.path.exists(way.output) else ""
        print(
            f"| {way.tool} | {way.how} | {wall:.2f} | {min(walls):.2f}–{max(walls):.2f} | {median(costs, 'cpu_s'):.2f}"
            f" | {size / 1e6 / wall:,.0f} | {median(costs, 'rss_bytes') / 1e6:,.0f} | {written} |"
        )
    for way, problem in results:
        if isinstance(problem, str):
            print(f"| {way.tool} | {way.how} | {problem.replace('|', '/')} | | | | | |")


def median(costs, field):
    return statistics.median(getattr(cost, field) for cost in costs)


if __name__ == "__main__":
    sys.exit(main())
