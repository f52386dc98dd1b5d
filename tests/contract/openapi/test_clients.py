"""Clients that other projects' generators make from the descriptions."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.campaign

GENERATED = """
import json, sys
from crm_client.api.accounts import create_account, get_accounts, update_account_by_id
from crm_client.client import AuthenticatedClient
from crm_client.models import AccountCreate, AccountUpdate

given = json.load(sys.stdin)
client = AuthenticatedClient(
    base_url=given["url"], token=given["authorization"], prefix=""
)
body = AccountCreate.from_dict(given["account"])
made = create_account.sync(client=client, body=body)
where = f"accountName='{made.account_name}'"
found = get_accounts.sync(client=client, where=where)
change = AccountUpdate(phone="202-555-0188")
changed = update_account_by_id.sync(str(made.id), client=client, body=change)
missing = update_account_by_id.sync("1", client=client, body=change)
json.dump(
    {
        "made": made.id,
        "found": [account.id for account in found],
        "phone": changed.phone,
        "name": changed.account_name,
        "missing": missing.message,
    },
    sys.stdout,
)
"""
DYNAMIC = """
import SwaggerClient from "swagger-client";

const [url, authorization, id] = process.argv.slice(2);
const requestInterceptor = (request) => {
  request.headers.Authorization = authorization;
  return request;
};
const { apis } = await SwaggerClient({ url, requestInterceptor });
const page = await apis.accounts.getAccounts({
  Authorization: authorization,
  pageSize: 2,
});
const one = await apis.accounts.getAccountById({ Authorization: authorization, id });
console.log(JSON.stringify({
  count: page.headers["elements-returned-count"],
  listed: page.body.length,
  one: one.body,
}));
"""


def run(command, **options):
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_generated_client_creates_lists_and_updates(api, own, tmp_path):
    (tmp_path / "openapi.json").write_text(json.dumps(own))
    (tmp_path / "use.py").write_text(GENERATED)
    generate = [sys.executable, "-m", "openapi_python_client", "generate"]
    places = ["--path", "openapi.json", "--output-path", "crm_client"]
    name = f"Generated {secrets.token_hex(4)}"
    account = {
        "accountName": name,
        "accountType": 1,
        "phone": "202-555-0147",
        "ownerResourceID": 4,
    }
    given = {"url": api.base_url, "authorization": api.secrets, "account": account}

    said = run([*generate, *places, "--meta", "none"], cwd=tmp_path)
    printed = run(
        [sys.executable, "use.py"],
        cwd=tmp_path,
        input=json.dumps(given),
        env={**os.environ, "PYTHONSAFEPATH": ""},
    )

    assert "WARNING" not in said
    done = json.loads(printed)
    assert done["found"] == [done["made"]]
    assert (done["name"], done["phone"]) == (name, "202-555-0188")
    assert done["missing"] == "The account with ID 1 was not found."
    stored = api.get(f"/accounts/{done['made']}").json()
    assert stored["phone"] == "202-555-0188"


def test_a_dynamic_client_reads_an_account(api, tmp_path):
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        reason = "node and npm are not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    (tmp_path / "read.mjs").write_text(DYNAMIC)
    (tmp_path / "package.json").write_text("{}")
    quiet = ("--no-audit", "--no-fund", "--ignore-scripts")
    run([npm, "install", *quiet, "swagger-client@3"], cwd=tmp_path)

    url = f"{api.base_url}/instances/docs"
    printed = run([node, "read.mjs", url, api.secrets, "0"], cwd=tmp_path)

    read = json.loads(printed)
    assert (read["count"], read["listed"]) == ("2", 2)
    assert read["one"] == api.get("/accounts/0").json()
