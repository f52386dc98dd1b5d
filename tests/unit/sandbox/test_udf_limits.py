"""How many user-defined fields an entity can have."""

from bridge.sandbox.data import udfs


def test_the_limits_are_the_vendors():
    assert udfs.MAX_ACTIVE == {
        "Account": 200,
        "Contact": 100,
        "InstalledProduct": 500,
        "Opportunity": 200,
        "Product": 100,
        "Project": 200,
        "SalesOrder": 100,
        "Task": 100,
        "Ticket": 300,
    }
