"""The seams: what the use cases need of a vendor, a governor and a worker.

Names of entities and fields are the vendor's SOAP names everywhere below them.
"""

from bridge.catalog.model import DateKind
from bridge.interfaces.backend import (
    Argument,
    Backend,
    Node,
    OpenBackend,
)
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
    PicklistItem,
    Scalar,
    Usage,
    Zone,
)
from bridge.interfaces.enqueue import Enqueue
from bridge.interfaces.rate_limiter import (
    NO_CALLER,
    Caller,
    CallLog,
    CallRequest,
    NoCallLog,
    Outcome,
    Permit,
    Priority,
    RateLimiter,
    ReadUsage,
    UsageObserver,
    VendorCall,
)

__all__ = [
    "NO_CALLER",
    "UDF_MEMBER",
    "Argument",
    "Attachment",
    "Backend",
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
    "NoCallLog",
    "Node",
    "OpenBackend",
    "Outcome",
    "Page",
    "Permit",
    "PicklistItem",
    "Priority",
    "RateLimiter",
    "ReadUsage",
    "Scalar",
    "Usage",
    "UsageObserver",
    "VendorCall",
    "Zone",
]
