"""Entities for tests, written as the vendor's members."""

from bridge.backends.autotask_soap.decode.entity import split
from bridge.backends.autotask_soap.encode.values import vendor_times
from bridge.backends.autotask_soap.udf_values import type_udfs
from bridge.interfaces import EntityType


def entity(members, fields=None, *, types=None, zone="America/New_York"):
    """Return an entity; the UDFs in `UserDefinedFields` are typed by the fields."""
    if fields is not None:
        types = {udf.name: udf.type for udf in fields.udfs.values()}

    def udf_types(_names, *, required):
        return types or {}

    named = EntityType("Any", udf_types=udf_types)
    raw = {
        name: dict(value) if isinstance(value, dict) else value
        for name, value in members.items()
    }
    found = split(raw)
    type_udfs([found], named, vendor_times(zone))
    return found
