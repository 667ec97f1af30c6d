#!/usr/bin/env python3
"""Compare the JSON reports of two stormglass binaries: the numbers must be the same, the wording may change.

    compare_json.py OLD NEW [--lab DIR] [--lab2 DIR] [--cache DIR] [--rename OLD=NEW]... [--only TEXT]...
    compare_json.py OLD NEW --time 9 [--only TEXT]...

Runs `storms`, `incident`, `capacity` and `apf explain|lint|propose|simulate|verify` with `--format json` with both
binaries over the sample logs and, if their folders are given (or named by STORMGLASS_LAB and STORMGLASS_LAB2), over
recordings of a real apiserver. `--list` prints the cases. `--cache DIR` keeps the reports of OLD, so that the next run
only runs NEW.

Compared, by path:
  - numbers (equal within 1 part in 1e9, since a sum of floats depends on the order of threads), booleans and nulls;
  - codes: strings without white space, such as kinds, severities, names and timestamps;
  - manifests: YAML text without its comments and annotations, which hold prose;
  - lengths of lists, names of fields, exit codes.
Not compared: prose, which is any other string. It may be reworded, removed, or replaced by an object of codes and
numbers. If a list of strings becomes a list of objects, only the lengths are compared. New fields are listed but do
not fail. Removed fields fail, unless they held only prose or null.

For intended renames, extend the tables below or pass an option:
  - a field, by its name (`hurt=regressed`) or, where that is ambiguous, by the end of its path without indexes
    (`candidates.side=replay`); the new name may lead into an object
    that takes its place (`client=client.name`);
  - a code (`jail=isolated-level`, --rename-value);
  - a command line option (`--meant=--target-client`, --rename-flag).

`--time N` measures instead: each case runs N times with each binary, alternating; prints medians and their ratio.

Exit code: 0 no difference, 1 some case differs, 2 the comparison failed.
"""

import argparse
import fnmatch
import glob
import gzip
import hashlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# What 0.2.0 renamed. Field names: old -> new.
RENAMED = {
    "hurt": "regressed",
    "relieved": "improved",
    "is_meant": "is_target",
    "foreseen": "predicted",
    "candidates.side": "replay",
    "catch.meant": "target_clients",
}
# Codes: old -> new.
RENAMED_VALUES = {"jail": "isolated-level", "as-foreseen": "as-predicted"}
# Command line options: old -> new.
RENAMED_FLAGS = {"--meant": "--target-client"}
# Paths (without indexes, `*` allowed) that may differ, each with its reason.
IGNORED = {"*schema_version": "raised by the renames"}

PROJECT = Path(__file__).resolve().parent.parent
PODS = ["--resource", "pods=3000x5KB"]
# What no log says about the server of sample-logs/hard-cap.
OLD_SERVER = PODS + [
    *["--kube-version", "1.33"],
    *["--server-features", "ConsistentListFromCache=off"],
    *["--server-features", "StreamingCollectionEncodingToJSON=off"],
    *["--server-features", "SizeBasedListCostEstimate=off"],
]
HARD_CAP = "sample-logs/hard-cap/candidates/hard-cap.yaml"
BORROWS = "sample-logs/hard-cap/candidates/borrows.yaml"


