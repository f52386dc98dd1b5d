"""What all processes know together of one tenant database: calls, lanes, who waits.

Pure: every method takes the time (seconds since 1970 by the database's clock) and
nothing here reads a clock or a row. A *queue* is one tracking identifier's calls to one
entity, the pair that the vendor counts its threads by; a *holder* is one process of
ours, which owns its lanes only while it is heard of.
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
"""Calls an hour, until the vendor names a number. Source: SOAP help, thresholds."""

WINDOW_MINUTES = 60
READING_EVERY_S = 600.0
READING_WHILE_REFUSING_S = 60.0
"""Between two readings while calls are refused: at most 60 vendor calls an hour.

Source: REST contract notes, ThresholdInformation and its SOAP twin.
"""

READING_TAKES_S = 15.0
"""How long the answer of a reading is awaited before it counts as lost."""

ASSUMED_S = 180.0
"""How long a refusal by the vendor counts while no reading succeeds: three of them."""

READING_AFTER_CALLS = 20
REDUCED_S = 600.0
WAITER_S = 2.0
"""How long a process counts as waiting after it was last heard to."""

MAX_LEASE_S = 3600.0
"""The longest that can be set. Source: `Settings.rate_limit_lease_s`."""

CLOCK_SLACK_S = 5.0
"""By how much the clocks of two processes may differ.

