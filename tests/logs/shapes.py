"""Twenty-odd shapes of log lines: each takes a message and fields and writes one line as its library would."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from urllib.parse import quote

Fields = dict[str, str]
Shape = Callable[[random.Random, str, Fields], str]


def _hex(r: random.Random, size: int) -> str:
    return f"{r.getrandbits(4 * size):0{size}x}"


def _uuid(r: random.Random) -> str:
    return "-".join(_hex(r, size) for size in (8, 4, 4, 4, 12))


def _when(r: random.Random) -> str:
    return f"2026-10-{r.randint(1, 28):02d}T{r.randint(0, 23):02d}:{r.randint(0, 59):02d}:{r.randint(0, 59):02d}"


def _pairs(fields: Fields) -> str:
    return " ".join(
        f'{key}="{value}"' if " " in value or '"' in value else f"{key}={value}" for key, value in fields.items()
    )


def _query(fields: Fields) -> str:
    return "&".join(f"{key}={quote(value, safe='@._-~')}" for key, value in fields.items()) or "page=2"


def bunyan(r, msg, fields):
    return json.dumps(
        {
            "name": "api",
            "hostname": "web-1",
            "pid": 71,
            "level": 30,
            "req_id": _uuid(r),
            "msg": msg,
            "time": _when(r) + ".120Z",
            "v": 0,
            **fields,
        }
    )


def pino(r, msg, fields):
    return json.dumps(
        {
            "level": 30,
            "time": 1790000000000 + r.getrandbits(30),
            "pid": 7,
            "reqId": "req-1a",
            "req": {"id": r.getrandbits(20), "body": fields},
            "msg": msg,
        },
        separators=(",", ":"),
    )


def ecs(r, msg, fields):
    return json.dumps(
        {
            "@timestamp": _when(r) + "Z",
            "log.level": "info",
            "ecs.version": "8.11",
            "trace": {"id": _hex(r, 32)},
            "message": msg,
            "labels": fields,
        }
    )


def ocsf(r, msg, fields):
    return json.dumps(
        {
            "class_uid": 3002,
            "activity_id": 1,
            "time": 1790000000000,
            "metadata": {"version": "1.3.0", "uid": _uuid(r)},
            "message": msg,
            "unmapped": fields,
        }
    )


def otlp(r, msg, fields):
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in fields.items()]
    return json.dumps(
        {
            "resourceLogs": [
                {
                    "scopeLogs": [
                        {
                            "logRecords": [
                                {
                                    "timeUnixNano": str(1790000000000000000 + r.getrandbits(40)),
                                    "severityNumber": 9,
                                    "traceId": _hex(r, 32),
                                    "spanId": _hex(r, 16),
                                    "body": {"stringValue": msg},
                                    "attributes": attributes,
                                }
                            ]
                        }
                    ]
                }
            ]
        }
    )


def zap(r, msg, fields):
    return json.dumps(
        {"level": "info", "ts": 1790000000.1 + r.random(), "caller": "http/server.go:212", "msg": msg, **fields},
        separators=(",", ":"),
    )


def slog(r, msg, fields):
    return f'time={_when(r)}.000Z level=INFO source=main.go:41 msg="{msg}" trace_id={_hex(r, 32)} {_pairs(fields)}'


def logfmt(r, msg, fields):
    return f'ts={_when(r)}Z level=info request_id={_uuid(r)} {_pairs(fields)} msg="{msg}"'


def docker(r, msg, fields):
    inner = json.dumps({"lvl": "info", "m": msg, **fields})
    return json.dumps({"log": inner + "\n", "stream": "stdout", "time": _when(r) + ".123456789Z"})


def klog(r, msg, fields):
    quoted = " ".join(f'{key}="{value}"' for key, value in fields.items())
    return f'I1012 10:11:12.{r.randint(100000, 999999)}       1 controller.go:{r.randint(20, 900)}] "{msg}" {quoted}'


def cri(r, msg, fields):
    return f"{_when(r)}.123456789Z stdout F " + json.dumps({"msg": msg, **fields})


def rfc3164(r, msg, fields):
    return f"<134>Oct 12 10:{r.randint(10, 59)}:11 web-1 app[{r.randint(100, 9999)}]: {msg} {_pairs(fields)}"


def rfc5424(r, msg, fields):
    data = " ".join(f'{key}="{value}"' for key, value in fields.items())
    return f'<165>1 {_when(r)}.003Z host.acme app {r.randint(100, 9999)} ID47 [meta@32473 seq="{r.getrandbits(20)}"{" " + data if data else ""}] {msg}'


def python(r, msg, fields):
    return f"{_when(r).replace('T', ' ')},{r.randint(100, 999)} INFO [app.views] {msg} {fields!r}"


def log4j(r, msg, fields):
    mdc = ", ".join(f"{key}={value}" for key, value in fields.items())
    return f"{_when(r).replace('T', ' ')}.{r.randint(100, 999)} [http-nio-8080-exec-{r.randint(1, 9)}] INFO  c.a.b.PaymentService - {msg} {{traceId={_hex(r, 32)}{', ' + mdc if mdc else ''}}}"


def rails(r, msg, fields):
    inside = ", ".join(f'"{key}"=>"{value}"' for key, value in fields.items())
    return f'I, [{_when(r)}.123456 #{r.randint(10, 9999)}]  INFO -- : [{_uuid(r)}] {msg}   Parameters: {{"utf8"=>"x", "user"=>{{{inside}}}, "commit"=>"Save"}}'


def lograge(r, msg, fields):
    return f'method=POST path=/users format=html controller=UsersController action=create status=200 duration=58.33 view=40.43 {_pairs(fields)} note="{msg}"'


def nginx(r, msg, fields):
    return f'203.0.113.{r.randint(1, 250)} - - [12/Oct/2026:10:11:{r.randint(10, 59)} +0000] "GET /api/items?{_query(fields)} HTTP/1.1" 200 {r.randint(100, 9999)} "https://app.acme.test/{quote(msg, safe="@:/=")}" "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) Version/17.4 Mobile/15E148 Safari/604.1"'


def alb(r, msg, fields):
    return f'https {_when(r)}.186641Z app/my-lb/50dc6c495c0c9188 192.0.2.1:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 "GET https://www.acme.test:443/?{_query(fields)} HTTP/1.1" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337281-{_hex(r, 24)}" "{msg}" "-" 1 {_when(r)}Z "forward" "-" "-"'


def s3(r, msg, fields):
    return f'{_hex(r, 64)} acme-bucket [12/Oct/2026:00:00:38 +0000] 192.0.2.3 {_hex(r, 64)} 3E57427F3EXAMPLE REST.GET.OBJECT a.txt "GET /acme-bucket/a.txt?{_query(fields)} HTTP/1.1" 200 - 113 - 7 - "{msg}" "S3Console/0.4" - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader'


def postgres(r, msg, fields):
    where = " AND ".join(f"{key} = '{value}'" for key, value in fields.items())
    return f"{_when(r).replace('T', ' ')}.123 UTC [{r.randint(100, 9999)}] app@shop LOG:  {msg}; statement: SELECT * FROM t WHERE {where or 'a = 1'}"


def mysql(r, msg, fields):
    sets = ", ".join(f"{key}='{value}'" for key, value in fields.items())
    return f"{_when(r)}.123456Z\t   {r.randint(10, 99)} Query\tUPDATE users SET note='{msg}', {sets or 'a=1'} WHERE id={r.randint(1, 999)}"


def haproxy(r, msg, fields):
    return f'Oct 12 10:11:12 lb haproxy[14389]: 10.0.1.2:{r.randint(2000, 60000)} [12/Oct/2026:10:11:12.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {{{msg}}} "GET /index.html?{_query(fields)} HTTP/1.1"'


def envoy(r, msg, fields):
    return f'[{_when(r)}.310Z] "POST /api/v1/locations?{_query(fields)} HTTP/2" 204 - 154 0 226 100 "10.0.35.28" "{msg}" "{_uuid(r)}" "locations" "tcp://10.0.2.1:80"'


def cef(r, msg, fields):
    return f"CEF:0|Acme|Gate|1.0|100|{msg}|5|src=10.0.0.1 dst=2.1.2.2 spt=1232 " + " ".join(
        f"{key}={value}" for key, value in fields.items()
    )


def leef(r, msg, fields):
    return "LEEF:2.0|Acme|Gate|1.0|login|^|" + "^".join(
        ["src=10.0.0.1", f"msg={msg}", *(f"{key}={value}" for key, value in fields.items())]
    )


def cloudtrail(r, msg, fields):
    return json.dumps(
        {
            "eventVersion": "1.08",
            "userIdentity": {
                "type": "IAMUser",
                "accessKeyId": "AKIA" + "".join(r.choices("ABCDEFGHIJKLMNOP234567", k=16)),
            },
            "eventTime": _when(r) + "Z",
            "eventID": _uuid(r),
            "requestParameters": {"description": msg, **fields},
        }
    )


def journal(r, msg, fields):
    return json.dumps(
        {
            "__CURSOR": f"s={_hex(r, 32)};i=1;b={_hex(r, 32)}",
            "__REALTIME_TIMESTAMP": "1790000000000000",
            "_PID": "71",
            "MESSAGE": f"{msg} {_pairs(fields)}",
        }
    )


def iis(r, msg, fields):
    return f"2026-10-12 10:11:12 10.0.0.5 GET /default.aspx {_query(fields)} 443 - 203.0.113.9 Mozilla/5.0+(Windows+NT+10.0) {msg.replace(' ', '+')} 200 0 0 {r.randint(1, 99)}"


SHAPES: tuple[Shape, ...] = (
    bunyan, pino, ecs, ocsf, otlp, zap, slog, logfmt, docker, klog, cri, rfc3164, rfc5424, python, log4j, rails, lograge,
    nginx, alb, s3, postgres, mysql, haproxy, envoy, cef, leef, cloudtrail, journal, iis,
)  # fmt: skip
URL_ONLY = frozenset({nginx, alb, s3, haproxy, envoy, iis})
"""Shapes whose fields are a query string and whose message is a header: prose does not occur in them."""
