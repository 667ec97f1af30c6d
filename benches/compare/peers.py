"""The tools that are compared: where each is found, and the command lines that ask it.

Each is asked as its manual would have it. Where a tool has several readers, the fastest and the most convenient are both
there. Nothing is tuned: each uses as many threads as it likes.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass

import peer_duckdb
from question import ORDER, Way

CHDB = """select splitByChar('/', userAgent)[1] as agent, verb,
  toStartOfMinute(parseDateTimeBestEffort(requestReceivedTimestamp, 'UTC')) as minute, count() as n
from file({log}, 'JSONEachRow', 'stage String, verb String, userAgent String, requestReceivedTimestamp String')
where stage = 'ResponseComplete' and verb in ('list', 'watch') group by agent, verb, minute {order}
settings input_format_skip_unknown_fields = 1"""

POLARS = """
import sys
import polars as pl

columns = ["stage", "verb", "userAgent", "requestReceivedTimestamp"]
(
    pl.scan_ndjson(sys.argv[1], schema={name: pl.String for name in columns})
    .filter((pl.col("stage") == "ResponseComplete") & pl.col("verb").is_in(["list", "watch"]))
    .group_by(
        pl.col("userAgent").str.split_exact("/", 1).struct.field("field_0").alias("agent"),
        "verb",
        pl.col("requestReceivedTimestamp").str.slice(0, 16).alias("minute"),
    )
    .agg(pl.len().alias("n"))
    .sort(["n", "agent", "verb", "minute"], descending=[True, False, False, False])
    .head(20)
    .collect(engine="streaming")
    .write_csv(sys.stdout)
)
"""

JQ = """select(.stage == "ResponseComplete" and (.verb == "list" or .verb == "watch"))
  | [(.userAgent | split("/")[0]), .verb, .requestReceivedTimestamp[0:16]] | @tsv"""

# `uniq` puts its counts in front, between spaces that user agents may hold too.
JQ_SHELL = r"""export LC_ALL=C
tab=$(printf '\t')
{unpack} | jq -r "$2" | sort | uniq -c | sed "s/^ *\([0-9]*\) /\1$tab/" |
  sort -t "$tab" -k1,1nr -k2,2 -k3,3 -k4,4 | head -n 20 | awk -F '\t' -v OFS='\t' '{{print $2, $3, $4, $1}}'"""

STORMGLASS = """select split_part(user_agent, '/', 1) as agent, verb, date_trunc('minute', received_at) as minute, count(*) as n
from requests where outcome = 'complete' and verb in ('list', 'watch') group by 1, 2, 3 order by n desc, 1, 2, 3 limit 20"""

STORMGLASS_EXPORT = """select audit_id, level, last_stage, verb, request_uri, user_name, user_uid, user_groups, source_ip,
  user_agent, resource, subresource, namespace, name, api_group, api_version, code, received_at, completed_at,
  authorization_decision, latency_total_secs, latency_apf_queue_wait_secs, latency_etcd_secs, impersonated_user_name,
  request_bytes
from requests where outcome = 'complete'"""


@dataclass(frozen=True)
class Found:
    """A tool that is here, and the ways to ask it."""

    tool: str
    version: str
    ways: list


def find(options, log, scratch):
    """The tools that are here, and a sentence for each that is not. `scratch` is where exports go, if there are any."""
    looks = (_wc, _stormglass, _duckdb_cli, _duckdb_python, _chdb, _polars, _jq)
    results = [look(options, log, scratch) for look in looks]
    found = [result for result in results if isinstance(result, Found)]
    return found, [result for result in results if isinstance(result, str)]


def _wc(_options, log, _scratch):
    if not shutil.which("wc"):
        return "wc is not here"
    argv = ["sh", "-c", 'gzip -dc "$1" | wc -l', "sh", log] if _is_packed(log) else ["wc", "-l", log]
    return Found("wc", _version(["wc", "--version"]), [Way("wc", "lines", argv, "floor")])


def _stormglass(options, log, scratch):
    binary = options.stormglass
    if not binary:
        return "stormglass is not compared: give --stormglass"
    ask = lambda sql, *more: [binary, "query", "--quiet", "--sql", sql, log, *more]
    ways = [Way("stormglass", "query --sql", ask(STORMGLASS, "--format", "csv"), "question")]
    if scratch:
        output = os.path.join(scratch, "stormglass.parquet")
        argv = ask(STORMGLASS_EXPORT, "--format", "parquet", "--output", output)
        ways.append(Way("stormglass", "query --format parquet (25 columns)", argv, "export", output))
    return Found("stormglass", _version([binary, "--version"]), ways)


def _duckdb_cli(options, log, scratch):
    binary = options.duckdb or shutil.which("duckdb") or _beside(options.python, "duckdb")
    if not binary:
        return "the DuckDB CLI is not here: install the PyPI package duckdb-cli, or give --duckdb"
    ask = lambda sql: [binary, "-csv", "-c", sql]
    return _duckdb("DuckDB CLI", _version([binary, "--version"]), ask, log, scratch)


def _duckdb_python(options, log, scratch):
    version = _module_version(options.python, "duckdb")
    if not version:
        return "the Python module duckdb is not here: install it, or give --python"
    program = (
        "import duckdb, sys\n"
        "duckdb.execute('set enable_progress_bar = false')\n"
        "answer = duckdb.sql(sys.argv[1])\n"
        "for row in answer.fetchall() if answer else []: print(*row, sep='\\t')"
    )
    ask = lambda sql: [options.python, "-c", program, sql]
    return _duckdb("DuckDB in Python", version, ask, log, scratch)


def _duckdb(tool, version, ask, log, scratch):
    ways = peer_duckdb.question_ways(tool, ask, log)
    if scratch:
        ways += peer_duckdb.export_ways(tool, ask, log, scratch)
    return Found(tool, version, ways)


def _chdb(options, log, _scratch):
    version = _module_version(options.python, "chdb")
    if not version:
        return "the Python module chdb is not here: install it, or give --python"
    sql = CHDB.format(log=peer_duckdb.quoted(log), order=ORDER)
    argv = [options.python, "-m", "chdb", sql, "CSV"]
    return Found("chDB", version, [Way("chDB", "JSONEachRow, columns given", argv, "question")])


def _polars(options, log, _scratch):
    version = _module_version(options.python, "polars")
    if not version:
        return "the Python module polars is not here: install it, or give --python"
    argv = [options.python, "-c", POLARS, log]
    return Found("Polars", version, [Way("Polars", "scan_ndjson, columns given", argv, "question")])


def _jq(_options, log, _scratch):
    if not shutil.which("jq"):
        return "jq is not here"
    script = JQ_SHELL.format(unpack='gzip -dc "$1"' if _is_packed(log) else 'cat "$1"')
    return Found("jq", _version(["jq", "--version"]), [Way("jq", "and sort, uniq", ["sh", "-c", script, "sh", log, JQ], "question")])


def _is_packed(log):
    return log.endswith(".gz")


def _beside(python, name):
    """A program in the directory of the interpreter, which is where pip puts it in a virtual environment."""
    path = os.path.join(os.path.dirname(os.path.abspath(python)), name)
    return path if os.access(path, os.X_OK) else None


def _version(argv):
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    except OSError as error:
        return f"unknown ({error})"
    return (done.stdout or done.stderr).strip().split("\n")[0]


def _module_version(python, module):
    program = f"from importlib.metadata import version; import {module}; print(version('{module}'))"
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.strip() if done.returncode == 0 else None
