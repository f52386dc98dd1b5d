"""Autotask's SOAP web services, API 1.6: the only package that knows SOAP and zeep.

The application creates one `service.SoapService`; everything else is reached through
the `Backend` that it opens.
"""
