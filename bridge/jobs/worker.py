"""A worker: does queued work, says that it lives, takes over from those who died."""

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
from bridge.jobs.history import FORGET
from bridge.jobs.tasks import TASKS, Task
from bridge.services.context import Context
from bridge.store import workers

_BEATS_PER_LEASE = 3
_log = logging.getLogger(__name__)


def work(
    ctx: Context,
    wait: Callable[[], float],
    *,
    ready: Callable[[str], None],
    tasks: Sequence[Task] = TASKS,
) -> None:
    """Work until told to stop; leave to the other workers what is not finished then.

    A step that does not end goes on in its thread when this returns. What it does is
    no longer taken: end the process.

    Args:
        ctx: what the tasks work with; the schema must be current.
        wait: returns when the worker is to stop, with how many seconds it may still
            finish things.
        ready: called once with the worker's id, when it works.
        tasks: all there are.
    """
    pulse = Heartbeat(ctx)
    pulse.start()
    engine.launch(ctx, (*tasks, FORGET), pulse.worker_id)
    pulse.adopting = True
    ready(pulse.worker_id)
    drain_s = wait()
    pulse.adopting = False
    engine.stop(drain_s)
    pulse.stop()


class Heartbeat:
    """The thread that says a worker lives, and looks for those that do not.

    A worker that cannot reach the database falls silent like a dead one. Its work is
    another's from then on: the engine takes no step of it that ends later.
    """

    def __init__(self, ctx: Context) -> None:
        self.worker_id = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self.adopting = False
        self._ctx = ctx
        self._lease_s = ctx.settings.worker_lease_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        """Say that the worker is alive, from now on three times in each lease."""
        self.beat()
        self._thread.start()

    def stop(self) -> None:
        """Stop, and say that the worker is gone: nobody need wait for its lease."""
        self._stopped.set()
        self._thread.join(self._lease_s)
        workers.remove_worker(self._ctx.database, self.worker_id)

    def beat(self) -> None:
        """Say that the worker is alive."""
        workers.save_heartbeat(
            self._ctx.database, self.worker_id, __version__, lease_s=self._lease_s
        )

    def adopt(self) -> None:
        """Take over what workers hold that are not alive.

        Who holds work is read before who is alive: one that starts in between must
        not be taken for dead.
        """
        holders = engine.find_executors() - {self.worker_id}
        if not holders:
            return
        living = {worker.id for worker in workers.list_living(self._ctx.database)}
        for dead in sorted(holders - living):
            if count := engine.take_back(dead):
                _log.warning("Took over %d jobs of dead worker %s.", count, dead)

    def _run(self) -> None:
        while not self._stopped.wait(self._lease_s / _BEATS_PER_LEASE):
            try:
                self.beat()
                if self.adopting:
                    self.adopt()
            except StoreUnavailableError:
                # The store has logged it, and will log that it is over.
                continue
            except BridgeError as error:
                _log.error("The worker's heartbeat failed: %s", error.message)
            except Exception:  # noqa: BLE001 - a silent worker loses its work
                _log.exception("The worker's heartbeat failed.")
