"""The vendor, simulated: a closed world that shares only the WSDL with the client."""
