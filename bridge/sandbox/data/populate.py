"""Fills a tenant with random records: contacts, opportunities, notes, tasks.

Also sets the fields that hand-written records leave out. Everything comes from one
seeded generator; values that a record has are never changed.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime, time, timedelta
from decimal import Decimal

from bridge.sandbox.data.dataset import UDF_MEMBER, Udf
from bridge.sandbox.data.population import API_USER, Population, Row
from bridge.sandbox.data.udfs import DATE, LIST, NUMERIC, TEXT, UDF_TYPES

_TASK_COMPLETE = 5
_LOST_CLOSED_IMPLEMENTED = frozenset({2, 3, 4})

_UDF_DATA_TYPES = {
    "string": TEXT,
    "boolean": TEXT,
    "datetime": DATE,
    "double": NUMERIC,
}


def populate(population: Population, *, contacts: int, opportunities: int) -> None:
    """Complete the given records and add others, up to these totals."""
    # The order of these calls, and of random draws in them, must stay: payloads and
    # tests refer to the ids and values that follow from it.
    _complete_resources(population)
    _complete_accounts(population)
    _add_locations(population)
    _add_contacts(population, contacts)
    _add_opportunities(population, opportunities)
    _add_activities(population)
    _add_tasks(population)
    _define_udfs(population)
    _fill_udfs(population)


def _complete_resources(population: Population) -> None:
    for row in population.rows["Resource"]:
        name = f"{row['FirstName'][0]}{row['LastName']}"
        login = row.get("UserName") or _ascii(name)
        defaults: Row = {
            "Active": True,
            "Email": f"{login}@{population.mail}",
            "EmailTypeCode": "PRIMARY",
            "ResourceType": "Employee",
            "UserName": login,
            "LocationID": 90682,
            "PayrollType": 1,
            "NumberFormat": "X,XXX.XX",
            "DateFormat": "MM/dd/yyyy",
            "TimeFormat": "hh:mm a",
        }
        row.update(defaults | row)
        if row["UserType"] != API_USER:
            _add_role(population, row["id"])


def _add_role(population: Population, resource_id: int) -> None:
    role_id = population.random.choice((29683460, 29683461))
    department_id = population.random.choice((29683385, 29683387))
    population.add(
        "ResourceRoleDepartment",
        ResourceID=resource_id,
        RoleID=role_id,
        DepartmentID=department_id,
        Active=True,
        Default=True,
        DepartmentLead=False,
    )
    population.add(
        "ResourceRole",
        ResourceID=resource_id,
        RoleID=role_id,
        DepartmentID=department_id,
        Active=True,
    )


def _complete_accounts(population: Population) -> None:
    random = population.random
    for row in population.rows["Account"]:
        created = population.moment()
        street = f"{random.randrange(1, 900)} {population.word('streets')}"
        defaults: Row = {
            "Address1": street,
            "Phone": population.phone(),
            "OwnerResourceID": random.choice(population.sellers()),
            "Active": True,
            "ClientPortalActive": False,
            "TaskFireActive": False,
            "TaxExempt": False,
            "CountryID": 237,
            "Country": "United States",
            "CurrencyID": 1,
            "WebAddress": f"https://www.{_domain(row)}/",
            "CreateDate": created,
            "LastActivityDate": population.moment(after=created),
            "BillToAddressToUse": 1,
            "BillToAddress1": street,
            "BillToCity": row["City"],
            "BillToState": row["State"],
            "BillToZipCode": row["PostalCode"],
            "InvoiceMethod": random.choice((0, 2)),
        }
        if population.chance(50):
            defaults["Fax"] = random.choice(("", population.phone()))
        row.update(defaults | row)
        row.setdefault("LastTrackedModifiedDateTime", row["LastActivityDate"])


def _add_locations(population: Population) -> None:
    for account in population.rows["Account"]:
        population.add(
            "AccountLocation", AccountID=account["id"], LocationName=account["City"]
        )
        population.add(
            "AccountPhysicalLocation",
            AccountID=account["id"],
            Name="Primary Location",
            Address1=account["Address1"],
            City=account["City"],
            CountryID=account["CountryID"],
            Phone=account["Phone"],
            RoundtripDistance=population.money(90),
            Active=True,
            Primary=True,
        )


def _add_contacts(population: Population, count: int) -> None:
    accounts = {row["id"]: row for row in population.rows["Account"]}
    contacts = population.rows["Contact"]
    while len(contacts) < count:
        population.add(
            "Contact",
            AccountID=population.random.choice(list(accounts)),
            FirstName=population.word("first_names"),
            LastName=population.word("last_names"),
        )
    led = {row["AccountID"] for row in contacts if row.get("PrimaryContact")}
    for row in contacts:
        account = accounts[row["AccountID"]]
        _complete_contact(population, row, account)
        row.setdefault("PrimaryContact", account["id"] not in led)
        led.add(account["id"])


def _complete_contact(population: Population, row: Row, account: Row) -> None:
    random = population.random
    mailbox = f"{_ascii(row['FirstName'])}.{_ascii(row['LastName'])}"
    created = population.moment(after=account["CreateDate"])
    defaults: Row = {
        "Active": 0 if population.chance(10) else 1,
        "EMailAddress": f"{mailbox}@{_domain(account)}",
        "Title": population.word("job_titles"),
        "Phone": population.phone(),
        "AddressLine": account["Address1"],
        "City": account["City"],
        "State": account["State"],
        "ZipCode": account["PostalCode"],
        "Country": account["Country"],
        "CountryID": account["CountryID"],
        "Notification": False,
        "CreateDate": created,
        "LastModifiedDate": population.moment(after=created),
    }
    if population.chance(50):
        defaults["LastActivityDate"] = population.moment(after=created)
        defaults["MobilePhone"] = random.choice(("", population.phone()))
    row.update(defaults | row)


def _add_opportunities(population: Population, count: int) -> None:
    random = population.random
    opportunities = population.rows.setdefault("Opportunity", [])
    accounts = population.rows["Account"]
    while len(opportunities) < count:
        account = random.choice(accounts)
        created = population.day(after=account["CreateDate"])
        amount = population.money(60_000)
        closing = population.day(after=created)
        status = population.pick("Opportunity", "Status")
        population.add(
            "Opportunity",
            AccountID=account["id"],
            ContactID=_contact_of(population, account["id"]),
            Title=f"{population.word('deals')} for {account['AccountName']}",
            Stage=population.pick("Opportunity", "Stage"),
            Status=status,
            Amount=amount,
            Cost=round(amount * Decimal("0.6"), 4),
            Probability=random.randrange(0, 101, 5),
            OwnerResourceID=random.choice(population.sellers()),
            UseQuoteTotals=population.chance(50),
            CreateDate=created,
            ProjectedCloseDate=closing,
            ClosedDate=population.day(after=closing)
            if status in _LOST_CLOSED_IMPLEMENTED
            else None,
            LeadReferral=population.pick("Opportunity", "LeadReferral"),
            Rating=random.choice((None, population.pick("Opportunity", "Rating"))),
            NextStep=random.choice((None, "", "Call back")),
            MonthlyRevenue=population.money(900),
            LastActivity=population.moment(after=created),
        )


def _contact_of(population: Population, account_id: int) -> int | None:
    known: list[int] = [
        row["id"]
        for row in population.rows["Contact"]
        if row["AccountID"] == account_id and row["Active"]
    ]
    return population.random.choice([*known, None])


def _add_activities(population: Population) -> None:
    random = population.random
    for account in population.rows["Account"]:
        for _ in range(random.randrange(1, 4)):
            start = population.moment(after=account["CreateDate"])
            end = start + timedelta(minutes=random.randrange(15, 120))
            note = population.word("notes")
            owner = random.choice(population.sellers())
            done = end if population.chance(50) else None
            population.add(
                "AccountToDo",
                AccountID=account["id"],
                ContactID=_contact_of(population, account["id"]),
                AssignedToResourceID=owner,
                ActionType=random.choice((1, 2)),
                StartDateTime=start,
                EndDateTime=end,
                ActivityDescription=note,
                CompletedDate=done,
                CreateDateTime=start,
                CreatorResourceID=owner,
                LastModifiedDate=end,
            )
            population.add(
                "AccountNote",
                AccountID=account["id"],
                AssignedResourceID=owner,
                ActionType=3,
                Name=note[:12] or None,
                Note=note,
                StartDateTime=start,
                EndDateTime=end,
                LastModifiedDate=end,
                CreateDateTime=start,
            )
        population.add(
            "AccountTeam",
            AccountID=account["id"],
            ResourceID=random.choice(population.sellers()),
        )


def _add_tasks(population: Population) -> None:
    random = population.random
    roles = {
        row["ResourceID"]: row for row in population.rows["ResourceRoleDepartment"]
    }
    for project in population.rows["Project"]:
        project.setdefault("CreateDateTime", population.day())
        for number in range(1, random.randrange(6, 12)):
            drawn = population.moment(after=project["CreateDateTime"])
            start, last_day = _within(project, drawn)
            owner = roles[random.choice(population.sellers())]
            assigned = population.chance(50)
            status = population.pick("Task", "Status")
            population.add(
                "Task",
                ProjectID=project["id"],
                Title=f"{population.word('tasks')} {number}",
                Status=status,
                TaskType=population.pick("Task", "TaskType"),
                TaskNumber=f"T{start:%Y%m%d}.{number:04d}",
                EstimatedHours=Decimal(random.randrange(2, 80)) / 4,
                StartDateTime=start,
                EndDateTime=min(
                    last_day, _day(start) + timedelta(days=random.randrange(1, 30))
                ),
                CreateDateTime=start,
                CreatorResourceID=owner["ResourceID"],
                CompletedDateTime=start + timedelta(hours=30)
                if status == _TASK_COMPLETE
                else None,
                TaskIsBillable=project["AccountID"] != 0,
                Description=population.word("notes"),
                AssignedResourceID=owner["ResourceID"] if assigned else None,
                AssignedResourceRoleID=owner["RoleID"] if assigned else None,
                DepartmentID=owner["DepartmentID"] if assigned else None,
                AllocationCodeID=29682838 if assigned else None,
            )


def _within(project: Row, drawn: datetime) -> tuple[datetime, datetime]:
    """Return a random time moved into a project's days, and the last of these."""
    first, last = project["StartDateTime"], project["EndDateTime"]
    days = max(1, (last - first).days)
    day = first + timedelta(days=drawn.toordinal() % days)
    return datetime.combine(day, drawn.time()), last


