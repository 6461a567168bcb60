"""
Read-only by construction: what may be asked at all, whatever a manifest says.

Refusals are ValueErrors, so that they become complaints with the place in the manifest.
"""

from __future__ import annotations

import re

_AWS_READS = re.compile(r"[a-z0-9-]+\.(describe|get|list|lookup|simulate)_[a-z0-9_]+")
_AWS_SECRETS = re.compile(
    r"[a-z0-9-]+\.(batch_)?get_("
    r"secret_value|parameters?|parameter_history|parameters_by_path|password_data|random_password|federation_token"
    r"|session_token|authorization_token|login|object|object_torrent|api_keys?|function|console_output"
    r"|console_screenshot|.*credentials.*|open_id_token.*|id|.*_token|log_events|log_record|query_results|data_key.*"
    r"|launch_template_data|.*private_key.*|export|sdk|download_url_for_layer|workflow_run_properties)"
)
"""Operations that begin like reads and hand out secrets, tokens, or the contents of what is stored."""
_POSTS = ("/graphql", ":getIamPolicy", "/search", "/_search", "/search/jql", "/_has_privileges")
"""Ends of paths at which systems take questions by POST."""
_SQL_START = re.compile(r"\s*(select|with|show)\b", re.IGNORECASE)
_SQL_WRITES = re.compile(
    r"\b(insert|update|delete|merge|create|alter|drop|truncate|grant|revoke|copy|call|do|execute|prepare|lock|into"
    r"|set_config|pg_read_file|pg_read_binary_file|pg_ls_\w+|lo_\w+|dblink\w*|pg_terminate_backend|pg_cancel_backend"
    r"|pg_reload_conf|pg_rotate_logfile|nextval|setval|pg_advisory\w*|pg_sleep\w*|pg_shadow|pg_authid|rolpassword"
    r"|passwd)\b",
    re.IGNORECASE,
)
_SECRET_NAME = re.compile(r"token|secret|passw|api_?key|credential", re.IGNORECASE)
_LOOPBACK = re.compile(r"http://(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]+)?(/\S*)?")
_HTTPS = re.compile(r"https://[^/@\s\\?#]+(/\S*)?")


def refuse_request(kind: str, text: str, *, post: bool) -> None:
    """ValueError unless the path, the operation of AWS or the SQL statement only reads."""
    {"path": _refuse_path, "op": _refuse_op, "sql": _refuse_sql}[kind](text, post=post)


def refuse_base(url: str) -> None:
    """ValueError unless it is an https address, or the one that the entry configures (checked when it is known)."""
    if not url.startswith("${config.") and not safe_url(url):
        raise ValueError("base_url is an https:// address (http:// for loopback hosts only) or ${config.url}")


def safe_url(url: str) -> bool:
    """Whether credentials may be sent there: https, or this machine."""
    return bool(_HTTPS.fullmatch(url) or _LOOPBACK.fullmatch(url))


def _refuse_path(text: str, *, post: bool) -> None:
    if not text.startswith(("/", "${config.")) or ".." in text or re.search(r"[\s\\]", text):
        raise ValueError(f"{text!r} is no path below the base address")
    for name in re.findall(r"\$\{config\.([^}]*)\}", text.partition("?")[0] + text):
        if _SECRET_NAME.search(name):
            raise ValueError(f"{text!r} puts a secret into an address; use auth")
    if post and not text.endswith(_POSTS):
        raise ValueError(f"POST is sent to {', '.join(_POSTS)} only")


def _refuse_op(text: str, *, post: bool) -> None:
    if post or not _AWS_READS.fullmatch(text):
        raise ValueError(f"{text} does not only read: operations begin with describe_, get_, list_, lookup_, simulate_")
    if _AWS_SECRETS.fullmatch(text):
        raise ValueError(f"{text} hands out secrets or contents; it is never asked")


def _refuse_sql(text: str, *, post: bool) -> None:
    # The transaction is read-only as well; this keeps a reader from having to trust that alone.
    if post or not _SQL_START.match(text) or ";" in text or "--" in text or "/*" in text:
        raise ValueError("sql is a single SELECT without semicolon and comments")
    if found := _SQL_WRITES.search(_without_literals(text)):
        raise ValueError(f"sql uses {found[0]!r}, which does not only read settings")


def _without_literals(text: str) -> str:
    return re.sub(r"'(?:[^']|'')*'", "''", text)
