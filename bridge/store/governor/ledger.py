"""What all processes know together of one tenant database: calls, lanes, who waits.

Pure: every method takes the time (seconds since 1970 by the database's clock) and
nothing here reads a clock or a row. A *queue* is one tracking identifier's calls to one
entity, the pair that the vendor counts its threads by; a *holder* is one process of
ours, which owns its lanes only while it is heard of.
Source: SOAP help, thread thresholds; client-quirks rows 14 to 16.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import orjson

from bridge.interfaces import Caller, Outcome, Priority, Usage

THRESHOLD = 10_000
"""Calls an hour, until the vendor names a number. Source: SOAP help, thresholds."""

WINDOW_MINUTES = 60
READING_EVERY_S = 600.0
READING_AFTER_CALLS = 20
REDUCED_S = 600.0
WAITER_S = 2.0
"""How long a process counts as waiting after it was last heard to."""

_SHARES = {Priority.INTERACTIVE: 95, Priority.POLLING: 60, Priority.BULK: 60}
_INSTANCE_SHARE = 80
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator sets: lanes of a queue, and what one instance may have of all.

    `instance_lanes` counts the calls of one instance in flight over all entities.
    """

    lanes: int = 3
    instance_lanes: int = 9
    lease_s: float = 10.0
    wait_s: float = 20.0


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """A call that wants a lane; ordered by who goes first."""

    priority: int
    since: float
    instance: str = field(compare=False)
    usage_reading: bool = field(default=False, compare=False)

    @classmethod
    def of(cls, caller: Caller, now: float, *, usage_reading: bool) -> Self:
        """Return a caller's claim, made now; nobody's instance has an empty name."""
        name = "" if caller.instance_id is None else str(caller.instance_id)
        return cls(int(caller.priority), now, name, usage_reading)


@dataclass(slots=True)
class Ledger:
    """One tenant database.

    Args:
        calls: by minute and instance; a minute stays until all of it is an hour old.
        lanes: calls in flight by queue, holder and instance.
        waiting: by queue and holder, the claim that goes first there, as
            `[priority, since, instance, until]`.
        alive: until when each holder is believed to live.
        reduced: until when a queue has a lane less.
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
        """Return the ledger of a row."""
        return cls(**orjson.loads(text))

    def to_json(self) -> str:
        """Return the ledger as a row holds it."""
        return orjson.dumps(self).decode()

    def expire(self, now: float) -> None:
        """Drop what time has ended: old minutes, dead holders and all they held."""
        oldest = now / 60 - WINDOW_MINUTES - 1
        for minute in [each for each in self.calls if int(each) <= oldest]:
            del self.calls[minute]
        for holder in [each for each, until in self.alive.items() if until <= now]:
            del self.alive[holder]
        for queue in [each for each, until in self.reduced.items() if until <= now]:
            del self.reduced[queue]
        for queue, holders in list(self.lanes.items()):
            for holder in [each for each in holders if each not in self.alive]:
                del holders[holder]
            if not holders:
                del self.lanes[queue]
        for queue, claims in list(self.waiting.items()):
            for holder in [each for each, claim in claims.items() if claim[3] <= now]:
                del claims[holder]
            if not claims:
                del self.waiting[queue]

    def bury(self, holder: str, now: float) -> None:
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

    def count_lanes(self, queue: str, now: float, rules: Rules) -> int:
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

    def is_capped(self, queue: str, instance: str, priority: int, rules: Rules) -> bool:
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
        self, queue: str, claim: Claim, holder: str, now: float, rules: Rules
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

    def limit(self, claim: Claim) -> int:
        """Return how far the hour's calls may go for a claim of its priority."""
        share = _PERCENT if claim.usage_reading else _SHARES[Priority(claim.priority)]
        return self.threshold * share // _PERCENT

    def budget_free_at(self, claim: Claim, now: float) -> float | None:
        """Return when the budget allows a claim again; None when it does now.

        Calls of ours leave the hour minute by minute; those of others are known again
        with the next reading.
        """
        theirs = self.others(now) or 0
        excess = self.ours() + theirs - self.limit(claim) + 1
        mine = self._of_instance(claim)
        allowed = (self.limit(claim) - theirs) * _INSTANCE_SHARE // _PERCENT
        capped = mine - allowed + 1 if self._has_rivals(claim) else 0
        if excess <= 0 and capped <= 0:
            return None
        for minute in sorted(self.calls, key=int):
            excess -= sum(self.calls[minute].values())
            capped -= self.calls[minute].get(claim.instance, 0)
            if excess <= 0 and capped <= 0:
                return (int(minute) + WINDOW_MINUTES + 1) * 60.0
        return max(now, self.read_at) + READING_EVERY_S

    def take(self, queue: str, claim: Claim, holder: str, now: float) -> None:
        """Give a claim its lane, and count its call."""
        instances = self.lanes.setdefault(queue, {}).setdefault(holder, {})
        instances[claim.instance] = instances.get(claim.instance, 0) + 1
        minute = self.calls.setdefault(str(int(now // 60)), {})
        minute[claim.instance] = minute.get(claim.instance, 0) + 1
        self.since_reading += 1

    def hold(self, holder: str, held: Mapping[str, Mapping[str, int]]) -> bool:
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

    def heed(self, queue: str, outcome: Outcome, now: float) -> None:
        """Learn from how a call ended."""
        if outcome is Outcome.THREAD_LIMIT:
            self.reduced[queue] = now + REDUCED_S
        elif outcome is Outcome.QUOTA:
            self.theirs = max(0, self.threshold - self.ours())
            self.read_at = now

    def claim_reading(self, claim: Claim, now: float, *, refused: bool) -> bool:
        """Tell whether the vendor is to be asked for its count; True to one process.

        At most once in ten minutes. Interactive calls are worth a reading only when
        there were some: a quiet tenant would pay a call for each few of its own.
        """
        if claim.usage_reading or now - self.reading_claimed_at < READING_EVERY_S:
            return False
        busy = self.since_reading >= READING_AFTER_CALLS
        if claim.priority == Priority.INTERACTIVE and not (busy or refused):
            return False
        self.reading_claimed_at = now
        return True

    def learn(self, usage: Usage, now: float) -> None:
        """Take the vendor's count; what we have not counted was others."""
        self.threshold = usage.threshold
        self.theirs = max(0, usage.used - self.ours())
        self.read_at = now
        self.reading_claimed_at = now
        self.since_reading = 0

    def _of_instance(self, claim: Claim) -> int:
        return sum(minute.get(claim.instance, 0) for minute in self.calls.values())

    def _has_rivals(self, claim: Claim) -> bool:
        own = {"", claim.instance}
        return bool(claim.instance) and any(
            minute.keys() - own for minute in self.calls.values()
        )