def _day(moment: datetime) -> datetime:
    return datetime.combine(moment, time())


def _define_udfs(population: Population) -> None:
    for entity, udfs in population.udfs.items():
        for udf in udfs:
            data_type = LIST if udf.picklist else _UDF_DATA_TYPES[udf.type]
            definition = population.add(
                "UserDefinedFieldDefinition",
                Name=udf.name,
                Description=udf.description,
                UdfType=UDF_TYPES[entity],
                DataType=data_type,
                IsProtected=udf.protected,
                IsRequired=udf.required,
                IsActive=True,
            )
            for item in udf.picklist or ():
                population.add(
                    "UserDefinedFieldListItem",
                    UdfFieldId=definition["id"],
                    ValueForExport=item.value,
                    ValueForDisplay=item.label,
                    IsActive=item.is_active,
                )


def _fill_udfs(population: Population) -> None:
    for entity, udfs in population.udfs.items():
        for row in population.rows.get(entity, ()):
            given = row.setdefault(UDF_MEMBER, {})
            for udf in udfs:
                empty = not udf.required and population.chance(40)
                value = None if empty else _udf_value(population, udf)
                given.setdefault(udf.name, value)


def _udf_value(population: Population, udf: Udf) -> str:
    if udf.picklist:
        items = [item.value for item in udf.picklist if item.is_active]
        return population.random.choice(items)
    match udf.type:
        case "double":
            return f"{population.money(5_000):.4f}"
        case "datetime":
            return population.day().isoformat()
        case "boolean":
            return population.random.choice(("true", "false"))
        case _:
            return population.word("phrases")


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).lower()
    return "".join(c for c in plain if c.isascii() and c.isalnum())


def _domain(account: Row) -> str:
    return f"{_ascii(account['AccountName'])}.example"
