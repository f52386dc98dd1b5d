"""The shared rate limit state of one tenant database: calls, slots, waiting processes.

Pure: every method gets the time (seconds since 1970 by the database's clock), and
nothing here reads a clock or a row. A *queue* is the calls of one integration code to
one entity, the pair for which the vendor limits concurrent calls ("threads"); a
*holder* is one of our processes, which owns its slots only while its lease lasts.
Source: SOAP help, thread thresholds; client-quirks rows 14 to 16.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Self

import orjson

from bridge.interfaces import Caller, Outcome, Priority, Usage

THRESHOLD = 10_000
"""Calls an hour, until the vendor reports its limit. Source: SOAP help, thresholds."""

WINDOW_MINUTES = 60
READING_EVERY_S = 600.0
READING_WHILE_REFUSING_S = 60.0
"""Between two readings while calls are refused: at most 60 vendor calls an hour.

Source: REST contract notes, ThresholdInformation and its SOAP twin.
"""

READING_TAKES_S = 15.0
"""How long a reading may take before it counts as lost."""

ASSUMED_S = 3 * READING_WHILE_REFUSING_S
"""How long a refusal by the vendor counts without a reading."""

READING_AFTER_CALLS = 20
REDUCED_S = 600.0
WAITER_S = 2.0
"""How long a process counts as waiting after it last said so."""

MAX_LEASE_S = 3600.0
"""The longest that can be set. Source: `Settings.rate_limit_lease_s`."""

CLOCK_SLACK_S = 5.0
"""By how much the clocks of two processes may differ.

A time that is further in the future was saved before the clock was set back.
"""

_READING_PRIORITY = -1
_QUOTA = "quota"
_SHARES = {Priority.INTERACTIVE: 95, Priority.POLLING: 60, Priority.BULK: 60}
_INSTANCE_SHARE = 80
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class LimiterSettings:
    """The operator's settings.

    `slots` limits the calls in flight of a queue, `slots_per_instance` those of one
    instance over all entities.
    """

    slots: int = 3
    slots_per_instance: int = 9
    lease_s: float = 10.0
    wait_s: float = 20.0


@dataclass(frozen=True, slots=True, order=True)
class SlotRequest:
    """A call that needs a slot; the smallest goes first."""

    priority: int
    since: float
    instance: str = field(compare=False)
    usage_reading: bool = field(default=False, compare=False)

    @classmethod
    def of(cls, caller: Caller, now: float, *, usage_reading: bool) -> Self:
        """Return a caller's request, made now; the instance is "" without one."""
        # A usage reading goes first, because other calls may be waiting for its result.
        name = "" if caller.instance_id is None else str(caller.instance_id)
        priority = _READING_PRIORITY if usage_reading else int(caller.priority)
        return cls(priority, now, name, usage_reading)


