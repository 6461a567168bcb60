"""
The tables that the stored answers of git fill, declared column by column.

Everything in them is as the repository states it. Dates of commits and tags are set by the clients that made
them; names and addresses are claims.
"""

from __future__ import annotations

from soc2ev.model import Column, Table

_REPOSITORY = Column("repository", "TEXT", "The name given under `sources.git`.", required=True)
_REF = Column("ref", "TEXT", "The branch, as the configuration or the repository names it.", required=True)
_SHA = Column("sha", "TEXT", "The full id of the commit.", required=True)


def _text(name: str, doc: str) -> Column:
    return Column(name, "TEXT", doc)


REPOSITORIES = Table(
    "git_repositories",
    "A git repository as it was when collected.",
    (
        _REPOSITORY,
        _text("git_version", "The version of git that answered."),
        Column("bare", "BOOLEAN", "It has no working tree."),
        Column("shallow", "BOOLEAN", "Its history is cut off: a population from it is incomplete."),
        _text("object_format", "`sha1` or `sha256`."),
    ),
    ("repository",),
)
REFS = Table(
    "git_refs",
    "Every branch, tag and other ref as it was when collected.",
    (
        _REPOSITORY,
        Column("ref", "TEXT", "Full name, for example `refs/tags/v1.2`.", required=True),
        _text("target", "The ref that a symbolic ref points to."),
        _text("object", "The id of the object that it names."),
        _text("kind", "`commit`, `tag`, `tree` or `blob`."),
        _text("commit_sha", "The commit that it or its annotated tag names; NULL for anything else."),
        Column("created_at", "TIMESTAMP", "Date of the tag or commit, set by the client that made it."),
        _text("tagger_name", "Who made the annotated tag, as stated in it."),
        _text("tagger_email", "The tagger's address, as stated."),
        _text("subject", "First line of the tag's or commit's message."),
    ),
    ("repository", "ref"),
)
HEADS = Table(
    "git_heads",
    "What a branch held: now, at the period's start and end; and whether it kept the tip seen before.",
    (
        _REPOSITORY,
        _REF,
        Column("role", "TEXT", "`tip`, `start`, `end` or `kept`.", required=True),
        _text("sha", "The commit; NULL when the branch held none then."),
        _text("other", "For `kept`: the tip that the last collection saw."),
        Column(
            "answer",
            "BOOLEAN",
            "For `kept`: the old tip is still part of the branch; false after a force push.",
        ),
        _text("basis", "For `start` and `end`: `recorded` by earlier collections, or an estimate."),
        Column("observed_at", "TIMESTAMP", "When git gave this answer."),
    ),
    ("repository", "ref", "role"),
)
COMMITS = Table(
    "git_commits",
    "Every commit that reached the branch in the period, from objects whose bytes hash to their ids.",
    (
        _REPOSITORY,
        _REF,
        _SHA,
        Column("parents", "TEXT[]", "Ids of the parents; the first is the line that was merged into."),
        _text("tree", "The id of the content."),
        _text("author_name", "As stated in the commit; NULL when missing or stated twice."),
        _text("author_email", "As stated in the commit."),
        Column("authored_at", "TIMESTAMP", "Set by the author's client; NULL for a date that no calendar holds."),
        _text("committer_name", "As stated in the commit."),
        _text("committer_email", "As stated in the commit."),
        Column(
            "committed_at",
            "TIMESTAMP",
            "Set by the committer's client; NULL for a date that no calendar holds.",
        ),
        _text("subject", "First paragraph of the message on one line."),
        _text("message", "The whole message."),
        _text("signature", "openpgp, ssh, x509 or unknown: present, not verified. NULL: not signed."),
        _text("encoding", "Character set that the commit declares."),
    ),
    ("repository", "ref", "sha"),
)
PEOPLE = Table(
    "git_people",
    "Author and committer of each commit after the mailmap committed at the period's end; NULL for nobody.",
    (
        _REPOSITORY,
        _REF,
        _SHA,
        _text("author_name", "The author's proper name."),
        _text("author_email", "The author's proper address."),
        _text("committer_name", "The committer's proper name."),
        _text("committer_email", "The committer's proper address."),
    ),
    ("repository", "ref", "sha"),
)
TRAILERS = Table(
    "git_trailers",
    "The trailers of each commit's message as git itself finds them (`Co-authored-by: ...`).",
    (
        _REPOSITORY,
        _REF,
        _SHA,
        Column("position", "BIGINT", "0 for the first trailer of the message.", required=True),
        _text("key", "As written, without the colon."),
        _text("value", "Folded lines joined."),
    ),
    ("repository", "ref", "sha", "position"),
)
INTEGRATIONS = Table(
    "git_integrations",
    "The first-parent line of the period: one row for each commit that the branch itself moved to.",
    (_REPOSITORY, _REF, _SHA, Column("position", "BIGINT", "0 for the oldest.", required=True)),
    ("repository", "ref", "sha"),
)
SHORTLOG = Table(
    "git_shortlog",
    "git's own tally of the period's commits by author, after the mailmap.",
    (
        _REPOSITORY,
        _REF,
        Column("name", "TEXT", "The author's proper name.", required=True),
        Column("email", "TEXT", "The author's proper address.", required=True),
        Column("commits", "BIGINT", "How many.", required=True),
    ),
    ("repository", "ref", "name", "email"),
)
PATHS = Table(
    "git_paths",
    "What each integration changed against its first parent; a rename is a removal and an addition.",
    (
        _REPOSITORY,
        _REF,
        _SHA,
        Column("position", "BIGINT", "0 for the first path of the commit.", required=True),
        _text("status", "A added, M modified, D removed, T changed its type."),
        _text("path", "From the top of the repository; bytes that are not UTF-8 as `\\xNN`."),
    ),
    ("repository", "ref", "sha", "position"),
)
