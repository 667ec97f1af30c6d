"""DuckDB, asked through its CLI and through Python: three readers for the question, two for the export to Parquet."""

import json
import os
import re

from question import ORDER, Way

# Newer versions read instants with a zone, which Python gets as text here: as objects they need one package more.
TYPED = """select agent, verb, minute::varchar, n from (
select split_part(userAgent, '/', 1) as agent, verb, date_trunc('minute', requestReceivedTimestamp) as minute, count(*) as n
from read_json({log}{options})
where stage = 'ResponseComplete' and verb in ('list', 'watch') group by all {order})"""

FOUR_COLUMNS = """, format = 'newline_delimited', columns = {
  stage: 'VARCHAR', verb: 'VARCHAR', userAgent: 'VARCHAR', requestReceivedTimestamp: 'TIMESTAMP'}"""

OBJECTS = """select split_part(json->>'userAgent', '/', 1) as agent, (json->>'verb') as verb,
  date_trunc('minute', (json->>'requestReceivedTimestamp')::timestamp) as minute, count(*) as n
from read_json_objects({log}, format = 'newline_delimited')
where (json->>'stage') = 'ResponseComplete' and (json->>'verb') in ('list', 'watch') group by all {order}"""

LATENCY = "apiserver.latency.k8s.io"

# The parts of an event that the export takes.
SHAPE = {
    "auditID": "VARCHAR",
    "level": "VARCHAR",
    "stage": "VARCHAR",
    "requestURI": "VARCHAR",
    "verb": "VARCHAR",
    "user": {"username": "VARCHAR", "uid": "VARCHAR", "groups": ["VARCHAR"]},
    "impersonatedUser": {"username": "VARCHAR"},
    "sourceIPs": ["VARCHAR"],
    "userAgent": "VARCHAR",
    "objectRef": {
        "resource": "VARCHAR",
        "namespace": "VARCHAR",
        "name": "VARCHAR",
        "apiGroup": "VARCHAR",
        "apiVersion": "VARCHAR",
        "subresource": "VARCHAR",
    },
    "responseStatus": {"code": "INTEGER"},
    "requestReceivedTimestamp": "TIMESTAMP",
    "stageTimestamp": "TIMESTAMP",
    "annotations": {
        "authorization.k8s.io/decision": "VARCHAR",
        f"{LATENCY}/total": "VARCHAR",
        f"{LATENCY}/apf-queue-wait": "VARCHAR",
        f"{LATENCY}/etcd": "VARCHAR",
    },
}

EXPORT = """copy (select auditID, level, stage, verb, requestURI, "user".username, "user".uid, "user".groups,
  sourceIPs[1] as source_ip, userAgent, objectRef.resource, objectRef.subresource, objectRef.namespace, objectRef.name,
  objectRef.apiGroup, objectRef.apiVersion, responseStatus.code, requestReceivedTimestamp, stageTimestamp,
  annotations['authorization.k8s.io/decision'] as decision, annotations['{latency}/total'] as total,
  annotations['{latency}/apf-queue-wait'] as queue_wait, annotations['{latency}/etcd'] as etcd,
  impersonatedUser.username as impersonated_user{length}
from {source} where stage = 'ResponseComplete') to {output} (format parquet, compression zstd)"""


def question_ways(tool, ask, log):
    """The ways to ask the question; `ask` makes a command line of SQL."""
    typed = lambda options: ask(TYPED.format(log=quoted(log), options=options, order=ORDER))
    return [
        Way(tool, "read_json, columns given", typed(FOUR_COLUMNS), "question"),
        Way(tool, "read_json, automatic", typed(""), "question"),
        Way(tool, "read_json_objects, ->>", ask(OBJECTS.format(log=quoted(log), order=ORDER)), "question"),
    ]


def export_ways(tool, ask, log, scratch):
    """The ways to write Parquet. Only the raw lines tell their length: with columns given there are 24."""
    columns = ", ".join(f'"{name}": {quoted(_type(shape))}' for name, shape in SHAPE.items())
    typed = f"read_json({quoted(log)}, format = 'newline_delimited', columns = {{{columns}}})"
    transformed = (
        f"(select unnest(json_transform(json, {quoted(json.dumps(SHAPE))})), strlen(json) as length"
        f" from read_json_objects({quoted(log)}, format = 'newline_delimited'))"
    )
    return [
        _export(tool, "read_json, columns given (24 columns)", ask, typed, "", scratch),
        _export(tool, "read_json_objects, json_transform (25 columns)", ask, transformed, ", length", scratch),
    ]


def _export(tool, how, ask, source, length, scratch):
    output = os.path.join(scratch, re.sub(r"\W+", "-", f"{tool} {how}").strip("-") + ".parquet")
    sql = EXPORT.format(latency=LATENCY, length=length, source=source, output=quoted(output))
    return Way(tool, how, ask(sql), "export", output)


def _type(shape):
    """`shape` as a type: a dict is a struct, a list an array of its only member."""
    if isinstance(shape, dict):
        return "STRUCT(" + ", ".join(f'"{name}" {_type(inner)}' for name, inner in shape.items()) + ")"
    if isinstance(shape, list):
        return _type(shape[0]) + "[]"
    return shape


def quoted(text):
    """`text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"
