"""
Git in a folder of somebody else's repository.

The repository's configuration can name programs for git to run: pagers, filters, monitors, hooks, signature
checkers. Each is switched off here, and no command reaches the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from soc2ev.fetch import Answer, Fetch
    from soc2ev.model import Json
    from soc2ev.sources.registers.folder import Folder

# A slash begins each commit, because no path that git prints begins with one. NUL separates fields: git cuts
# every field of a commit at NUL, so whatever a committer writes, the fields stay in place.
_TRAILERS = "%(trailers:key=Reviewed-by,key=Approved-by,valueonly,unfold,separator=%x1f)"
FORMAT = f"/%H%x00%P%x00%an%x00%cn%x00%ct%x00{_TRAILERS}"
_CLOSED = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": "/dev/null",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0",
}
_GIT = (
    "git",
    "--no-pager",
    *("-c", "safe.directory=*"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "log.showSignature=false"),
)


class Git:
    """Git in the registers folder, with everything switched off that a repository could make it run."""

    def __init__(self, fetch: Fetch, folder: Folder, *, stream: str) -> None:
        self._fetch = fetch
        self._folder = folder
        self._stream = stream
        self._environment = dict(_CLOSED)
        names = self.run("config", "--name-only", "-z", "--get-regexp", r"^filter\.", ok=(0, 1)).body
        self._environment |= _without_filters(names.decode("utf-8", "surrogateescape").split("\0"))

    def run(
        self,
        *arguments: str,
        ok: tuple[int, ...] = (0,),
        request: Mapping[str, Json] | None = None,
        count: Callable[[bytes], int] | None = None,
    ) -> Answer:
        """Run git in the folder and store its output. CollectError when its exit code is not `ok`."""
        return self._fetch.command(
            [*_GIT, *arguments],
            source="registers",
            stream=self._stream,
            cwd=self._folder.path,
            request={"folder": self._folder.label, **(request or {})},
            ok=ok,
            count=count,
            environment=self._environment,
        )

    def log(self, *, count: Callable[[bytes], int]) -> Answer:
        """The commits that touched the folder; a merge tells what it brought to its first parent."""
        shape = ("--no-renames", "--relative", "--no-ext-diff", "--no-textconv", "--diff-merges=first-parent")
        names = (
            "-z",
            "--name-only",
            "--no-decorate",
            "--no-mailmap",
            "--encoding=UTF-8",
            f"--format={FORMAT}",
        )
        limits = ("--full-history", "HEAD", "--", ".")
        return self.run("log", *shape, *names, *limits, request={"what": "log"}, count=count)

    def status(self, prefix: str) -> Answer:
        """What differs from the last commit; paths begin at the top of the work tree, hence the prefix."""
        shape = ("--porcelain=v1", "-z", "--no-renames", "--ignore-submodules=all")
        files = ("--untracked-files=all", "--ignored=matching")
        request = {"what": "status", "prefix": prefix}
        return self.run("status", *shape, *files, "--", ".", request=request, count=lambda body: body.count(b"\0"))


def _without_filters(names: list[str]) -> dict[str, str]:
    """
    Variables that empty every content filter of the repository's configuration.

    `git status` runs the `clean` or `process` command of a filter on files that look changed
    (gitattributes(5)); an empty command filters nothing.
    """
    drivers = sorted({name.rpartition(".")[0] for name in names if name})
    settings = [(f"{one}.{key}", "") for one in drivers for key in ("clean", "process")]
    settings += [(f"{one}.required", "false") for one in drivers]
    found = {"GIT_CONFIG_COUNT": str(len(settings))}
    for at, (key, value) in enumerate(settings):
        found |= {f"GIT_CONFIG_KEY_{at}": key, f"GIT_CONFIG_VALUE_{at}": value}
    return found