def sample_cases():
    """Cases over the project's own sample logs."""
    logs = "sample-logs/"
    memory = ["--memory", logs + "python-oom/resident-memory.csv"]
    simulate = ["apf", "simulate", logs + "hard-cap/before-2.log.gz"]
    verify = ["apf", "verify", logs + "hard-cap/before-2.log.gz", "--after", logs + "hard-cap/after-2.log.gz"]
    user = ["--user", "system:serviceaccount:monitoring:prometheus-k8s", "--verb", "list", "--path", "/api/v1/pods"]
    manifests = sorted(path.relative_to(PROJECT).as_posix() for path in PROJECT.glob("tests/manifests/*.*"))
    cases = {
        "storms operator-loop": ["storms", logs + "operator-loop"],
        "storms python-oom sized": ["storms", logs + "python-oom", *PODS],
        "storms quiet": ["storms", logs + "quiet"],
        "incident operator-loop": ["incident", logs + "operator-loop", *PODS],
        "incident python-oom memory": ["incident", logs + "python-oom", *PODS, *memory, "--memory-limit", "4GiB"],
        "capacity operator-loop": ["capacity", logs + "operator-loop", "--memory-limit", "4GiB"],
        "explain python-oom": ["apf", "explain", logs + "python-oom", "--kube-version", "1.33", "--top", "0"],
        "explain request": ["apf", "explain", *user],
        "lint hard-cap with log": ["apf", "lint", HARD_CAP, BORROWS, logs + "python-oom"],
        "propose python-oom": ["apf", "propose", logs + "python-oom", *PODS, "--memory-budget", "1GiB"],
        "propose quiet": ["apf", "propose", logs + "quiet", "--include-system"],
        "simulate hard-cap": [*simulate, "--candidate", BORROWS, "--candidate", HARD_CAP, "--memory-limit", "2GiB"],
        "simulate closed loop": [*simulate, "--candidate", HARD_CAP, "--closed-loop"],
        "simulate sweep": [*simulate, "--candidate", HARD_CAP, "--sweep", "shares=1..8", "--seeds", "3"],
        "verify hard-cap": [*verify, "--candidate", HARD_CAP],
    }
    for name in ["simulate hard-cap", "simulate closed loop", "simulate sweep", "verify hard-cap"]:
        cases[name] = cases[name] + OLD_SERVER
    for manifest in manifests:
        cases[f"lint {Path(manifest).stem}"] = ["apf", "lint", manifest, "--kube-version", "1.34"]
    return cases


def lab_cases(lab):
    """Cases over the first recordings: a relist of agents, a Python loop with two kills, a quiet cluster."""

    def scenario(name):
        files = sorted(glob.glob(f"{lab}/{name}/audit*.log.gz"))
        return [file for file in files if "steady" not in file]

    def metrics(name):
        return ["--metrics", f"{lab}/metrics/scen-{name}-end.txt"]

    relist, oom = "s1-cni-relist", "s2-python-oom"
    quiet = f"{lab}/s3-quiet/audit-steady-only.log.gz"
    herd = ["--at", "2026-11-24T09:04:50Z", "--window", "60s", "--no-candidates"]
    config = [
        option
        for kind in ["flowschemas", "prioritylevelconfigurations"]
        for option in ["--config", f"{lab}/apf-truth/config-custom.{kind}.json"]
    ]
    truth = [f"{lab}/apf-truth/audit.log.gz", "--metrics", f"{lab}/apf-truth/metrics-custom.txt"]
    budget = ["--memory-budget", "1GiB"]
    return {
        "s1 storms": ["storms", *scenario(relist), *metrics(relist)],
        "s1 incident": ["incident", *scenario(relist), *metrics(relist)],
        "s1 incident herd": ["incident", *scenario(relist), *metrics(relist), *herd],
        "s1 propose system": ["apf", "propose", *scenario(relist), *PODS, *budget, "--include-system"],
        "s1 simulate": ["apf", "simulate", *scenario(relist), *metrics(relist), "--candidate", HARD_CAP],
        "s2 propose": ["apf", "propose", *scenario(oom), *PODS, *budget],
        "s2 simulate closed loop": ["apf", "simulate", *scenario(oom), *PODS, "--candidate", HARD_CAP, "--closed-loop"],
        "s2 storms at": ["storms", *scenario(oom), *metrics(oom), "--at", "2026-11-24T09:11:00Z"],
        "s2 incident": ["incident", *scenario(oom), *metrics(oom), "--no-candidates"],
        "s2 capacity": ["capacity", *scenario(oom), *metrics(oom), "--memory-limit", "4GiB"],
        "s3 storms": ["storms", quiet, *metrics("s3-quiet")],
        "s3 capacity": ["capacity", quiet, *metrics("s3-quiet"), "--compare", "none"],
        "s3 incident": ["incident", quiet, "--no-candidates"],
        "truth explain": ["apf", "explain", *truth, *config, "--httplog", f"{lab}/apf-truth/httplog.txt.gz"],
    }


