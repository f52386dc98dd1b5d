"""Autotask's SOAP web services, API 1.6: the only room that knows SOAP and zeep.

`service.SoapService` is what the application makes once; everything else here is
reached through the `Backend` it opens.
"""
