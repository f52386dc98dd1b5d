"""What getEntityInfo says of an entity holds, at every generation."""

import pytest

VERBS = ("query", "create", "update", "delete")
REFUSED = "The logged in Resource does not have the adequate permissions to {} this"
# Enough to be validated, and always refused.
RECORD = (
    "<id>-7</id><UserDefinedFields><UserDefinedField><Name>No such field</Name>"
    "</UserDefinedField></UserDefinedFields>"
)
NOBODY = '<field>id<expression op="Equals">-7</expression></field>'


@pytest.fixture(params=["1.5", "1.6.0", "1.6.11"])
def client(request, soap, early):
    clients = {"1.5": soap.old, "1.6.0": early, "1.6.11": soap}
    return clients[request.param]


def infos(client):
    """Return the members of all entities' information by name."""
    found = {}
    for info in client.call("GetEntityInfo").find_all("EntityInfo"):
        members = {child.tag.partition("}")[2]: child.text for child in info}
        found[members.pop("Name")] = members
    return found


def attempt(client, verb, entity):
    if verb == "query":
        return client.query(entity, NOBODY)
    return client.write(verb, entity, RECORD)


def is_refused(client, verb, entity):
    return any(
        "adequate permissions" in e for e in attempt(client, verb, entity).errors
    )


@pytest.mark.campaign
def test_all_verbs_of_all_entities(client, soap):
    rights = {
        name: {members[f"UserAccessFor{verb.title()}"] for verb in VERBS}
        for name, members in infos(soap).items()
    }
    closed = {name for name, known in rights.items() if known == {"None"}}
    wrong = []
    for entity, members in infos(client).items():
        for verb in VERBS:
            can = members[f"Can{verb.title()}"] == "true"
            right = members.get(f"UserAccessFor{verb.title()}", "All")
            # Modules are active or not in a tenant, in all versions.
            promised = can and right != "None" and entity not in closed
            if is_refused(client, verb, entity) is promised:
                wrong.append((entity, verb, promised))

    assert wrong == []


@pytest.mark.parametrize(
    ("verb", "entity"),
    [
        ("update", "AccountTeam"),
        ("create", "TicketCategory"),
        ("delete", "ChangeRequestLink"),
    ],
)
def test_early_releases_have_verbs_that_the_newest_refuses(soap, early, verb, entity):
    for client in (soap.old, early):
        assert infos(client)[entity][f"Can{verb.title()}"] == "true"
        assert not is_refused(client, verb, entity)
    assert attempt(soap, verb, entity).errors == [
        REFUSED.format(verb) + " entity type."
    ]


def test_a_team_s_member_is_exchanged_in_1_5(fresh):
    member = "<id>{}</id><AccountID>0</AccountID><ResourceID>{}</ResourceID>"
    (made,) = fresh.old.write("create", "AccountTeam", member.format(0, 4)).ids

    changed = fresh.old.write("update", "AccountTeam", member.format(made, 3))

    assert changed.code == 1
    assert '<ResourceID xsi:type="xsd:int">3<' in fresh.fields("AccountTeam", made)


@pytest.mark.parametrize("verb", ["create", "update"])
def test_a_module_that_is_not_active_is_closed_in_every_version(client, verb):
    reply = attempt(client, verb, "PurchaseOrder")

    assert reply.errors == [REFUSED.format("update") + " entity type."]
