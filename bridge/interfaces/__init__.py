"""Protocols between the use cases and the vendor, the rate limiter and the workers.

Entities and fields have the vendor's SOAP names here and in the backends.
"""

from bridge.catalog.model import DateKind
from bridge.interfaces.backend import Backend, BackendService, OpenBackend
from bridge.interfaces.data import (
    UDF_MEMBER,
    Attachment,
    Credentials,
    Entity,
    EntityInfo,
    EntityType,
    Field,
    FieldInfo,
    FieldType,
    Page,
    Parent,
    PicklistItem,
    Scalar,
    Usage,
    Zone,
)
from bridge.interfaces.enqueue import Enqueue
from bridge.interfaces.rate_limiter import (
    NO_CALLER,
    BudgetUsage,
    Caller,
    CallLog,
    CallRequest,
    InspectableRateLimiter,
    NoCallLog,
    Outcome,
    Permit,
    Priority,
    RateLimiter,
    ReadUsage,
    SlotUsage,
    UsageObserver,
    VendorCall,
)
from bridge.interfaces.stored_calls import (
    PLACEHOLDER,
    CallDefinition,
    PlaceholderValue,
)

__all__ = [
    "NO_CALLER",
    "PLACEHOLDER",
    "UDF_MEMBER",
    "Attachment",
    "Backend",
    "BackendService",
    "BudgetUsage",
    "CallDefinition",
    "CallLog",
    "CallRequest",
    "Caller",
    "Credentials",
    "DateKind",
    "Enqueue",
    "Entity",
    "EntityInfo",
    "EntityType",
    "Field",
    "FieldInfo",
    "FieldType",
    "InspectableRateLimiter",
    "NoCallLog",
    "OpenBackend",
    "Outcome",
    "Page",
    "Parent",
    "Permit",
    "PicklistItem",
    "PlaceholderValue",
    "Priority",
    "RateLimiter",
    "ReadUsage",
    "Scalar",
    "SlotUsage",
    "Usage",
    "UsageObserver",
    "VendorCall",
    "Zone",
]
