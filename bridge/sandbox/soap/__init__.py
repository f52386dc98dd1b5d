"""SOAP in and out: envelopes, XML, queryxml, metadata and the service description."""