def lab2_cases(lab, unpacked):
    """Cases over the second recordings: a storm on ConfigMaps before and after a change, and a kill."""

    def sized(name):
        return [f"{lab}/{name}/audit.log.gz", "--metrics", unpack(Path(lab) / name / "metrics-storm.txt.gz", unpacked)]

    def run(name):
        return [*sized(name), "--config", unpack(Path(lab) / name / "live.yaml.gz", unpacked)]

    crd = run("crd-oom") + ["--memory", f"{lab}/crd-oom/rss.csv"]
    legacy, newer = f"{lab}/candidates/legacy/propose-2GiB", f"{lab}/candidates/v136/propose-128MiB"

    def verify(profile, candidate):
        before, after = run(f"{profile}-before-1"), f"{lab}/{profile}-after-1/audit.log.gz"
        return ["apf", "verify", *before, "--after", after, "--candidate", candidate]

    return {
        "lab2 legacy storms": ["storms", *sized("legacy-before-1")],
        "lab2 crd storms": ["storms", *sized("crd-oom")],
        "lab2 crd incident": ["incident", *crd, "--no-candidates"],
        "lab2 gzip capacity": ["capacity", *run("gzip-v136-before"), "--compare", "none"],
        "lab2 legacy simulate": ["apf", "simulate", *run("legacy-before-1"), "--candidate", legacy],
        "lab2 legacy propose": ["apf", "propose", *run("legacy-before-1"), "--memory-budget", "2GiB"],
        "lab2 v136 explain": ["apf", "explain", *run("v136-before-1"), "--top", "0"],
        "lab2 lint with log": ["apf", "lint", legacy, *run("legacy-before-1")],
        "lab2 legacy verify": verify("legacy", legacy),
        "lab2 v136 verify": verify("v136", newer),
    }


def unpack(path, folder):
    """An unpacked copy, for options that take plain text. Its name is the same in each run."""
    copy = Path(folder) / f"{path.parent.name}-{path.stem}"
    if not copy.exists():
        part = copy.with_suffix(".part")
        part.write_bytes(gzip.decompress(path.read_bytes()))
        part.rename(copy)
    return copy.as_posix()


def run(binary, args):
    """Exit code, standard output, end of standard error, seconds taken."""
    started = time.monotonic()
    done = subprocess.run(
        [binary, *args, "--format", "json"], cwd=PROJECT, capture_output=True, env={**os.environ, "NO_COLOR": "1"}
    )
    took = time.monotonic() - started
    return done.returncode, done.stdout.decode(), done.stderr.decode()[-500:], took


def run_cached(binary, args, digest, cache):
    """Like `run`, but reuses the result of an earlier run."""
    if cache is None:
        return run(binary, args)
    key = hashlib.sha256("\0".join([digest, *args]).encode()).hexdigest()[:24]
    path = Path(cache) / f"{key}.json"
    if path.exists():
        return tuple(json.loads(path.read_text()))
    answer = run(binary, args)
    path.write_text(json.dumps(answer))
    return answer


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Comparison:
    """Counts what was compared in one case, and collects the differences."""

    def __init__(self, tables, tolerance):
        self.tables = tables
        self.tolerance = tolerance
        self.numbers = self.codes = self.prose = 0
        self.differences, self.added, self.gone_prose = [], set(), set()

    def differ(self, path, old, new):
        plain = plain_path(path)
        if not any(fnmatch.fnmatch(plain, pattern) for pattern in self.tables["ignored"]):
            self.differences.append(f"{path}: {short(old)} -> {short(new)}")

    def compare(self, old, new, path=""):
        if isinstance(old, dict) and isinstance(new, dict):
            self.compare_objects(old, new, path)
        elif isinstance(old, list) and isinstance(new, list):
            self.compare_lists(old, new, path)
        elif isinstance(old, str):
            self.compare_texts(old, new, path)
        elif isinstance(old, bool) or old is None or isinstance(new, bool) or not is_number(old):
            self.numbers += 1
            if type(old) is not type(new) or old != new:
                self.differ(path, old, new)
        else:
            self.numbers += 1
            if not is_number(new) or not is_close(old, new, self.tolerance):
                self.differ(path, old, new)

    def compare_objects(self, old, new, path):
        seen = set()
        for key, value in old.items():
            here = f"{path}.{key}" if path else key
            name = renamed(self.tables["fields"], here, key)
            found, counterpart = look_up(new, name)
            seen.add(name.split(".")[0])
            if found:
                self.compare(value, counterpart, here)
            elif is_prose(value) or value is None:
                self.gone_prose.add(plain_path(here))
            else:
                self.differ(here, value, "(gone)")
        for key in new:
            if key not in seen:
                self.added.add(plain_path(f"{path}.{key}" if path else key))

    def compare_lists(self, old, new, path):
        self.numbers += 1
        if len(old) != len(new):
            self.differ(path, f"{len(old)} items", f"{len(new)} items")
            return
        if all(isinstance(item, str) for item in old) and all(isinstance(item, dict) for item in new):
            self.prose += len(old)
            return
        for index, (one, other) in enumerate(zip(old, new)):
            self.compare(one, other, f"{path}[{index}]")

    def compare_texts(self, old, new, path):
        if is_manifest(old):
            self.codes += 1
            if not isinstance(new, str) or manifest_facts(old) != manifest_facts(new):
                self.differ(path, first_difference(manifest_facts(old), manifest_facts(str(new))), "(manifest)")
        elif is_prose(old):
            self.prose += 1
        else:
            self.codes += 1
            expected = self.tables["values"].get(old, old)
            if new not in (old, expected):
                self.differ(path, old, new)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_close(one, other, tolerance):
    return one == other or abs(one - other) <= tolerance * max(abs(one), abs(other))


