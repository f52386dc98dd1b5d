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
    NOBODY,
    Caller,
    CallLog,
    Gate,
    Lease,
    NoCallLog,
    Outcome,
    Priority,
    ReadUsage,
    Ticket,
    UsageReports,
    VendorCall,
)

__all__ = [
    "NOBODY",
    "UDF_MEMBER",
    "Argument",
    "Attachment",
    "Backend",
    "CallLog",
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
    "Gate",
    "Lease",
    "NoCallLog",
    "Node",
    "OpenBackend",
    "Outcome",
    "Page",
    "PicklistItem",
    "Priority",
    "ReadUsage",
    "Scalar",
    "Ticket",
    "Usage",
    "UsageReports",
    "VendorCall",
    "Zone",
]
