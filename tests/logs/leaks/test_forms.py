"""Keys and tokens that their form alone gives away, in the midst of a line and without a telling name."""

from __future__ import annotations

import random
import re
import string

import pytest

from soc2ev.logs.leaks import Scanner

ALPHABETS = {
    "a": string.ascii_letters + string.digits,
    "l": string.ascii_lowercase + string.digits,
    "u": string.ascii_uppercase + string.digits,
    "x": "0123456789abcdef",
    "9": string.digits,
}
UUID = "<x8>-<x4>-<x4>-<x4>-<x12>"
FORMS = {
    "api_key": [
        "p8e-<l32>",
        "LTAI<a20>",
        "FLWSECK-<x32>-X",
        "ico-<a32>",
        "AKCp<a69>",
        "AQVN<a36>",
        "oy2<l43>",
        "API-<u26>",
        "NRII-<a32>",
        f"sdk-{UUID}",
        "pcsk_<a6>_<a60>",
        "sk_<x48>",
        "aio_<a28>",
        "phx_<a43>",
        "sk.eyJ1Ijoi<a40>.<a22>",
        "mka_<a40>",
        "live_<a30>",
        "lsv2_pt_<x32>_<x10>",
        "v1.0-<x24>-<x146>",
        "AAAA<a7>:APA91b<a134>",
        "<a3>8Q~<a34>",
    ],
    "token": [
        "<a22>:APA91b<a134>",
        "ATBB<a32>",
        "CLOJARS_<l60>",
        "sl.<a135>",
        "glc_<a80>",
        f"pat-na1-{UUID}",
        "ops_eyJ<a240>",
        f"access-production-{UUID}",
        "tfp_<a44>",
        "nfp_<a36>",
        "vcp_<a56>",
        "sha256~<a43>",
        "pnu_<l36>",
        "fio-u-<a64>",
        "CCIPAT_<a22>_<x40>",
        "bkua_<x40>",
        "tk-eu-<a48>",
        "4/0A<a60>",
        "pat.<a22>.<x24>.<a20>",
        f"https://acme.webhook.office.com/webhookb2/{UUID}@{UUID}/IncomingWebhook/<x32>/{UUID}",
    ],
}
"""By kind: what vendors document, `<a20>` being 20 letters and digits."""
LINES = ("2026-11-02 10:00:00 INFO using {} for the upstream", '{{"msg":"with {}","n":1}}', "GET /x?q={} HTTP/1.1")


def made(form: str, seed: int) -> str:
    """One of that form, by lot."""
    r = random.Random(f"{form}{seed}")
    return re.sub(r"<(.)(\d+)>", lambda of: "".join(r.choice(ALPHABETS[of[1]]) for _ in range(int(of[2]))), form)


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize(("kind", "form"), [(kind, form) for kind, forms in FORMS.items() for form in forms])
def test_a_form_of_a_vendor_is_told_wherever_it_stands(kind: str, form: str, line: str) -> None:
    """And is found by the quick way through a block as well."""
    scanner = Scanner(b"key")
    for seed in range(4):
        text = line.format(made(form, seed)).encode()
        found = list(scanner.scan(text))
        assert [kind] == [one.kind for one in found]
        assert found == [one for _, one in scanner.scan_block(b"x\n" + text + b"\nx\n")]


@pytest.mark.parametrize(
    "line",
    [
        f"pod api-{UUID} and sdk-go-v2 started on node web-{UUID}",
        "sha256:<x64> pulled, digest sha256~sums kept",
        "sl.example.com resolved; live_streaming_configuration_changed; tfp_rate=0.5",
        "GET /webhookb2/status 200; https://acme.webhook.office.com/webhookb2/help",
        "request API-VERSION-2026-11-02 and pat.example.internal answered 4/0 in aio_loop_iteration_count",
    ],
)
def test_what_only_begins_like_one_is_none(line: str) -> None:
    """Ids, digests, hosts and names of settings."""
    scanner = Scanner(b"key")
    assert [] == [one for seed in range(4) for one in scanner.scan(made(line, seed).encode())]
