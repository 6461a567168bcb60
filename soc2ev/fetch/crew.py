"""Several tasks at a time, on threads that never keep a process alive."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from functools import partial
from typing import Generic, TypeVar

T = TypeVar("T")
_Job = tuple[Callable[[], T], "Future[T]"]
_LOOK_SECONDS = 0.2


class Crew:
    """
    Runs tasks on at most `workers` threads.

    Not an executor of the standard library: that one waits for its threads when the process ends, so that a person who
    interrupts would wait for a rate limit first.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._place = threading.local()

    def run(self, tasks: Iterable[Callable[[], T]], *, in_turn: bool = False) -> list[T]:
        """
        The results in the order given.

        Tasks may come from an iterator that takes its time: it is asked for the next one by one thread at a time, while
        the others run what came before. When some raise, all others finish first; then the first exception, in order,
        is raised; one that the iterator raises comes after those of its tasks. An interruption of the thread that asked
        first is raised at once, and tasks that have not begun, at any depth, never do. Within a task the tasks have up
        to `workers` threads of their own, so that none waits for one that waits for it. With `in_turn` a task, and the
        tasks within it, can wait for those before it with `come_to_turn`.
        """
        alone = self._workers == 1 or (isinstance(tasks, Sequence) and len(tasks) <= 1)
        number = min(self._workers, len(tasks)) if isinstance(tasks, Sequence) else self._workers
        stopped = getattr(self._place, "stopped", None) or threading.Event()
        line: _Line[T] = _Line(tasks, stopped, self._outer(), in_turn=in_turn)
        if alone:
            line.work(alone=True)
        else:
            self._share(line, number)
        return line.results()

    def come_to_turn(self) -> None:
        """Within a task that runs `in_turn`: wait until all tasks before it have ended. Elsewhere nothing."""
        line = getattr(self._place, "line", None)
        if line is not None:
            line.come_to_turn()

    def _outer(self) -> Callable[[], None]:
        """What waits for the tasks before the one that this thread is in."""
        line = getattr(self._place, "line", None)
        return line.turn_of_mine() if line is not None else lambda: None

    def _share(self, line: _Line[T], number: int) -> None:
        threads = [threading.Thread(target=self._inside, args=(line,), daemon=True) for _ in range(number)]
        outermost = getattr(self._place, "stopped", None) is None
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                # A signal that comes just before a lock is waited for does not wake the waiter, which has to look.
                while thread.is_alive():
                    thread.join(_LOOK_SECONDS)
        finally:
            if outermost:
                line.stopped.set()

    def _inside(self, line: _Line[T]) -> None:
        self._place.stopped, self._place.line = line.stopped, line
        line.work()


class _Line(Generic[T]):
    """The tasks of one call, taken one by one."""

    def __init__(
        self, tasks: Iterable[Callable[[], T]], stopped: threading.Event, outer: Callable[[], None], *, in_turn: bool
    ) -> None:
        """`outer` waits for the turn of the task within which these are."""
        self.stopped, self._outer, self._in_turn, self._mine = stopped, outer, in_turn, threading.local()
        self._tasks, self._lock = iter(tasks), threading.Lock()
        self._begun: list[Future[T]] = []
        self._broken: Exception | None = None

    def work(self, *, alone: bool = False) -> None:
        """Run tasks until there are no more."""
        while not self.stopped.is_set():
            with self._lock:
                job = self._next()
            if job is None:
                return
            task, future = job
            self._mine.future = future
            try:
                future.set_result(task())
            except Exception as problem:  # noqa: BLE001  raised again, in order, on the thread that asked
                future.set_exception(problem)
            except BaseException as problem:
                future.set_exception(problem)
                if alone:
                    raise
            self._mine.future = None

    def come_to_turn(self) -> None:
        """Wait until all tasks before that of this thread have ended."""
        self.turn_of_mine()()

    def turn_of_mine(self) -> Callable[[], None]:
        """What waits for the tasks before that of this thread, from whichever thread it is called."""
        # The thread that takes the next task off an iterator is in no task meanwhile.
        mine = getattr(self._mine, "future", None)
        before = self._begun[: self._begun.index(mine)] if self._in_turn and mine is not None else []

        def come() -> None:
            wait(before)
            self._outer()

        return come

    def results(self) -> list[T]:
        """What they came to, once nobody works any more."""
        found = [future.result() for future in self._begun]
        if self._broken is not None:
            raise self._broken
        return found

    def _next(self) -> _Job[T] | None:
        try:
            task = None if self._broken else next(self._tasks, None)
        except Exception as problem:  # noqa: BLE001  raised again by `results`
            self._broken, task = problem, None
        if task is None:
            return None
        self._begun.append(Future())
        return task, self._begun[-1]


class Pieces(Generic[T]):
    """
    Things that arrive in a flow and are asked for in pieces, many at once and side by side.

    The first piece goes alone, since it shows what size can be answered. Once a piece brought nothing at all, what is
    left becomes one piece: whoever asks for it can see that there is no use, and stop.
    """

    def __init__(self, size: Callable[[], int], ask: Callable[[Sequence[T]], bool]) -> None:
        """`size` is how many to ask for now; `ask` asks and says whether anything came."""
        self._size, self._ask = size, ask
        self._first, self._vain = True, False
        self._free = threading.Event()
        self._free.set()

    def cut(self, flow: Iterable[Sequence[T]]) -> Iterator[Callable[[], None]]:
        """The tasks for `Crew.run`: whole pieces as soon as there is enough for one, and the rest at the end."""
        waiting: list[T] = []
        for more in flow:
            waiting += more
            while self._free.is_set() and not self._vain and len(waiting) >= self._size():
                yield self._piece(waiting)
        while waiting:
            self._free.wait()
            yield self._piece(waiting)

    def _piece(self, waiting: list[T]) -> Callable[[], None]:
        size = len(waiting) if self._vain else self._size()
        chosen, waiting[:size] = waiting[:size], []
        if self._first:
            self._first = False
            self._free.clear()
        return partial(self._run, chosen)

    def _run(self, chosen: Sequence[T]) -> None:
        try:
            self._vain = not self._ask(chosen) or self._vain
        finally:
            self._free.set()