def is_prose(value):
    """Text for people. Codes, names and instants have no space in them."""
    if isinstance(value, list):
        return bool(value) and all(is_prose(item) for item in value)
    return isinstance(value, str) and (value == "" or len(value) > 300 or re.search(r"\s", value) is not None)


def is_manifest(text):
    return "\nkind: " in text or text.startswith("kind: ")


def manifest_facts(text):
    """The lines of YAML without comments and annotations, which hold prose."""
    facts, annotations_indent = [], None
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if annotations_indent is not None and line.strip() and indent <= annotations_indent:
            annotations_indent = None
        if not line.strip() or line.lstrip().startswith("#") or annotations_indent is not None:
            continue
        if line.strip() == "annotations:":
            annotations_indent = indent
            continue
        facts.append(line.rstrip())
    return facts


def first_difference(old, new):
    for one, other in zip(old, new):
        if one != other:
            return f"{one.strip()} / {other.strip()}"
    return f"{len(old)} / {len(new)} lines"


def plain_path(path):
    return re.sub(r"\[\d+\]", "", path)


def renamed(table, path, key):
    """The new name of a field; the longest matching end of its path wins."""
    parts = plain_path(path).split(".")
    for start in range(len(parts)):
        name = table.get(".".join(parts[start:]))
        if name is not None:
            return name
    return key


def look_up(value, name):
    """Whether there is such a field, and its value; a dotted name leads into objects."""
    for part in [name] if isinstance(value, dict) and name in value else name.split("."):
        if not isinstance(value, dict) or part not in value:
            return False, None
        value = value[part]
    return True, value


def short(value):
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."


def new_args(args, flags):
    return [flags.get(arg, arg) for arg in args]


def compare_case(args, options, tables, digests):
    """The comparison, and the seconds that each binary took."""
    old = run_cached(options.old, args, digests[0], options.cache)
    new = run(options.new, new_args(args, tables["flags"]))
    comparison = Comparison(tables, options.tolerance)
    if old[0] != new[0]:
        comparison.differ("exit code", old[0], f"{new[0]}: {new[2].strip()[-200:]}")
        return comparison, old[3], new[3]
    try:
        texts = [json.loads(answer[1]) for answer in (old, new)]
    except json.JSONDecodeError as error:
        comparison.differ("JSON", old[2], f"{error}: {new[2].strip()}")
        return comparison, old[3], new[3]
    comparison.compare(*texts)
    return comparison, old[3], new[3]