@dataclass(slots=True)
class Ledger:
    """One tenant database. The field names are stored and must not change.

    Args:
        calls: our calls, by minute and instance; a minute is dropped when all of it is
            an hour old.
        lanes: calls in flight ("slots") by queue, holder and instance.
        waiting: by queue and holder, the request that goes first there, as
            `[priority, since, instance, until]`.
        alive: until when each holder counts as alive.
        reduced: until when a queue has one slot less; the key `quota`, which is not a
            queue, holds until when the budget is assumed to be used up. It has no field
            of its own because older releases share the row and reject unknown fields.
        theirs: calls of other clients within the hour, by the vendor's last count.
        since_reading: our calls since that count.
    """

    calls: dict[str, dict[str, int]] = field(default_factory=dict)
    lanes: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    waiting: dict[str, dict[str, tuple[int, float, str, float]]] = field(
        default_factory=dict
    )
    alive: dict[str, float] = field(default_factory=dict)
    reduced: dict[str, float] = field(default_factory=dict)
    threshold: int = THRESHOLD
    theirs: int = 0
    read_at: float = 0.0
    reading_claimed_at: float = 0.0
    since_reading: int = 0

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse a row; fields of a later release are ignored."""
        members = orjson.loads(text)
        return cls(**{name: members[name] for name in members.keys() & _MEMBERS})

    def to_json(self) -> str:
        """Return the ledger as it is stored in a row."""
        return orjson.dumps(self).decode()

    def expire(self, now: float) -> None:
        """Drop old minutes, dead holders with their slots, and times in the future."""
        # A time in the future was saved before the clock was set back, and would count
        # for as long as the clock had been ahead.
        latest = now + CLOCK_SLACK_S
        self._expire_minutes(now, latest)
        self.alive = {
            holder: until
            for holder, until in self.alive.items()
            if now < until <= latest + MAX_LEASE_S
        }
        self.reduced = {
            queue: until
            for queue, until in self.reduced.items()
            if now < until <= latest + (ASSUMED_S if queue == _QUOTA else REDUCED_S)
        }
        self.read_at = self.read_at if self.read_at <= latest else 0.0
        claimed_at = self.reading_claimed_at
        self.reading_claimed_at = claimed_at if claimed_at <= latest else 0.0
        for queue, holders in list(self.lanes.items()):
            for holder in [each for each in holders if each not in self.alive]:
                del holders[holder]
            if not holders:
                del self.lanes[queue]
        for queue, waiters in list(self.waiting.items()):
            for holder, request in list(waiters.items()):
                if not now < request[3] <= latest + WAITER_S:
                    del waiters[holder]
            if not waiters:
                del self.waiting[queue]

    def _expire_minutes(self, now: float, latest: float) -> None:
        oldest = now / 60 - WINDOW_MINUTES - 1
        for minute in [each for each in self.calls if int(each) <= oldest]:
            del self.calls[minute]
        # Calls in a future minute were made all the same: count them as made now.
        for minute in [each for each in self.calls if int(each) > latest // 60]:
            current = self.calls.setdefault(str(int(now // 60)), {})
            for instance, count in self.calls.pop(minute).items():
                current[instance] = current.get(instance, 0) + count

    def expire_holder(self, holder: str, now: float) -> None:
        """Drop a holder that is known to be dead, with its slots and its place."""
        self.alive.pop(holder, None)
        for waiters in self.waiting.values():
            waiters.pop(holder, None)
        self.expire(now)

    def ours(self) -> int:
        """Return our calls of the last hour, including its first, partial minute."""
        return sum(sum(minute.values()) for minute in self.calls.values())

    def others(self, now: float) -> int | None:
        """Return other clients' calls; None without a reading of the last hour."""
        known = now - self.read_at < WINDOW_MINUTES * 60
        return self.theirs if known else None

    def count_slots(self, queue: str, now: float, settings: LimiterSettings) -> int:
        """Return how many slots a queue has now."""
        reduced = self.reduced.get(queue, 0.0) > now
        return max(1, settings.slots - reduced)

    def in_flight(self, queue: str, instance: str | None = None) -> int:
        """Return a queue's calls in flight, of one instance or of all."""
        return sum(
            count
            for instances in self.lanes.get(queue, {}).values()
            for name, count in instances.items()
            if instance in (None, name)
        )

    def is_capped(
        self, queue: str, instance: str, priority: int, settings: LimiterSettings
    ) -> bool:
        """Return whether an instance has used its share of slots.

        While another instance waits in the queue with a call of the same or a higher
        priority, the share is one slot less than `slots`, but at least one. It does not
        shrink further while the queue is reduced.
        """
        if not instance:
            return False
        total = sum(self.in_flight(each, instance) for each in self.lanes)
        if total >= settings.slots_per_instance:
            return True
        rivals = any(
            other[0] <= priority and other[2] not in ("", instance)
            for other in self.waiting.get(queue, {}).values()
        )
        most = max(1, settings.slots - 1) if rivals else settings.slots
        return self.in_flight(queue, instance) >= most

    def slots_short(
        self,
        queue: str,
        request: SlotRequest,
        holder: str,
        now: float,
        settings: LimiterSettings,
    ) -> int:
        """Return how many slots must be released before a request gets one; 0 is now.

        Reserves a slot for each other process whose request goes first, unless its
        instance has used its share.
        """
        free = self.count_slots(queue, now, settings) - self.in_flight(queue)
        place = (request.priority, request.since)
        ahead = sum(
            tuple(other[:2]) < place
            for each, other in self.waiting.get(queue, {}).items()
            # The requests of this holder are ordered by its own line: see `slots`.
            if each != holder
            and not self.is_capped(queue, other[2], other[0], settings)
        )
        short = max(0, ahead + 1 - free)
        capped = self.is_capped(queue, request.instance, request.priority, settings)
        return max(1, short) if capped else short

    def limit(self, request: SlotRequest) -> int:
        """Return the hour's calls up to which a request of this priority is allowed."""
        share = (
            _PERCENT if request.usage_reading else _SHARES[Priority(request.priority)]
        )
        return self.threshold * share // _PERCENT

    def quota_refused_at(self, now: float) -> float | None:
        """Return when the vendor last refused a call for quota, while that counts.

        The budget is then assumed to be used up; a reading ends the assumption.
        """
        until = self.reduced.get(_QUOTA, 0.0)
        return until - ASSUMED_S if until > now else None

    def budget_free_at(self, request: SlotRequest, now: float) -> float | None:
        """Return when the budget may allow a request again; None when it does now.

        That is when enough of our own calls have left the hour, or when the count of
        the other clients' calls is read again. A usage reading is always allowed.
        """
        if request.usage_reading:
            return None
        refused = self.quota_refused_at(now) is not None
        if not refused and max(self._excess(request, now)) <= 0:
            return None
        expire_at = self.calls_expire_at(request, now)
        if expire_at is not None and not self.others(now):
            return expire_at
        return min(expire_at or math.inf, self.read_again_at(now))

    def calls_expire_at(self, request: SlotRequest, now: float) -> float | None:
        """Return when enough of our own calls have left the hour to allow a request.

        None when they are not enough, or when the budget is only assumed to be used up.
        """
        if self.quota_refused_at(now) is not None:
            return None
        excess, capped = self._excess(request, now)
        for minute in sorted(self.calls, key=int):
            excess -= sum(self.calls[minute].values())
            capped -= self.calls[minute].get(request.instance, 0)
            if excess <= 0 and capped <= 0:
                return (int(minute) + WINDOW_MINUTES + 1) * 60.0
        return None

    def read_again_at(self, now: float) -> float:
        """Return from when on a refused call starts another reading."""
        return max(now, self.reading_claimed_at + READING_WHILE_REFUSING_S)

    def is_being_read(self, now: float) -> bool:
        """Return whether a reading was started and has not ended yet."""
        answered = max(self.read_at, self.quota_refused_at(now) or 0.0)
        began = self.reading_claimed_at
        return began > answered and now - began < READING_TAKES_S

    def acquire(
        self, queue: str, request: SlotRequest, holder: str, now: float
    ) -> None:
        """Give a request its slot, and count its call."""
        instances = self.lanes.setdefault(queue, {}).setdefault(holder, {})
        instances[request.instance] = instances.get(request.instance, 0) + 1
        minute = self.calls.setdefault(str(int(now // 60)), {})
        minute[request.instance] = minute.get(request.instance, 0) + 1
        self.since_reading += 1

    def set_held(self, holder: str, held: Mapping[str, Mapping[str, int]]) -> bool:
        """Set a holder's slots, by queue and instance; return whether they differed.

        The stored slots may be wrong: a write may have been applied although its writer
        got an error, or the lease of a slow holder may have ended.
        """
        known = {
            queue: holders[holder]
            for queue, holders in self.lanes.items()
            if holder in holders
        }
        if known == held:
            return False
        for queue in known.keys() - held.keys():
            del self.lanes[queue][holder]
            if not self.lanes[queue]:
                del self.lanes[queue]
        for queue, instances in held.items():
            self.lanes.setdefault(queue, {})[holder] = dict(instances)
        return True

    def apply_outcome(self, queue: str, outcome: Outcome, now: float) -> None:
        """Apply the outcome of a call."""
        if outcome is Outcome.THREAD_LIMIT:
            self.reduced[queue] = now + REDUCED_S
        elif outcome is Outcome.QUOTA:
            self.reduced[_QUOTA] = now + ASSUMED_S

    def claim_reading(self, request: SlotRequest, now: float, *, refused: bool) -> bool:
        """Try to claim a reading of the vendor's count; True for one process.

        At most one in ten minutes, or one a minute while requests are refused, so that
        a refusal does not outlast its cause for long.
        """
        every_s = READING_WHILE_REFUSING_S if refused else READING_EVERY_S
        if request.usage_reading or now - self.reading_claimed_at < every_s:
            return False
        # Otherwise a tenant with few calls would pay one vendor call for each few.
        busy = self.since_reading >= READING_AFTER_CALLS
        if request.priority == Priority.INTERACTIVE and not (busy or refused):
            return False
        self.reading_claimed_at = now
        return True

    def report_usage(self, usage: Usage, now: float) -> None:
        """Apply the vendor's count: the calls beyond ours are other clients'."""
        self.threshold = usage.threshold
        # The vendor does not count calls that it refused or never received: drop as
        # many of ours, the oldest first.
        self._uncount(self.ours() - usage.used)
        # Never negative: of ours no more are left than the vendor counted.
        self.theirs = usage.used - self.ours()
        self.reduced.pop(_QUOTA, None)
        self.read_at = now
        self.reading_claimed_at = now
        self.since_reading = 0

    def _uncount(self, excess: int) -> None:
        for minute in sorted(self.calls, key=int):
            for instance, count in list(self.calls[minute].items()):
                if excess <= 0:
                    return
                self.calls[minute][instance] = max(0, count - excess)
                excess -= count
                if not self.calls[minute][instance]:
                    del self.calls[minute][instance]
            if not self.calls[minute]:
                del self.calls[minute]

    def _excess(self, request: SlotRequest, now: float) -> tuple[int, int]:
        """Return by how many calls a request exceeds the budget, and its share."""
        theirs = self.others(now) or 0
        excess = self.ours() + theirs - self.limit(request) + 1
        used = sum(minute.get(request.instance, 0) for minute in self.calls.values())
        allowed = (self.limit(request) - theirs) * _INSTANCE_SHARE // _PERCENT
        return excess, used - allowed + 1 if self._has_rivals(request) else 0

    def _has_rivals(self, request: SlotRequest) -> bool:
        own = {"", request.instance}
        return bool(request.instance) and any(
            minute.keys() - own for minute in self.calls.values()
        )


_MEMBERS = {member.name for member in fields(Ledger)}
