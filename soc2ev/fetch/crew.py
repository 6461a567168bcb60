"""Several tasks at a time, on threads that never keep a process alive."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")
_Job = tuple["Callable[[], T]", "Future[T]"]


class Crew:
    """
    Runs tasks on at most `workers` threads.

    Not an executor of the standard library: that one waits for its threads when the process ends, so that a person who
    interrupts would wait for a rate limit first.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._place = threading.local()

    def run(self, tasks: Sequence[Callable[[], T]]) -> list[T]:
        """
        The results in the order given.

        When some raise, all others finish first; then the first exception, in order, is raised. An interruption of the
        waiting thread is raised at once, and tasks that have not begun never do. Within a task the tasks run one after
        the other on that task's thread, so that nesting neither deadlocks nor multiplies threads.
        """
        jobs: list[_Job[T]] = [(task, Future()) for task in tasks]
        waiting = iter(jobs)
        alone = self._workers == 1 or len(jobs) == 1 or getattr(self._place, "inside", False)
        if alone:
            self._work(waiting, threading.Lock(), alone=True)
        else:
            self._share(waiting, min(self._workers, len(jobs)))
        return [future.result() for _, future in jobs]

    def _share(self, waiting: Iterator[_Job[T]], number: int) -> None:
        lock, stopped = threading.Lock(), threading.Event()
        threads = [
            threading.Thread(target=self._inside, args=(waiting, lock, stopped), daemon=True) for _ in range(number)
        ]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            stopped.set()

    def _inside(self, waiting: Iterator[_Job[T]], lock: threading.Lock, stopped: threading.Event) -> None:
        self._place.inside = True
        self._work(waiting, lock, stopped)

    @staticmethod
    def _work(
        waiting: Iterator[_Job[T]],
        lock: threading.Lock,
        stopped: threading.Event | None = None,
        *,
        alone: bool = False,
    ) -> None:
        while not (stopped and stopped.is_set()):
            with lock:
                job = next(waiting, None)
            if job is None:
                return
            task, future = job
            try:
                future.set_result(task())
            except Exception as problem:  # noqa: BLE001  raised again, in order, on the thread that asked
                future.set_exception(problem)
            except BaseException as problem:
                future.set_exception(problem)
                if alone:
                    raise