def compare_all(cases, options, tables):
    digests = [digest(options.old), digest(options.new)]
    print(f"{'case':34} {'numbers':>8} {'codes':>7} {'prose':>6} {'differ':>6} {'old s':>6} {'new s':>6}")
    added, gone_prose, failed = set(), set(), {}
    for name, args in cases.items():
        comparison, old_secs, new_secs = compare_case(args, options, tables, digests)
        counts = (comparison.numbers, comparison.codes, comparison.prose, len(comparison.differences))
        print("{:34} {:8} {:7} {:6} {:6} {:6.2f} {:6.2f}".format(name, *counts, old_secs, new_secs), flush=True)
        added |= {f"{args[0] if args[0] != 'apf' else args[1]}: {path}" for path in comparison.added}
        gone_prose |= {f"{args[0] if args[0] != 'apf' else args[1]}: {path}" for path in comparison.gone_prose}
        if comparison.differences:
            failed[name] = comparison.differences
    for title, paths in [("new fields", added), ("removed prose or nulls", gone_prose)]:
        if paths:
            print(f"\n{title}:", *sorted(paths), sep="\n  ")
    for name, differences in failed.items():
        print(f"\n{name}: {len(differences)} differences", *differences[: options.show], sep="\n  ")
    print(f"\n{len(cases) - len(failed)} of {len(cases)} cases have the same numbers and codes")
    return 1 if failed else 0


def time_all(cases, options, tables):
    print(f"{'case':34} {'old s':>8} {'new s':>8} {'ratio':>7}   (medians of {options.time} paired runs)")
    ratios = []
    for name, args in cases.items():
        commands = [(options.old, args), (options.new, new_args(args, tables["flags"]))]
        for binary, arguments in commands:
            run(binary, arguments)
        took = ([], [])
        for turn in range(options.time):
            order = [0, 1] if turn % 2 == 0 else [1, 0]
            for which in order:
                took[which].append(run(*commands[which])[3])
        old, new = map(statistics.median, took)
        ratio = statistics.median(after / before for before, after in zip(*took))
        ratios.append(ratio)
        print(f"{name:34} {old:8.3f} {new:8.3f} {ratio:7.3f}", flush=True)
    if ratios:
        print(f"{'median of ratios':34} {'':8} {'':8} {statistics.median(ratios):7.3f}")
    return 0


def pairs(texts):
    return dict(text.split("=", 1) for text in texts)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", metavar="OLD", type=os.path.abspath)
    parser.add_argument("new", metavar="NEW", type=os.path.abspath)
    parser.add_argument("--lab", default=os.environ.get("STORMGLASS_LAB"))
    parser.add_argument("--lab2", default=os.environ.get("STORMGLASS_LAB2"))
    parser.add_argument("--cache", metavar="DIR", help="keep the reports of OLD here")
    parser.add_argument("--rename", metavar="OLD=NEW", action="append", default=[], help="a field's new name")
    parser.add_argument("--rename-value", metavar="OLD=NEW", action="append", default=[], help="a code's new spelling")
    parser.add_argument("--rename-flag", metavar="OLD=NEW", action="append", default=[], help="an option's new name")
    parser.add_argument("--ignore", metavar="PATH", action="append", default=[], help="a path that may differ; * allowed")
    parser.add_argument("--tolerance", type=float, default=1e-9, help="relative difference of numbers that is ignored")
    parser.add_argument("--only", metavar="TEXT", action="append", default=[], help="cases whose name has TEXT")
    parser.add_argument("--show", metavar="N", type=int, default=20, help="differences shown of a case")
    parser.add_argument("--time", metavar="N", type=int, help="measure instead: N paired runs of each case")
    parser.add_argument("--list", action="store_true", help="print the cases")
    return parser.parse_args()


def main():
    options = arguments()
    tables = {
        "fields": {**RENAMED, **pairs(options.rename)},
        "values": {**RENAMED_VALUES, **pairs(options.rename_value)},
        "flags": {**RENAMED_FLAGS, **pairs(options.rename_flag)},
        "ignored": [*IGNORED, *options.ignore],
    }
    with tempfile.TemporaryDirectory() as temporary:
        if options.cache is not None:
            os.makedirs(options.cache, exist_ok=True)
        cases = sample_cases()
        if options.lab:
            cases |= lab_cases(options.lab)
        if options.lab2:
            cases |= lab2_cases(options.lab2, options.cache or temporary)
        if options.only:
            cases = {name: args for name, args in cases.items() if any(text in name for text in options.only)}
        if options.list:
            for name, args in cases.items():
                print(f"{name}: stormglass {' '.join(args)} --format json")
            return 0
        return time_all(cases, options, tables) if options.time else compare_all(cases, options, tables)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
