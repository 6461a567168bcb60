"""The command `soc2ev`: errors become one message, a hint and an exit code here."""

from __future__ import annotations

import signal
import sys
from types import FrameType

_INTERRUPTED = 130


def main() -> None:
    """Run the command line and leave with its exit code."""
    if sys.argv[1:] == ["--version"]:
        # Answered before anything is imported: editors and scripts ask it often.
        from soc2ev import __version__

        sys.stdout.write(f"soc2ev {__version__}\n")
        return
    signal.signal(signal.SIGINT, _interrupted)
    signal.signal(signal.SIGTERM, _interrupted)
    from soc2ev.cli import app, console
    from soc2ev.errors import Soc2evError

    console.prepare_streams()
    try:
        app()
    except Soc2evError as problem:
        for line in f"error: {problem.message}".splitlines():
            console.say(console.safe(line))
        if problem.hint:
            console.say(f"hint:  {console.safe(problem.hint)}")
        sys.exit(problem.exit_code)
    except BrokenPipeError:
        # The reader of a pipe has gone (`| head`); nothing is wrong with us.
        sys.stderr.close()
        sys.exit(0)


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    sys.stderr.write("interrupted; what was acknowledged is kept, the next run goes on\n")
    sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