What is further ahead than that, beyond its own span, was noted before the clock was
set back.
"""

_FIRST = -1
_QUOTA = "quota"
_SHARES = {Priority.INTERACTIVE: 95, Priority.POLLING: 60, Priority.BULK: 60}
_INSTANCE_SHARE = 80
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class LimiterSettings:
    """What an operator sets: lanes of a queue, and what one instance may have of all.

    `instance_lanes` counts the calls of one instance in flight over all entities.
    """

    lanes: int = 3
    instance_lanes: int = 9
    lease_s: float = 10.0
    wait_s: float = 20.0


@dataclass(frozen=True, slots=True, order=True)
class SlotRequest:
    """A call that wants a lane; ordered by who goes first."""

    priority: int
    since: float
    instance: str = field(compare=False)
    usage_reading: bool = field(default=False, compare=False)

    @classmethod
    def of(cls, caller: Caller, now: float, *, usage_reading: bool) -> Self:
        """Return a caller's claim, made now; nobody's instance has an empty name.

        A usage reading goes first, because others may be waiting for what it says.
        """
        name = "" if caller.instance_id is None else str(caller.instance_id)
        priority = _FIRST if usage_reading else int(caller.priority)
        return cls(priority, now, name, usage_reading)


@dataclass(slots=True)
class Ledger:
    """One tenant database.

    Args:
        calls: by minute and instance; a minute stays until all of it is an hour old.
        lanes: calls in flight by queue, holder and instance.
        waiting: by queue and holder, the claim that goes first there, as
            `[priority, since, instance, until]`.
        alive: until when each holder is believed to live.
        reduced: until when a queue has a lane less; under `quota`, which names no
            queue, until when the budget is assumed to be used up. Releases that know
            nothing of that share the row and refuse a row with more members.
        theirs: calls of others within the hour, when the vendor last told.
        since_reading: our calls since then.
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
        """Return the ledger of a row; members of a later release are left out."""
        members = orjson.loads(text)
        return cls(**{name: members[name] for name in members.keys() & _MEMBERS})

    def to_json(self) -> str:
        """Return the ledger as a row holds it."""
        return orjson.dumps(self).decode()

    def expire(self, now: float) -> None:
        """Drop what time has ended: old minutes, dead holders and all they held.

        And what only a clock can have noted that has been set back since: it would
        count for as long as the clock was ahead.
        """
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
        for queue, claims in list(self.waiting.items()):
            for holder, claim in list(claims.items()):
                if not now < claim[3] <= latest + WAITER_S:
                    del claims[holder]
            if not claims:
                del self.waiting[queue]

    def _expire_minutes(self, now: float, latest: float) -> None:
        oldest = now / 60 - WINDOW_MINUTES - 1
        for minute in [each for each in self.calls if int(each) <= oldest]:
            del self.calls[minute]
        # Calls were made all the same, if not then: they count from now on.
        for minute in [each for each in self.calls if int(each) > latest // 60]:
            current = self.calls.setdefault(str(int(now // 60)), {})
            for instance, count in self.calls.pop(minute).items():
                current[instance] = current.get(instance, 0) + count

    def expire_holder(self, holder: str, now: float) -> None:
        """Drop a holder that is known to be dead, and all it held or waited for."""
        self.alive.pop(holder, None)
        for claims in self.waiting.values():
            claims.pop(holder, None)
        self.expire(now)

    def ours(self) -> int:
        """Return our calls of the last hour, the minute that is leaving it included."""
        return sum(sum(minute.values()) for minute in self.calls.values())

    def others(self, now: float) -> int | None:
        """Return the calls of others, None without a reading of the last hour."""
        known = now - self.read_at < WINDOW_MINUTES * 60
        return self.theirs if known else None

    def count_lanes(self, queue: str, now: float, rules: LimiterSettings) -> int:
        """Return how many lanes a queue has just now."""
        reduced = self.reduced.get(queue, 0.0) > now
        return max(1, rules.lanes - reduced)

    def in_flight(self, queue: str, instance: str | None = None) -> int:
        """Return a queue's calls in flight, of one instance or of all."""
        return sum(
            count
            for instances in self.lanes.get(queue, {}).values()
            for name, count in instances.items()
            if instance in (None, name)
        )

    def is_capped(
        self, queue: str, instance: str, priority: int, rules: LimiterSettings
    ) -> bool:
        """Tell whether an instance has its share of lanes already.

        The last lane of a queue is kept from an instance that has all others while
        another instance waits for it with a call that matters as much.
        """
        if not instance:
            return False
        total = sum(self.in_flight(each, instance) for each in self.lanes)
        if total >= rules.instance_lanes:
            return True
        rivals = any(
            other[0] <= priority and other[2] not in ("", instance)
            for other in self.waiting.get(queue, {}).values()
        )
        most = max(1, rules.lanes - 1) if rivals else rules.lanes
        return self.in_flight(queue, instance) >= most

    def lanes_short(
        self,
        queue: str,
        claim: SlotRequest,
        holder: str,
        now: float,
        rules: LimiterSettings,
    ) -> int:
        """Return how many lanes must come free before a claim's turn; 0 is now.

        A lane is kept for whoever waits elsewhere and goes first, and could go.
        """
        free = self.count_lanes(queue, now, rules) - self.in_flight(queue)
        place = (claim.priority, claim.since)
        ahead = sum(
            tuple(other[:2]) < place
            for each, other in self.waiting.get(queue, {}).items()
            if each != holder and not self.is_capped(queue, other[2], other[0], rules)
        )
        short = max(0, ahead + 1 - free)
        capped = self.is_capped(queue, claim.instance, claim.priority, rules)
        return max(1, short) if capped else short

    def limit(self, claim: SlotRequest) -> int:
        """Return how far the hour's calls may go for a claim of its priority."""
        share = _PERCENT if claim.usage_reading else _SHARES[Priority(claim.priority)]
        return self.threshold * share // _PERCENT

    def quota_refused_at(self, now: float) -> float | None:
        """Return when the vendor refused a call for quota, while that still counts.

        Its count is then assumed to be used up; a reading ends the assumption.
        """
        until = self.reduced.get(_QUOTA, 0.0)
        return until - ASSUMED_S if until > now else None

    def budget_free_at(self, claim: SlotRequest, now: float) -> float | None:
        """Return when the budget may allow a claim again; None when it does now.

        That is when enough of our own calls have left the hour, or when the count of
        others' calls is read again. A usage reading is always allowed.
        """
        if claim.usage_reading:
            return None
        refused = self.quota_refused_at(now) is not None
        if not refused and max(self._excess(claim, now)) <= 0:
            return None
        left_at = self.calls_left_at(claim, now)
        if left_at is not None and not self.others(now):
            return left_at
        return min(left_at or math.inf, self.read_again_at(now))

    def calls_left_at(self, claim: SlotRequest, now: float) -> float | None:
        """Return when a claim is allowed since our own calls have left the hour.

        None when they are not enough, or when the count of others is only assumed.
        """
        if self.quota_refused_at(now) is not None:
            return None
        excess, capped = self._excess(claim, now)
        for minute in sorted(self.calls, key=int):
            excess -= sum(self.calls[minute].values())
            capped -= self.calls[minute].get(claim.instance, 0)
            if excess <= 0 and capped <= 0:
                return (int(minute) + WINDOW_MINUTES + 1) * 60.0
        return None

    def read_again_at(self, now: float) -> float:
        """Return from when on a refused call has the vendor's count read again."""
        return max(now, self.reading_claimed_at + READING_WHILE_REFUSING_S)

    def is_being_read(self, now: float) -> bool:
        """Tell whether a reading was begun and has not been answered yet."""
        answered = max(self.read_at, self.quota_refused_at(now) or 0.0)
        began = self.reading_claimed_at
        return began > answered and now - began < READING_TAKES_S

    def acquire(self, queue: str, claim: SlotRequest, holder: str, now: float) -> None:
        """Give a claim its lane, and count its call."""
        instances = self.lanes.setdefault(queue, {}).setdefault(holder, {})
        instances[claim.instance] = instances.get(claim.instance, 0) + 1
        minute = self.calls.setdefault(str(int(now // 60)), {})
        minute[claim.instance] = minute.get(claim.instance, 0) + 1
        self.since_reading += 1

    def set_held(self, holder: str, held: Mapping[str, Mapping[str, int]]) -> bool:
        """Set what a holder really has, by queue and instance; tell if that was news.

        What the ledger believed may be wrong: a change may have been written whose
        writer never heard of it, or a lease may have ended while its holder was slow.
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
        """Learn from how a call ended."""
        if outcome is Outcome.THREAD_LIMIT:
            self.reduced[queue] = now + REDUCED_S
        elif outcome is Outcome.QUOTA:
            self.reduced[_QUOTA] = now + ASSUMED_S

    def claim_reading(self, claim: SlotRequest, now: float, *, refused: bool) -> bool:
        """Tell whether the vendor is to be asked for its count; True to one process.

        At most once in ten minutes, and once in a minute when the claim is refused, so
        that no refusal outlives its cause for long. Interactive calls are worth a
        reading only when there were some: a quiet tenant would pay a call for each few
        of its own.
        """
        every_s = READING_WHILE_REFUSING_S if refused else READING_EVERY_S
        if claim.usage_reading or now - self.reading_claimed_at < every_s:
            return False
        busy = self.since_reading >= READING_AFTER_CALLS
        if claim.priority == Priority.INTERACTIVE and not (busy or refused):
            return False
        self.reading_claimed_at = now
        return True

    def report_usage(self, usage: Usage, now: float) -> None:
        """Take the vendor's count; what we have not counted was others.

        It ends an assumption. Calls of ours that the vendor did not count, because it
        refused them or never got them, are counted here no more, the oldest first.
        """
        self.threshold = usage.threshold
        self._uncount(self.ours() - usage.used)
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

    def _excess(self, claim: SlotRequest, now: float) -> tuple[int, int]:
        """Return by how many calls a claim is over the budget, and over its share."""
        theirs = self.others(now) or 0
        excess = self.ours() + theirs - self.limit(claim) + 1
        mine = self._of_instance(claim)
        allowed = (self.limit(claim) - theirs) * _INSTANCE_SHARE // _PERCENT
        return excess, mine - allowed + 1 if self._has_rivals(claim) else 0

    def _of_instance(self, claim: SlotRequest) -> int:
        return sum(minute.get(claim.instance, 0) for minute in self.calls.values())

    def _has_rivals(self, claim: SlotRequest) -> bool:
        own = {"", claim.instance}
        return bool(claim.instance) and any(
            minute.keys() - own for minute in self.calls.values()
        )


_MEMBERS = {member.name for member in fields(Ledger)}
