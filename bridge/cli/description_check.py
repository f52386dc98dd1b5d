"""The check of `bridge doctor` on the service descriptions of the SOAP backend."""

from __future__ import annotations

from bridge.errors import ProviderError
from bridge.interfaces import Zone
from bridge.interfaces.diagnostics import BackendDiagnostics
from bridge.interfaces.service_descriptions import ServiceDescriptions, release_key
from bridge.services.diagnostics.doctor import Finding, fine, warn
from bridge.services.diagnostics.vendor_checks import ConnectionUnderTest


def check_descriptions(
    descriptions: ServiceDescriptions,
    probe: BackendDiagnostics,
    zone: Zone,
    connection: ConnectionUnderTest,
) -> Finding:
    """Check that the description in use is as new as the zone. One vendor call."""
    ours = descriptions.description()
    try:
        theirs = probe.release(zone, connection.credentials)
    except ProviderError as error:
        return warn("WSDL", error.message.rstrip("."), "try again")
    text = f"{ours.name}, release {ours.release}; the zone serves {theirs}"
    command = f"bridge wsdl refresh --instance {connection.instance_id or 'ID'}"
    cure = f"run `{command}`, then `bridge wsdl diff` to see what is new"
    if connection.instance_id is None:
        cure = f"once there is an instance, {cure}"
    # A fetched description that cannot be parsed leaves an older one in use.
    newest = descriptions.descriptions()[0]
    if release_key(newest.release) > release_key(ours.release):
        text = f"{newest.name} cannot be used; in its place {text}"
        return warn("WSDL", text, cure)
    if release_key(theirs) > release_key(ours.release):
        return warn("WSDL", text, cure)
    return fine("WSDL", text)
