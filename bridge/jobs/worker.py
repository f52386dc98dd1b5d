"""A worker: runs queued jobs, sends heartbeats, recovers the jobs of dead workers."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Sequence

from bridge import __version__
from bridge.errors import BridgeError, StoreUnavailableError
from bridge.jobs import engine
from bridge.jobs.pieces import Workflow
from bridge.jobs.workflows import WORKFLOWS
from bridge.services.context import Context
from bridge.store import workers

_BEATS_PER_LEASE = 3
_log = logging.getLogger(__name__)


def work(
    ctx: Context,
    wait: Callable[[], float],
    *,
    ready: Callable[[str], None],
    workflows: Sequence[Workflow] = WORKFLOWS,
) -> None:
    """Run jobs until `wait` returns; other workers finish what is left.

    A step that has not ended by then continues in its thread when this returns, but
    the engine no longer accepts its result: end the process.

    Args:
        ctx: passed to the workflows; the schema must be current.
        wait: returns when the worker must stop, with the seconds that running jobs may
            still take.
        ready: called once with the worker's id, when the worker runs jobs.
        workflows: all whose jobs the engine may find in its queues.
    """
    heartbeat = Heartbeat(ctx)
    # First: without a row, this worker counts as dead once it holds jobs.
    heartbeat.start()
    engine.launch(ctx, workflows, heartbeat.worker_id)
    # Recovery calls the engine, which must be running.
    heartbeat.recovering = True
    ready(heartbeat.worker_id)
    drain_s = wait()
    heartbeat.recovering = False
    engine.stop(drain_s)
    # Last: once its row is deleted, other workers take over its jobs.
    heartbeat.stop()


class Heartbeat:
    """The thread that sends a worker's heartbeats and recovers dead workers.

    A worker that cannot reach the database counts as dead. Its jobs are assigned to
    other workers, and the engine rejects the results of steps it finishes later.
    """

    def __init__(self, ctx: Context) -> None:
        self.worker_id = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self.recovering = False
        self._ctx = ctx
        self._lease_s = ctx.settings.worker_lease_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Send the first heartbeat, then three during each lease."""
        self.beat()
        self._thread.start()

    def stop(self) -> None:
        """Stop, and delete the worker's row, so that its jobs are recovered at once."""
        self._stopped.set()
        self._thread.join(self._lease_s)
        workers.remove_worker(self._ctx.database, self.worker_id)

    def beat(self) -> None:
        """Send one heartbeat."""
        workers.save_heartbeat(
            self._ctx.database, self.worker_id, __version__, lease_s=self._lease_s
        )

    def recover_dead_workers(self) -> None:
        """Enqueue again the jobs that dead workers hold."""
        # Read the holders before the living workers: otherwise a worker that starts
        # between the two reads would count as dead.
        holders = engine.find_executors() - {self.worker_id}
        if not holders:
            return
        living = {worker.id for worker in workers.list_living(self._ctx.database)}
        for dead in sorted(holders - living):
            if count := engine.requeue(dead):
                _log.warning("Took over %d jobs of dead worker %s.", count, dead)

    def _run(self) -> None:
        while not self._stopped.wait(self._lease_s / _BEATS_PER_LEASE):
            try:
                self.beat()
                if self.recovering:
                    self.recover_dead_workers()
            except StoreUnavailableError:
                # The store logs when an outage begins and when it ends.
                continue
            except BridgeError as error:
                _log.error("The worker's heartbeat failed: %s", error.message)
            except Exception:  # noqa: BLE001 - a silent worker loses its work
                _log.exception("The worker's heartbeat failed.")
