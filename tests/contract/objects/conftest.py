"""Another client at the same simulator."""

import pytest
import requests
import zeep
from zeep.transports import Transport

NAMESPACE = "http://autotask.net/ATWS/v1_6/"


@pytest.fixture(scope="session")
def autotask(demo):
    """Another SOAP client, straight at the simulator."""
    with requests.Session() as session:
        session.auth = (demo["username"], demo["password"])
        client = zeep.Client(demo["sandboxWsdl"], transport=Transport(session=session))
        header = client.get_element(f"{{{NAMESPACE}}}AutotaskIntegrations")(
            IntegrationCode=demo["integrationCode"]
        )
        client.set_default_soapheaders([header])
        yield client.service
