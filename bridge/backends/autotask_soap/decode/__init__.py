"""Decode the SOAP replies of Autotask while they arrive."""
