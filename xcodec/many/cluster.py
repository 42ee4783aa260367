"""Encoding or decoding a tree of files on a Ray cluster: the tasks of ``batch``, on other machines.

All machines must reach the sources and targets: shared folders, or URLs that fsspec knows.
"""

import logging
from collections.abc import Iterator
from typing import Any

from xcodec.errors import InputError
from xcodec.many import batch
from xcodec.many.batch import FAILED, Outcome, Settings, Task
from xcodec.system.packages import require

RETRIES = 5
"""How often a task is repeated elsewhere after its worker was lost."""
AHEAD = 4
"""Queued tasks per core."""


def run(every: list[Task], settings: Settings, address: str) -> Iterator[Outcome]:
    """Yield outcomes of tasks as they finish.

    address : "local" starts a cluster on this machine and stops it at the end; "auto" joins a
              running cluster; anything else is the address of one to join

    A task whose worker is lost is repeated. Results are written atomically and replace what is
    there, so none is lost or duplicated. Raises DependencyError if Ray is not installed, InputError
    if there is no cluster.
    """
    ray = require("ray", "ray")
    try:
        ray.init(
            None if address == "local" else address,
            include_dashboard=False if address == "local" else None,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise InputError(f"no Ray cluster: {str(error).splitlines()[0]}") from error
    try:
        yield from _outcomes(ray, every, settings)
    finally:
        ray.shutdown()


def _outcomes(ray: Any, every: list[Task], settings: Settings) -> Iterator[Outcome]:
    work = ray.remote(num_cpus=1, max_retries=RETRIES)(batch.run_task)
    shared = ray.put(settings)
    left = list(reversed(every))
    waiting: dict[Any, Task] = {}
    while left or waiting:
        room = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        while left and len(waiting) < room:
            task = left.pop()
            waiting[work.remote(shared, task)] = task
        (finished, *_), _ = ray.wait(list(waiting))
        task = waiting.pop(finished)
        try:
            yield ray.get(finished)
        except ray.exceptions.RayError as error:
            reason = type(error).__name__
            yield Outcome(task, FAILED, f"{task.source}: lost {RETRIES + 1} times ({reason})")
