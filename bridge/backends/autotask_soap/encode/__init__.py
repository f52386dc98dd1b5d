"""Write the requests: values, queries, entities, as SOAP messages."""
