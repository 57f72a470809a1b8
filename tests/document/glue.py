"""Loads the served document with Pulp's client library and calls what takes no arguments.

    glue.py BASE_URL OPERATIONS

OPERATIONS is the list of Pulp's operations; each that is served must be usable by name.
"""

import json
import sys
import tempfile
import os

base_url, operations = sys.argv[1:]
# The library keeps documents by their address, and ports come back.
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp()

from pulp_glue.common.authentication import GlueAuthProvider  # noqa: E402
from pulp_glue.common.openapi import OpenAPI  # noqa: E402

api = OpenAPI(
    base_url=base_url,
    doc_path="/pulp/api/v3/docs/api.json",
    auth_provider=GlueAuthProvider(username="admin", password="password"),
)
called = 0
with open(operations, encoding="utf-8") as file:
    for theirs in json.load(file):
        name = theirs["id"]
        if name not in api.operations:
            continue
        found = api.operations[name]
        if found != (theirs["method"], theirs["path"]):
            sys.exit(f"glue: {name} is {found}")
        # Every parameter of Pulp's is one that the library would send.
        known = api.param_spec(name, "query")
        missing = [one for one in theirs.get("query", []) if one not in known]
        if missing:
            sys.exit(f"glue: {name} does not have {', '.join(missing)}")
        if theirs["method"] == "get" and "{" not in theirs["path"]:
            answer = api.call(name)
            if name.endswith("_list") and "results" not in answer:
                sys.exit(f"glue: {name} answered {answer}")
            called += 1
if called < 10:
    sys.exit(f"glue: only {called} operations were called")
print(f"document: Pulp's client library called {called} operations")
